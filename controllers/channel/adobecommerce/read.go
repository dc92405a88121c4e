package adobecommerce

import (
	"context"

	"tallyman.dev/tallyman/controllers/channel"
)

// stockRow is the quantity of a SKU at a source, in the answer to a search.
type stockRow struct {
	SKU        string           `json:"sku"`
	SourceCode string           `json:"source_code"`
	Quantity   channel.Quantity `json:"quantity"`
	Status     int              `json:"status"`
}

// stockKey is what the shop has one quantity of.
type stockKey struct{ sku, source string }

// Read implements channel.Reader. A SKU that is not assigned to a source, or out of stock there, sells
// nothing from it.
func (c *connector) Read(ctx context.Context, b channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.targets.Resolve(ctx, b)
	if err != nil {
		return channel.Readings{}, err
	}
	bySource := map[string][]string{}
	for _, t := range targets {
		bySource[t.Location.Code] = append(bySource[t.Location.Code], t.SKU)
	}
	have := map[stockKey]int64{}
	for code, skus := range bySource {
		if err := c.readSource(ctx, code, skus, have); err != nil {
			return channel.Readings{}, err
		}
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(targets)), Failures: failures}
	for _, t := range targets {
		out.Quantities[t.Index] = have[stockKey{t.SKU, t.Location.Code}]
	}
	return out, nil
}

// readSource reads the quantities of some SKUs at a source.
func (c *connector) readSource(ctx context.Context, code string, skus []string, into map[stockKey]int64) error {
	for _, some := range portions(skus) {
		filters := []filter{{"source_code", []string{code}}, {"sku", some}}
		rows, err := search[stockRow](ctx, c, itemsPath, "items[sku,source_code,quantity,status],total_count", filters, lookupSize)
		if err != nil {
			return err
		}
		for _, r := range rows {
			into[stockKey{r.SKU, r.SourceCode}] = r.sells()
		}
	}
	return nil
}

// sells returns how much is sold of the quantity. It is below zero where more was shipped than there was.
func (r stockRow) sells() int64 {
	if r.Status == 0 {
		return min(0, r.Quantity.Units)
	}
	return r.Quantity.Units
}
