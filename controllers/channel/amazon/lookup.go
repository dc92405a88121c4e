package amazon

import (
	"context"
	"fmt"

	"tallyman.dev/tallyman/controllers/channel"
)

// listed is what is remembered of a listing. A listing is known by its SKU, which never changes.
type listed struct {
	sku         string
	productType string
	// byAmazon means that Amazon fulfills all that is sold of it.
	byAmazon bool
}

// lookUp is the resolver's way to the listings. Amazon accepts a quantity of a SKU that it does not know, and makes
// an incomplete listing of it: SKUs are looked up first, unless that is what is wanted.
func (c *listings) lookUp(ctx context.Context, skus []string) (map[string][]listed, error) {
	found, err := c.api.find(ctx, skus)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]listed, len(found))
	for sku, items := range found {
		for _, it := range items {
			out[sku] = append(out[sku], listed{sku, it.productType(), it.byAmazonAlone()})
		}
	}
	return out, nil
}

// noListing says why a SKU stands for no listing.
func noListing(_ string, found int) *channel.Error {
	if found > 1 {
		return channel.NewError(channel.Unmapped, channel.ReasonAmbiguousSKU, fmt.Sprintf("Amazon has %d listings with this SKU", found))
	}
	return channel.NewError(channel.Unmapped, channel.ReasonUnknownSKU, "Amazon has no listing with this SKU")
}

// bySeller refuses listings that Amazon fulfills: a quantity makes one of them the seller's.
func bySeller(byAmazon bool) *channel.Error {
	if !byAmazon {
		return nil
	}
	return channel.NewError(channel.Unmapped, reasonFulfilledByAmazon,
		"Amazon fulfills this listing: a quantity would make the seller fulfill it, and strand the stock at Amazon")
}
