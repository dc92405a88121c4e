package ebaytest

import (
	"fmt"
	"net/http"
	"slices"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Update is a row of bulkUpdatePriceQuantity.
type Update struct {
	SKU          string `json:"sku"`
	Availability *struct {
		Quantity      *int64         `json:"quantity"`
		Distributions []Distribution `json:"availabilityDistributions"`
	} `json:"shipToLocationAvailability"`
	Offers []struct {
		ID                string `json:"offerId"`
		AvailableQuantity *int64 `json:"availableQuantity"`
	} `json:"offers"`
}

type outcome struct {
	SKU        string  `json:"sku"`
	OfferID    string  `json:"offerId,omitempty"`
	StatusCode int     `json:"statusCode"`
	Errors     []Fault `json:"errors,omitempty"`
}

// update answers bulkUpdatePriceQuantity.
func (s *Server) update(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Requests []Update `json:"requests"`
	}
	if !decode(w, r, &in) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.updates = append(s.updates, in.Requests...)
	if len(in.Requests) == 0 || len(in.Requests) > maxRequests || s.rules.OneSKUPerCall && len(in.Requests) > 1 {
		refuse(w, http.StatusBadRequest, fault(25002, "Only one SKU can be updated per call"))
		return
	}
	var rows []outcome
	for _, u := range in.Requests {
		rows = append(rows, s.updateOne(u)...)
	}
	s.Lose()
	status := http.StatusOK
	if slices.ContainsFunc(rows, func(o outcome) bool { return o.StatusCode != http.StatusOK }) {
		status = http.StatusMultiStatus
	}
	fakeserver.JSON(w, status, map[string][]outcome{"responses": rows})
}

// updateOne changes an item and its offers: a row for each offer, or for the item if it has none.
func (s *Server) updateOne(u Update) []outcome {
	failed := func(f Fault) []outcome {
		return []outcome{{SKU: u.SKU, StatusCode: http.StatusBadRequest, Errors: []Fault{f}}}
	}
	it := s.items[u.SKU]
	switch {
	case it == nil:
		return failed(fault(25702, "%s could not be found or is not available in the system.", u.SKU))
	case s.refused.Has(u.SKU):
		return failed(fault(25002, "A user error has occurred. The listing is on hold."))
	case u.Availability == nil || u.Availability.Quantity == nil || *u.Availability.Quantity < 0:
		return failed(fault(25004, "Invalid quantity."))
	}
	changed := it.Quantity == nil || *it.Quantity != *u.Availability.Quantity
	it.Quantity = u.Availability.Quantity
	if u.Availability.Distributions != nil {
		it.Distributions = u.Availability.Distributions
	}
	if len(u.Offers) == 0 {
		return []outcome{{SKU: u.SKU, StatusCode: http.StatusOK}}
	}
	var rows []outcome
	for _, o := range u.Offers {
		rows = append(rows, s.revise(it, u.SKU, o.ID, *o.AvailableQuantity, changed))
	}
	return rows
}

func (s *Server) revise(it *Item, sku, id string, quantity int64, changed bool) outcome {
	out := outcome{SKU: sku, OfferID: id, StatusCode: http.StatusBadRequest}
	at := slices.IndexFunc(it.Offers, func(o Offer) bool { return o.ID == id })
	switch {
	case at < 0 || it.Offers[at].Status != "PUBLISHED":
		out.Errors = []Fault{fault(25713, "This Offer is not available.")}
		return out
	case quantity == 0 && s.rules.NoZero:
		out.Errors = []Fault{fault(25004, "Invalid quantity. The quantity must be a valid number greater than 0.")}
		return out
	case s.rules.MaxRevisions > 0 && it.Offers[at].Revisions >= s.rules.MaxRevisions:
		out.Errors = []Fault{fault(25002, "You have exceeded the maximum number of revisions for this item today.")}
		return out
	}
	o := &it.Offers[at]
	if changed || o.AvailableQuantity != quantity {
		o.Revisions++
	}
	o.AvailableQuantity = quantity
	out.StatusCode = http.StatusOK
	return out
}

// complete fills in what an offer lacks.
func (s *Server) complete(sku string, o *Offer) {
	o.SKU = sku
	if o.ID == "" {
		s.offers++
		o.ID = fmt.Sprintf("99%08d", s.offers)
	}
	if o.Format == "" {
		o.Format = "FIXED_PRICE"
	}
	if o.Status == "" {
		o.Status = "PUBLISHED"
	}
}
