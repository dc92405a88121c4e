package adobecommerce

import (
	"context"
	"slices"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	productsPath = "/V1/products"
	sourcesPath  = "/V1/inventory/sources"

	// lookupSize is the most SKUs in a search. Pages are as long: a shop with input limiting allows 300
	// rows.
	lookupSize = 100
)

// product is what a SKU stands for.
type product struct {
	id int64
	// composite products are made of others, and have no quantity of their own.
	composite bool
}

// productRow is a product in the answer to a search.
type productRow struct {
	ID     int64  `json:"id"`
	SKU    string `json:"sku"`
	TypeID string `json:"type_id"`
}

// source is where quantities lie.
type source struct {
	Code string `json:"source_code"`
}

// composite are the types of products for which the shop's modules allow no source items.
var composite = []string{"configurable", "bundle", "grouped"}

// lookUpProducts is the resolver's way to the shop. A SKU must be known before it gets a quantity: the shop
// takes any, and keeps what belongs to no product.
func (c *connector) lookUpProducts(ctx context.Context, skus []string) (map[string][]product, error) {
	out := make(map[string][]product, len(skus))
	for _, some := range portions(skus) {
		rows, err := search[productRow](ctx, c, productsPath, "items[id,sku,type_id],total_count", []filter{{"sku", some}}, lookupSize)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			p := product{id: r.ID, composite: slices.Contains(composite, r.TypeID)}
			if !slices.Contains(out[r.SKU], p) { // pages shift when products are created meanwhile
				out[r.SKU] = append(out[r.SKU], p)
			}
		}
	}
	return out, nil
}

// lookUpSources is the resolver's way to the sources.
func (c *connector) lookUpSources(ctx context.Context, codes []string) (map[string][]source, error) {
	out := make(map[string][]source, len(codes))
	for _, some := range portions(codes) {
		rows, err := search[source](ctx, c, sourcesPath, "items[source_code],total_count", []filter{{"source_code", some}}, lookupSize)
		if err != nil {
			return nil, err
		}
		for _, s := range rows {
			out[s.Code] = []source{s}
		}
	}
	return out, nil
}

// target is an item that can be stored.
type target = resolve.Target[product, source]

// stockManaged refuses products that have no quantity of their own.
func stockManaged(p product) *channel.Error {
	if !p.composite {
		return nil
	}
	return channel.NewError(channel.Unmapped, channel.ReasonStockNotManaged, "the product is configurable, a bundle or grouped, and has no quantity of its own")
}

func unknownSource(code string, _ int) *channel.Error {
	return channel.NewError(channel.Unmapped, reasonUnknownSource, "the shop has no source "+code)
}
