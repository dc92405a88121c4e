package tryton

import (
	"context"
	"fmt"
	"maps"

	"tallyman.dev/tallyman/controllers/channel"
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

// stock returns the product of each SKU with what lies at a location, and why a SKU has none. What
// is remembered of SKUs is verified: a product that was renamed or deleted is looked up anew.
func (c *connector) stock(ctx context.Context, at int64, skus []string) (map[string]product, map[string]*channel.Error, error) {
	found, failures := make(map[string]product, len(skus)), map[string]*channel.Error{}
	for range 2 {
		ids, unmapped, err := c.products.Resolve(ctx, skus)
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(failures, unmapped)
		var stale []string
		if stale, err = c.readStock(ctx, at, ids, found, failures); err != nil || len(stale) == 0 {
			return found, failures, err
		}
		c.products.Forget(stale...)
		skus = stale
	}
	for _, sku := range skus { // changed twice within a second
		failures[sku] = channel.NewError(channel.Unconfirmed, "CodeChanged", "the product's code is being changed in Tryton")
	}
	return found, failures, nil
}

// readStock reads products by their ids, and returns the SKUs whose product is another by now.
func (c *connector) readStock(ctx context.Context, at int64, ids map[string]int64, found map[string]product, failures map[string]*channel.Error) (stale []string, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	f := c.all()
	f.Locations, f.WithChilds = []int64{at}, new(false)
	wanted := make([]int64, 0, len(ids))
	for _, id := range ids {
		wanted = append(wanted, id)
	}
	records, err := search[product](ctx, c, productModel, f, []string{"code", "type", "active", "quantity"}, clause{"id", "in", wanted})
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]product, len(records))
	for _, p := range records {
		byID[p.ID] = p
	}
	for sku, id := range ids {
		p, exists := byID[id]
		switch {
		case !exists || p.Code != sku:
			stale = append(stale, sku)
		case !bool(p.Active):
			failures[sku] = channel.NewError(channel.Unmapped, "InactiveProduct", "the product with this code is deactivated in Tryton")
			c.products.Forget(sku) // another one may get the code
		case p.Type != goods:
			failures[sku] = channel.NewError(channel.Unmapped, "NotGoods", fmt.Sprintf("the product is of type %q in Tryton: only goods have stock", p.Type))
		default:
			found[sku] = p
		}
	}
	return stale, nil
}
