package ebay

import (
	"slices"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// target is an item with what eBay has of it.
type target = resolve.Target[*listing, resolve.Nowhere]

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
func updates(targets []target, mode inventoryv1alpha1.ChannelMode) []update {
	var out []update
	for _, ofSKU := range resolve.BySKU(targets) {
		l := ofSKU[0].Found
		want := availabilityOf(ofSKU, mode)
		if l.has(want) {
			continue
		}
		u := update{SKU: ofSKU[0].SKU, Availability: want}
		for _, o := range l.offers {
			u.Offers = append(u.Offers, offerQuantity{o.ID, want.Quantity})
		}
		out = append(out, u)
	}
	return out
}

// availabilityOf is what an item shall have, by its targets. In LocationWise mode the other locations keep what they
// have, as the list is replaced as a whole, and the total is the sum.
func availabilityOf(targets []target, mode inventoryv1alpha1.ChannelMode) availability {
	if mode == inventoryv1alpha1.Consolidated {
		return availability{Quantity: targets[0].Quantity}
	}
	var out availability
	for _, d := range targets[0].Found.Distributions {
		out.Distributions = append(out.Distributions, distribution{d.MerchantLocationKey, max(d.Quantity.Units, 0), d.FulfillmentTime})
	}
	for _, it := range targets {
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

// has reports whether eBay has an availability already: sending it again would use up one of the revisions
// that a listing has in a day.
func (l *listing) has(want availability) bool {
	if !l.Quantity.Is(want.Quantity) || want.Distributions != nil && len(want.Distributions) != len(l.Distributions) {
		return false
	}
	for i, d := range want.Distributions { // in the order of those that eBay has
		if !l.Distributions[i].Quantity.Is(d.Quantity) {
			return false
		}
	}
	return !slices.ContainsFunc(l.offers, func(o offer) bool { return !o.AvailableQuantity.Is(want.Quantity) })
}
