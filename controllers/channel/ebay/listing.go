package ebay

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"tallyman.dev/tallyman/controllers/channel"
)

// listing is what eBay has of a SKU.
type listing struct {
	stock
	// failure is why it is not known; nil where it is.
	failure *channel.Error
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

// lookUp reads what eBay has of SKUs, or why that is not known.
func (c *connector) lookUp(ctx context.Context, skus []string) (map[string][]*listing, error) {
	out := make(map[string][]*listing, len(skus))
	var fit []string
	for _, sku := range skus {
		if sku == "" || utf8.RuneCountInString(sku) > maxSKULength { // it would fail the whole call
			out[sku] = []*listing{{failure: channel.NewError(channel.Unmapped, channel.ReasonUnknownSKU,
				"SKUs on eBay have 1 to 50 characters: spec.skuMapping can give it another name")}}
			continue
		}
		fit = append(fit, sku)
	}
	found, failures, err := c.readItems(ctx, fit)
	if err != nil {
		return nil, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxLookups)
	for sku, l := range found {
		out[sku] = []*listing{l}
		group.Go(func() (err error) {
			l.offers, l.failure, err = c.readOffers(ctx, sku)
			return err
		})
	}
	for sku, failure := range failures {
		out[sku] = []*listing{{failure: failure}}
	}
	return out, group.Wait()
}
