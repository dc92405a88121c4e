package erpnext

import (
	"context"
	"math"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// precision is what quantities are rounded to, as they are sums of floating point numbers. ERPNext shows at most
	// nine digits, three unless set otherwise.
	precision = 1e6

	// maxQuantity is where floating point numbers stop to count by one.
	maxQuantity = 1 << 53
)

// bin is what a warehouse has of an item.
type bin struct {
	ItemCode  string   `json:"item_code"`
	Warehouse string   `json:"warehouse"`
	ActualQty *float64 `json:"actual_qty"`
}

// binKey is an item in a warehouse.
type binKey struct{ item, warehouse string }

// Read implements channel.Reader. Items that never moved in a warehouse have no Bin there: it has none of
// them.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: map[int]int64{}, Failures: failures}
	if len(targets) == 0 {
		return out, nil
	}
	stock, err := c.bins(ctx, targets)
	if err != nil {
		return channel.Readings{}, err
	}
	for _, t := range targets {
		quantity, ok := whole(stock[binKey{t.Found.name, t.Location.name}])
		if !ok {
			out.Failures[t.Index] = channel.InvalidAnswer("the quantity of the Bin cannot be counted")
			continue
		}
		out.Quantities[t.Index] = quantity
	}
	return out, nil
}

// bins asks for the stock of items in warehouses.
func (c *connector) bins(ctx context.Context, targets []target) (map[binKey]float64, error) {
	var items, warehouses []string
	for _, t := range targets {
		items, warehouses = append(items, t.Found.name), append(warehouses, t.Location.name)
	}
	var found []bin
	err := c.list(ctx, query{
		Doctype: "Bin", Fields: []string{"item_code", "warehouse", "actual_qty"},
		Filters: []filter{{"item_code", "in", unique(items)}, {"warehouse", "in", unique(warehouses)}},
	}, &found)
	if err != nil {
		return nil, err
	}
	stock := make(map[binKey]float64, len(found))
	for _, b := range found {
		if b.ActualQty == nil {
			return nil, channel.InvalidAnswer("a Bin has no actual_qty")
		}
		stock[binKey{b.ItemCode, b.Warehouse}] = *b.ActualQty
	}
	return stock, nil
}

// whole makes a quantity one of whole units. A fraction counts as one more, so that a comparison finds
// what could be oversold; negative stock stays so.
func whole(quantity float64) (int64, bool) {
	if math.IsNaN(quantity) || math.Abs(quantity) > maxQuantity {
		return 0, false
	}
	return int64(math.Ceil(math.Round(quantity*precision) / precision)), true
}
