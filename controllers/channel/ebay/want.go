package ebay

import (
	"slices"
	"unicode/utf8"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// want is what a SKU shall have, at one or several locations.
type want struct {
	sku   string
	items []channel.Item
}

// wantsOf groups the items of a batch by SKU, in order, and returns by index those that eBay cannot have.
func wantsOf(batch channel.Batch) ([]want, map[int]*channel.Error) {
	var out []want
	failures, position := map[int]*channel.Error{}, map[string]int{}
	for i, it := range batch.Items {
		if it.SKU == "" || utf8.RuneCountInString(it.SKU) > maxSKULength { // it would fail the whole call
			failures[i] = channel.NewError(channel.Unmapped, "UnknownSKU", "SKUs on eBay have 1 to 50 characters: spec.skuMapping can give it another name")
			continue
		}
		at, ok := position[it.SKU]
		if !ok {
			at = len(out)
			position[it.SKU] = at
			out = append(out, want{sku: it.SKU})
		}
		out[at].items = append(out[at].items, it)
	}
	return out, failures
}

// update is a row of bulkUpdatePriceQuantity.
type update struct {
	SKU          string          `json:"sku"`
	Availability availability    `json:"shipToLocationAvailability"`
	Offers       []offerQuantity `json:"offers,omitempty"`
}

// availability is what an item shall have.
type availability struct {
	Quantity      int64          `json:"quantity"`
	Distributions []distribution `json:"availabilityDistributions,omitempty"`
}

type distribution struct {
	MerchantLocationKey string `json:"merchantLocationKey"`
	Quantity            int64  `json:"quantity"`
	// FulfillmentTime would be lost if it were not sent.
	FulfillmentTime *duration `json:"fulfillmentTime,omitempty"`
}

type offerQuantity struct {
	ID                string `json:"offerId"`
	AvailableQuantity int64  `json:"availableQuantity"`
}

// updates returns what has to change on eBay.
func updates(wants []want, listings map[string]*listing, mode inventoryv1alpha1.ChannelMode) []update {
	var out []update
	for _, w := range wants {
		l := listings[w.sku]
		if l == nil {
			continue
		}
		target := w.availability(l, mode)
		if !l.has(target) {
			u := update{SKU: w.sku, Availability: target}
			for _, o := range l.offers {
				u.Offers = append(u.Offers, offerQuantity{o.ID, target.Quantity})
			}
			out = append(out, u)
		}
	}
	return out
}

// availability is what an item shall have. In LocationWise mode the other locations keep what they
// have, as the list is replaced as a whole, and the total is the sum.
func (w want) availability(l *listing, mode inventoryv1alpha1.ChannelMode) availability {
	if mode == inventoryv1alpha1.Consolidated {
		return availability{Quantity: w.items[0].Quantity}
	}
	var out availability
	for _, d := range l.Distributions {
		out.Distributions = append(out.Distributions, distribution{d.MerchantLocationKey, max(d.Quantity.Units, 0), d.FulfillmentTime})
	}
	for _, it := range w.items {
		at := slices.IndexFunc(out.Distributions, func(d distribution) bool { return d.MerchantLocationKey == it.LocationCode })
		if at < 0 {
			at = len(out.Distributions)
			out.Distributions = append(out.Distributions, distribution{MerchantLocationKey: it.LocationCode})
		}
		out.Distributions[at].Quantity = it.Quantity
	}
	for _, d := range out.Distributions {
		out.Quantity = min(out.Quantity+d.Quantity, inventoryv1alpha1.MaxQuantity)
	}
	return out
}

// has tells whether eBay has a target already: sending it again would use up one of the revisions
// that a listing has in a day.
func (l *listing) has(target availability) bool {
	if !l.Quantity.Is(target.Quantity) || target.Distributions != nil && len(target.Distributions) != len(l.Distributions) {
		return false
	}
	for i, d := range target.Distributions { // in the order of those that eBay has
		if !l.Distributions[i].Quantity.Is(d.Quantity) {
			return false
		}
	}
	return !slices.ContainsFunc(l.offers, func(o offer) bool { return !o.AvailableQuantity.Is(target.Quantity) })
}
