package odoo

import (
	"context"
	"fmt"
	"strconv"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// searchArguments are those of search_read. A domain is a list of conditions, all of which must hold.
type searchArguments struct {
	Domain  []condition   `json:"domain"`
	Fields  []string      `json:"fields"`
	Limit   int           `json:"limit,omitempty"`
	Context searchContext `json:"context"`
}

// searchContext leaves archived records out, whatever the user's settings say.
type searchContext struct {
	ActiveTest bool `json:"active_test"`
}

// condition is a field, an operator and a value.
type condition [3]any

// search reads fields of the records of a model; all of them where limit is 0.
func (c *connector) search(ctx context.Context, model string, limit int, domain []condition, fields ...string) (*channel.Response, error) {
	answer, err := c.call(ctx, model, "search_read", searchArguments{domain, fields, limit, searchContext{ActiveTest: true}})
	if err != nil {
		return nil, channel.BlameNoItem(err)
	}
	return answer, nil
}

// product is what is looked up of a SKU.
type product struct {
	id       int64
	storable bool
	tracked  bool // stock is counted by lot or serial number
}

// lookUpProducts finds the products, which are variants, whose internal reference is a SKU.
func (c *connector) lookUpProducts(ctx context.Context, skus []string) (map[string][]product, error) {
	answer, err := c.search(ctx, "product.product", 0, []condition{{"default_code", "in", skus}}, "default_code", "is_storable", "tracking")
	if err != nil {
		return nil, err
	}
	return c.decodeProducts(answer)
}

func (c *connector) decodeProducts(answer *channel.Response) (map[string][]product, error) {
	var records []struct {
		ID       int64  `json:"id"`
		SKU      text   `json:"default_code"`
		Storable bool   `json:"is_storable"`
		Tracking string `json:"tracking"`
	}
	if err := c.decodeList(answer, &records); err != nil {
		return nil, err
	}
	out := make(map[string][]product, len(records))
	for _, r := range records {
		out[string(r.SKU)] = append(out[string(r.SKU)], product{r.ID, r.Storable, r.Tracking != "none"})
	}
	return out, nil
}

// lookUpLocations finds the stock locations with some complete names or ids. Only those that hold stock
// count, not views, partners' and those of losses.
func (c *connector) lookUpLocations(ctx context.Context, codes []string) (map[string][]int64, error) {
	var names []string
	var ids []int64
	for _, code := range codes {
		if id, err := strconv.ParseInt(code, 10, 64); err == nil {
			ids = append(ids, id)
		} else {
			names = append(names, code)
		}
	}
	out := map[string][]int64{}
	for _, by := range []struct {
		condition condition
		some      bool
		code      func(locationRecord) string
	}{
		{condition{"complete_name", "in", names}, len(names) > 0, func(l locationRecord) string { return string(l.Name) }},
		{condition{"id", "in", ids}, len(ids) > 0, func(l locationRecord) string { return strconv.FormatInt(l.ID, 10) }},
	} {
		if !by.some {
			continue
		}
		found, err := c.searchLocations(ctx, by.condition)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			out[by.code(l)] = append(out[by.code(l)], l.ID)
		}
	}
	return out, nil
}

type locationRecord struct {
	ID   int64 `json:"id"`
	Name text  `json:"complete_name"`
}

func (c *connector) searchLocations(ctx context.Context, by condition) ([]locationRecord, error) {
	answer, err := c.search(ctx, "stock.location", 0, []condition{by, {"usage", "in", []string{"internal", "transit"}}}, "complete_name")
	if err != nil {
		return nil, err
	}
	var out []locationRecord
	return out, c.decodeList(answer, &out)
}

// target is an item with the product and the stock location that its quantity is of.
type target = resolve.Target[product, int64]

// counted refuses products that Odoo does not count by number alone.
func counted(p product) *channel.Error {
	switch {
	case !p.storable:
		return channel.NewError(channel.Unmapped, reasonNotStorable, "the product does not track inventory in Odoo")
	case p.tracked:
		return channel.NewError(channel.Unmapped, reasonTrackedByLot, "the product is tracked by lots or serial numbers in Odoo, and Tallyman knows of none")
	}
	return nil
}

// noLocation says why a code stands for no location.
func noLocation(code string, found int) *channel.Error {
	if found > 1 {
		return channel.NewError(channel.Unmapped, channel.ReasonAmbiguousLocation, fmt.Sprintf("the channel has several stock locations %q: use the id of one", code))
	}
	return channel.NewError(channel.Unmapped, channel.ReasonUnknownLocation, fmt.Sprintf("the channel has no internal or transit location %q", code))
}
