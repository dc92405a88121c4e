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

// shelf is an item in a warehouse.
type shelf struct{ item, warehouse string }

// Read implements channel.Reader. Items that never moved in a warehouse have no Bin there: it has none of
// them.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	t, err := c.targets(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: map[int]int64{}, Failures: t.failures}
	rows := t.rows()
	if len(rows) == 0 {
		return out, nil
	}
	stock, err := c.bins(ctx, t, rows)
	if err != nil {
		return channel.Readings{}, err
	}
	for _, i := range rows {
		quantity, ok := whole(stock[shelf{t.items[i].name, t.warehouses[i]}])
		if !ok {
			out.Failures[i] = channel.NewError(channel.Retry, "InvalidAnswer", "the quantity of the Bin cannot be counted")
			continue
		}
		out.Quantities[i] = quantity
	}
	return out, nil
}

// bins asks for the stock of items in warehouses.
func (c *connector) bins(ctx context.Context, t *targets, rows []int) (map[shelf]float64, error) {
	var items, warehouses []string
	for _, i := range rows {
		items, warehouses = append(items, t.items[i].name), append(warehouses, t.warehouses[i])
	}
	var found []bin
	err := c.list(ctx, query{
		Doctype: "Bin", Fields: []string{"item_code", "warehouse", "actual_qty"},
		Filters: []filter{{"item_code", "in", unique(items)}, {"warehouse", "in", unique(warehouses)}},
	}, &found)
	if err != nil {
		return nil, err
	}
	stock := make(map[shelf]float64, len(found))
	for _, b := range found {
		if b.ActualQty == nil {
			return nil, channel.NewError(channel.Retry, "InvalidAnswer", "a Bin has no actual_qty")
		}
		stock[shelf{b.ItemCode, b.Warehouse}] = *b.ActualQty
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
