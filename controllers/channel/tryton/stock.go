package tryton

import (
	"context"
	"maps"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// goods is the type of products that have stock.
const goods = "goods"

// product is a variant, with what lies at a location where that was asked for.
type product struct {
	ID       int64   `json:"id"`
	Code     string  `json:"code"`
	Type     string  `json:"type"`
	Active   flag    `json:"active"`
	Quantity float64 `json:"quantity"`
}

// clause is a condition of a search: a field, an operator and an operand.
type clause [3]any

// search finds all records that fulfil all clauses.
func search[T any](ctx context.Context, c *connector, model string, f frame, fields []string, domain ...clause) ([]T, error) {
	var found []T
	err := c.ask(ctx, c.session.Do, &found, "model."+model+".search_read", domain, 0, nil, nil, fields, f)
	return found, err
}

// lookUp finds products by their codes. Active ones have codes of their own; one that is not active
// counts only where no active one has the code, and is refused later, with a better reason.
func (c *connector) lookUp(ctx context.Context, skus []string) (map[string][]int64, error) {
	found, err := search[product](ctx, c, productModel, c.all(), []string{"code", "active"}, clause{"code", "in", skus})
	if err != nil {
		return nil, err
	}
	out, retired := make(map[string][]int64, len(found)), map[string]int64{}
	for _, p := range found {
		if p.Active {
			out[p.Code] = append(out[p.Code], p.ID)
			continue
		}
		retired[p.Code] = p.ID
	}
	for code, id := range retired {
		if len(out[code]) == 0 {
			out[code] = []int64{id}
		}
	}
	return out, nil
}

// all is the context of a search that finds what is deactivated, too.
func (c *connector) all() frame {
	return frame{Company: c.company.Load(), ActiveTest: new(false)}
}

// target is an item with the id of its product, and its location.
type target = resolve.Target[int64, countLocation]

// row is a target with its product as it is now, and what lies at the location.
type row struct {
	target
	product product
}

// resolve finds the products of a batch, with what lies at its location. What is remembered of SKUs is verified: a
// product that was renamed or deleted is looked up anew.
func (c *connector) resolve(ctx context.Context, batch channel.Batch) ([]row, map[int]*channel.Error, error) {
	if _, err := batch.OneLocation(c.targets.Sums); err != nil {
		return nil, nil, err
	}
	if err := c.enter(ctx); err != nil {
		return nil, nil, err
	}
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return nil, nil, err
	}
	rows, stale, err := c.readStock(ctx, targets, failures)
	if err != nil || len(stale) == 0 {
		return rows, failures, err
	}
	targets, failed, err := c.targets.Again(ctx, batch, stale)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(failures, failed)
	more, stale, err := c.readStock(ctx, targets, failures)
	for _, t := range stale { // changed twice within a second
		failures[t.Index] = channel.NewError(channel.Unconfirmed, reasonCodeChanged, "the product's code is being changed in Tryton")
	}
	return append(rows, more...), failures, err
}

// readStock reads products by their ids, and returns the targets whose product is another by now.
func (c *connector) readStock(ctx context.Context, targets []target, failures map[int]*channel.Error) (rows []row, stale []target, err error) {
	if len(targets) == 0 {
		return nil, nil, nil
	}
	f := c.all()
	f.Locations, f.WithChilds = []int64{targets[0].Location.id}, new(false)
	wanted := make([]int64, len(targets))
	for i, t := range targets {
		wanted[i] = t.Found
	}
	records, err := search[product](ctx, c, productModel, f, []string{"code", "type", "active", "quantity"}, clause{"id", "in", wanted})
	if err != nil {
		return nil, nil, err
	}
	byID := make(map[int64]product, len(records))
	for _, p := range records {
		byID[p.ID] = p
	}
	for _, t := range targets {
		p, exists := byID[t.Found]
		switch {
		case !exists || p.Code != t.SKU:
			stale = append(stale, t)
		case !bool(p.Active):
			failures[t.Index] = unmapped(reasonInactiveProduct, "the product with this code is deactivated in Tryton")
			c.targets.Forget(t) // another one may get the code
		case p.Type != goods:
			failures[t.Index] = unmapped(reasonNotGoods, "the product is of type %q in Tryton: only goods have stock", p.Type)
		default:
			rows = append(rows, row{t, p})
		}
	}
	return rows, stale, nil
}
