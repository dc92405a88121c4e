package ebaytest

import (
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

const (
	root        = "/sell/inventory/v1"
	quotaPath   = "/developer/analytics/v1_beta/user_rate_limit/"
	maxRequests = 25
	maxBody     = 1 << 20
)

// Paths of the API, and of tokens.
const (
	TokenPath  = "/identity/v1/oauth2/token" //nolint:gosec // no credential
	ItemsPath  = root + "/bulk_get_inventory_item"
	OffersPath = root + "/offer"
	UpdatePath = root + "/bulk_update_price_quantity"
)

// Fault is an error of eBay's APIs.
type Fault struct {
	ErrorID  int    `json:"errorId"`
	Domain   string `json:"domain"`
	Category string `json:"category"`
	Message  string `json:"message"`
}

func fault(id int, format string, args ...any) Fault {
	return Fault{id, "API_INVENTORY", "REQUEST", fmt.Sprintf(format, args...)}
}

func refuse(w http.ResponseWriter, status int, faults ...Fault) {
	fakeserver.JSON(w, status, map[string][]Fault{"errors": faults})
}

// Refused answers with a status and errors.
func Refused(status int, faults ...Fault) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, faults...) })
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == TokenPath {
		s.token(w, r)
		return
	}
	call := r.Method + " " + r.URL.RequestURI()
	s.Record(call)
	if !s.permits(w, r) || s.Intercept(w, r, call) {
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "GET " + root + "/inventory_item":
		fakeserver.JSON(w, http.StatusOK, map[string]any{"total": 0, "inventoryItems": []string{}})
	case "POST " + ItemsPath:
		s.readItems(w, r)
	case "GET " + OffersPath:
		s.readOffers(w, r)
	case "POST " + UpdatePath:
		s.update(w, r)
	case "GET " + quotaPath:
		s.readQuotas(w)
	default:
		refuse(w, http.StatusNotFound, Fault{ErrorID: 2002, Domain: "ACCESS", Category: "REQUEST", Message: "Resource not found"})
	}
}

// decode reads a body that must be JSON, or answers why it cannot.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if err := fakeserver.DecodeBody(w, r, maxBody, into); err != nil || r.Header.Get("Content-Type") != "application/json" {
		refuse(w, http.StatusBadRequest, fault(25709, "Invalid request. %v", err))
		return false
	}
	return true
}

// readItems answers bulkGetInventoryItem.
func (s *Server) readItems(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Requests []struct {
			SKU string `json:"sku"`
		} `json:"requests"`
	}
	if !decode(w, r, &in) {
		return
	}
	if len(in.Requests) == 0 || len(in.Requests) > maxRequests {
		refuse(w, http.StatusBadRequest, fault(25727, "The number of InventoryItems in the request cannot exceed %d.", maxRequests))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	rows, status := []any{}, http.StatusOK
	for _, q := range in.Requests {
		if utf8.RuneCountInString(q.SKU) > 50 {
			refuse(w, http.StatusBadRequest, fault(25708, "Invalid SKU."))
			return
		}
		it, ok := s.items[q.SKU]
		if !ok {
			status = http.StatusMultiStatus
			rows = append(rows, map[string]any{"sku": q.SKU, "statusCode": 404, "errors": []Fault{fault(25710, "We didn't find the resource you are requesting.")}})
			continue
		}
		rows = append(rows, map[string]any{"sku": q.SKU, "statusCode": 200, "inventoryItem": it.json(q.SKU)})
	}
	fakeserver.JSON(w, status, map[string]any{"responses": rows})
}

// json is an item in an answer.
func (it *Item) json(sku string) any {
	stock := map[string]any{}
	if it.Quantity != nil {
		stock["quantity"] = *it.Quantity
	}
	if len(it.Distributions) > 0 {
		stock["availabilityDistributions"] = it.Distributions
	}
	return map[string]any{"sku": sku, "locale": "en_US", "availability": map[string]any{"shipToLocationAvailability": stock}}
}

// readOffers answers getOffers.
func (s *Server) readOffers(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[r.URL.Query().Get("sku")]
	if it == nil || len(it.Offers) == 0 {
		refuse(w, http.StatusNotFound, fault(25713, "This Offer is not available."))
		return
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"total": len(it.Offers), "size": len(it.Offers), "limit": 100, "offers": it.Offers})
}

// readQuotas answers getUserRateLimits.
func (s *Server) readQuotas(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rate := map[string]any{"limit": 2_000_000, "remaining": 1, "reset": time.Unix(1, 0).UTC(), "timeWindow": 86400}
	if !s.reset.IsZero() {
		rate["remaining"], rate["reset"] = 0, s.reset.UTC()
	}
	fakeserver.JSON(w, http.StatusOK, map[string]any{"rateLimits": []any{map[string]any{
		"apiContext": "sell", "apiName": "Inventory", "apiVersion": "v1",
		"resources": []any{map[string]any{"name": "sell.inventory", "rates": []any{rate}}},
	}}})
}
