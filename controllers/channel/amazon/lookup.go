package amazon

import (
	"cmp"
	"context"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// listed is what is remembered of a listing. A listing is known by its SKU, which never changes.
type listed struct {
	sku         string
	productType string
	// byAmazon means that Amazon fulfills all that is sold of it.
	byAmazon bool
}

// lookup implements a resolve.Lookup.
func (c *listings) lookup(ctx context.Context, skus []string) (map[string][]listed, error) {
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

// resolve returns the listings that can be pushed, and fails the others. Amazon accepts a quantity of a
// SKU that it does not know, and makes an incomplete listing of it; and a quantity makes a listing that
// Amazon fulfills one of the seller's, and strands the stock that lies at Amazon.
func (c *listings) resolve(ctx context.Context, all []*listing, t *tally) ([]*listing, error) {
	if c.known == nil {
		return all, nil
	}
	skus := make([]string, len(all))
	for i, l := range all {
		skus[i] = l.sku
	}
	found, failures, err := c.known.Resolve(ctx, skus)
	if err != nil {
		return nil, err
	}
	out := make([]*listing, 0, len(all))
	for _, l := range all {
		at, ok := found[l.sku]
		switch {
		case !ok:
			t.fail(l, failures[l.sku])
			continue
		case at.byAmazon:
			c.forget(l.sku)
			t.fail(l, byAmazon())
			continue
		case l.productType == fromListing:
			l.productType = cmp.Or(at.productType, inventoryv1alpha1.DefaultAmazonProductType)
		}
		out = append(out, l)
	}
	return out, nil
}

// forget drops what is remembered of a SKU.
func (c *listings) forget(sku string) {
	if c.known != nil {
		c.known.Forget(sku)
	}
}

func unknownSKU() *channel.Error {
	return channel.NewError(channel.Unmapped, "UnknownSKU", "Amazon has no listing with this SKU")
}

func byAmazon() *channel.Error {
	return channel.NewError(channel.Unmapped, "FulfilledByAmazon",
		"Amazon fulfills this listing: a quantity would make the seller fulfill it, and strand the stock at Amazon")
}
