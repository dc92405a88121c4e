package erpnext

import (
	"context"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// flag is a check box, which is 0 or 1.
type flag int

// stockItem is an Item, by its name, with what decides whether a quantity can be booked of it.
type stockItem struct {
	name  string
	unfit string // why none can; empty if it can
}

// warehouse is one, by its name.
type warehouse struct{ name string }

type itemRow struct {
	Name     string  `json:"name"`
	SKU      *string `json:"sku"`
	Stock    flag    `json:"is_stock_item"`
	Disabled flag    `json:"disabled"`
	Template flag    `json:"has_variants"`
	Serial   flag    `json:"has_serial_no"`
	Batch    flag    `json:"has_batch_no"`
}

type warehouseRow struct {
	Name     string `json:"name"`
	Company  string `json:"company"`
	Group    flag   `json:"is_group"`
	Disabled flag   `json:"disabled"`
}

// unfit returns why no quantity can be booked. ERPNext takes a row of an item with batches or serial
// numbers, and books what it has already instead.
func (r itemRow) unfit() string {
	switch {
	case r.Disabled != 0:
		return "the item is disabled"
	case r.Template != 0:
		return "the item is a template of variants, which have the stock"
	case r.Stock == 0:
		return "the item is not one of stock"
	case r.Serial != 0:
		return "the item has serial numbers, which a quantity does not tell"
	case r.Batch != 0:
		return "the item has batches, which a quantity does not tell"
	}
	return ""
}

// lookUpItems is the look-up of SKUs.
func (c *connector) lookUpItems(ctx context.Context, skus []string) (map[string][]stockItem, error) {
	var rows []itemRow
	err := c.list(ctx, query{
		Doctype: "Item",
		Fields: []string{
			"name", c.spec.SKUField + " as sku", "is_stock_item", "disabled", "has_variants", "has_serial_no", "has_batch_no",
		},
		Filters: []filter{{c.spec.SKUField, "in", skus}},
	}, &rows)
	if err != nil {
		return nil, err
	}
	out := map[string][]stockItem{}
	for _, r := range rows {
		if r.SKU != nil { // whoever asked for it compares exactly
			out[*r.SKU] = append(out[*r.SKU], stockItem{r.Name, r.unfit()})
		}
	}
	return out, nil
}

// lookUpWarehouses is the look-up of location codes. Only warehouses that can hold stock count.
func (c *connector) lookUpWarehouses(ctx context.Context, names []string) (map[string][]warehouse, error) {
	var rows []warehouseRow
	err := c.list(ctx, query{
		Doctype: "Warehouse", Fields: []string{"name", "company", "is_group", "disabled"}, Filters: []filter{{"name", "in", names}},
	}, &rows)
	if err != nil {
		return nil, err
	}
	out := map[string][]warehouse{}
	for _, r := range rows {
		if r.Company == c.spec.Company && r.Group == 0 && r.Disabled == 0 {
			out[r.Name] = append(out[r.Name], warehouse{r.Name})
		}
	}
	return out, nil
}

// target is an item with the Item and the warehouse that its quantity is of.
type target = resolve.Target[stockItem, warehouse]

func unknownWarehouse(name string, _ int) *channel.Error {
	return channel.NewError(channel.Unmapped, reasonUnknownWarehouse,
		"the company has no warehouse "+name+" that holds stock; spec.locationMapping can name another one")
}

// bookable returns the targets that a quantity can be booked of, and fails the others.
func bookable(targets []target, failures map[int]*channel.Error) []target {
	var out []target
	for _, t := range targets {
		if t.Found.unfit != "" {
			failures[t.Index] = channel.NewError(channel.Rejected, reasonUnfitItem, t.Found.unfit)
			continue
		}
		out = append(out, t)
	}
	return out
}
