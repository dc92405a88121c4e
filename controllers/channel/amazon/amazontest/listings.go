package amazontest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Listing is one SKU of the seller.
type Listing struct {
	SKU         string
	ProductType string
	// Quantities are those of each fulfillment channel.
	Quantities map[string]int64
	// Incomplete means that it was made by a patch of a SKU that there was not.
	Incomplete bool
}

// Know makes a listing of a SKU, if there is none.
func (s *Server) Know(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.named(sku)) == 0 {
		s.listings = append(s.listings, &Listing{SKU: sku, ProductType: "SHIRT", Quantities: map[string]int64{}})
	}
}

// Duplicate makes a second listing of a SKU.
func (s *Server) Duplicate(sku string) {
	s.mu.Do(func() {
		s.listings = append(s.listings, &Listing{SKU: sku, ProductType: "SHIRT", Quantities: map[string]int64{}})
	})
}

// Rename changes the SKU of a listing.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.named(from) {
		l.SKU = to
	}
}

// Set gives a listing a quantity, as the seller does in Seller Central, or a sale.
func (s *Server) Set(code, sku string, quantity int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.named(sku) {
		l.Quantities[code] = quantity
	}
}

// Freeze chooses whether quantities of listings are accepted and not applied.
func (s *Server) Freeze(freeze bool) { s.mu.Do(func() { s.frozen = freeze }) }

// Listing returns the listing of a SKU.
func (s *Server) Listing(sku string) (Listing, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.named(sku)
	if len(found) == 0 {
		return Listing{}, false
	}
	out := *found[0]
	out.Quantities = maps.Clone(out.Quantities)
	return out, true
}

// named returns the listings of a SKU. The lock must be held.
func (s *Server) named(sku string) []*Listing {
	var out []*Listing
	for _, l := range s.listings {
		if l.SKU == sku {
			out = append(out, l)
		}
	}
	return out
}

// patchBody is the body of a patch, and what a feed's message has of it.
type patchBody struct {
	ProductType string `json:"productType"`
	Patches     []struct {
		Op    string `json:"op"`
		Path  string `json:"path"`
		Value []struct {
			Code     string `json:"fulfillment_channel_code"`
			Quantity *int64 `json:"quantity"`
		} `json:"value"`
	} `json:"patches"`
}

// issue is what is wrong with a listing.
type issue struct {
	Code           string   `json:"code"`
	Message        string   `json:"message"`
	Severity       string   `json:"severity"`
	AttributeNames []string `json:"attributeNames,omitempty"`
	Categories     []string `json:"categories"`
}

// submission is the answer to a patch.
type submission struct {
	SKU          string  `json:"sku"`
	Status       string  `json:"status"`
	SubmissionID string  `json:"submissionId"`
	Issues       []issue `json:"issues"`
}

func (s *Server) patchListing(call Call, params []string) (int, any) {
	var body patchBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return http.StatusBadRequest, failed("InvalidInput", "the body is no patch: "+err.Error())
	}
	out := submission{SKU: params[1], Status: "ACCEPTED", SubmissionID: fmt.Sprintf("submission-%d", len(s.Calls())), Issues: []issue{}}
	if found := s.patch(params[1], body); found != nil {
		out.Status, out.Issues = "INVALID", []issue{*found}
	}
	return http.StatusOK, out
}

// patch applies a patch, and returns what is wrong with it. A SKU that there is not becomes an incomplete
// listing, as it does at Amazon. The lock must be held.
func (s *Server) patch(sku string, body patchBody) *issue {
	wrong := func(message string) *issue {
		return &issue{"90000900", message, "ERROR", []string{"fulfillment_availability"}, []string{"INVALID_ATTRIBUTE"}}
	}
	if s.refused.Has(sku) {
		return wrong("The attributes are invalid.")
	}
	if body.ProductType == "" || len(body.Patches) == 0 {
		return wrong("A product type and patches are required.")
	}
	for _, p := range body.Patches {
		if p.Op != "merge" || p.Path != "/attributes/fulfillment_availability" {
			return wrong("Only quantities can be merged here.")
		}
		for _, v := range p.Value {
			if v.Code == "" || v.Quantity == nil || *v.Quantity < 0 {
				return wrong("A fulfillment channel and a quantity are required.")
			}
		}
	}
	if s.frozen {
		return nil
	}
	found := s.named(sku)
	if len(found) == 0 {
		found = []*Listing{{SKU: sku, Quantities: map[string]int64{}, Incomplete: true}}
		s.listings = append(s.listings, found[0])
	}
	for _, p := range body.Patches {
		for _, v := range p.Value {
			found[0].Quantities[v.Code] = *v.Quantity
		}
	}
	return nil
}

// shown is how the API shows a listing.
type shown struct {
	SKU          string         `json:"sku"`
	Summaries    []summary      `json:"summaries"`
	Availability []availability `json:"fulfillmentAvailability"`
}

type summary struct {
	MarketplaceID string   `json:"marketplaceId"`
	ProductType   string   `json:"productType"`
	Status        []string `json:"status"`
	CreatedDate   string   `json:"createdDate"`
	LastUpdated   string   `json:"lastUpdatedDate"`
}

type availability struct {
	Code     string `json:"fulfillmentChannelCode"`
	Quantity *int64 `json:"quantity,omitempty"`
}

func (l *Listing) show(marketplace string) shown {
	out := shown{SKU: l.SKU, Summaries: []summary{}, Availability: []availability{}}
	if !l.Incomplete {
		const day = "2026-11-24T00:00:00Z"
		out.Summaries = append(out.Summaries, summary{marketplace, l.ProductType, []string{"BUYABLE"}, day, day})
	}
	for code, quantity := range l.Quantities {
		a := availability{Code: code, Quantity: &quantity}
		if strings.HasPrefix(code, "AMAZON_") {
			a.Quantity = nil // Amazon counts what lies with it elsewhere
		}
		out.Availability = append(out.Availability, a)
	}
	slices.SortFunc(out.Availability, func(a, b availability) int { return strings.Compare(a.Code, b.Code) })
	return out
}

func (s *Server) getListing(call Call, params []string) (int, any) {
	found := s.named(params[1])
	if len(found) == 0 {
		return http.StatusNotFound, failed("NOT_FOUND", fmt.Sprintf("SKU '%s' not found", params[1]))
	}
	return http.StatusOK, found[0].show(firstMarketplace(call))
}

func firstMarketplace(call Call) string {
	first, _, _ := strings.Cut(call.Query.Get("marketplaceIds"), ",")
	return first
}

// searchListings takes every comma for one between SKUs, as Amazon does.
func (s *Server) searchListings(call Call, _ []string) (int, any) {
	items := []shown{}
	for sku := range strings.SplitSeq(call.Query.Get("identifiers"), ",") {
		for _, l := range s.named(sku) {
			items = append(items, l.show(firstMarketplace(call)))
		}
	}
	return http.StatusOK, map[string]any{"numberOfResults": len(items), "items": items}
}
