package ebay

import (
	"context"
	"encoding/json"
	"maps"
	"sync"

	"golang.org/x/sync/errgroup"

	"tallyman.dev/tallyman/controllers/channel"
)

// listing is what eBay has of a SKU.
type listing struct {
	stock
	// offers are those that are published at a fixed price. An auction always sells one, and an
	// offer that is not published cannot be revised.
	offers []offer
}

// stock is what an item has.
type stock struct {
	// Quantity is the total. It is not known where none was set yet.
	Quantity channel.Quantity `json:"quantity"`
	// Distributions divide the total by location.
	Distributions []struct {
		MerchantLocationKey string           `json:"merchantLocationKey"`
		Quantity            channel.Quantity `json:"quantity"`
		FulfillmentTime     *duration        `json:"fulfillmentTime"`
	} `json:"availabilityDistributions"`
}

// duration is sent back as it was read.
type duration struct {
	Unit  string      `json:"unit"`
	Value json.Number `json:"value"`
}

type offer struct {
	ID                string           `json:"offerId"`
	SKU               string           `json:"sku"`
	Format            string           `json:"format"`
	Status            string           `json:"status"`
	AvailableQuantity channel.Quantity `json:"availableQuantity"`
}

// forSale is what buyers see at most: the smallest of the total and the offers' quantities.
func (l *listing) forSale() int64 {
	out := l.Quantity.Units
	for _, o := range l.offers {
		out = min(out, o.AvailableQuantity.Units)
	}
	return out
}

// at is what lies at a location.
func (l *listing) at(location string) int64 {
	for _, d := range l.Distributions {
		if d.MerchantLocationKey == location {
			return d.Quantity.Units
		}
	}
	return 0
}

// survey reads what eBay has of SKUs, or why that is not known.
func (c *connector) survey(ctx context.Context, wants []want) (map[string]*listing, map[string]*channel.Error, error) {
	skus := make([]string, len(wants))
	for i, w := range wants {
		skus[i] = w.sku
	}
	listings, failures, err := c.readItems(ctx, skus)
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex // guards failures
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLookups)
	for sku, l := range maps.Clone(listings) {
		group.Go(func() error {
			offers, failure, err := c.readOffers(ctx, sku)
			if failure != nil {
				mu.Lock()
				defer mu.Unlock()
				failures[sku] = failure
			}
			l.offers = offers
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, err
	}
	maps.DeleteFunc(listings, func(sku string, _ *listing) bool { return failures[sku] != nil })
	return listings, failures, nil
}
