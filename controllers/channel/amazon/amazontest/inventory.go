package amazontest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// LocationSKU is where External Fulfillment has a quantity.
type LocationSKU struct{ LocationID, SKU string }

// Stock is what it has there.
type Stock struct {
	// Quantity is what it was told last, Reserved what it has promised of that to orders.
	Quantity, Reserved int64
	// Sequence is the number of the last update.
	Sequence int64
}

// Inventory returns the stock of a SKU at a location, and whether it was told at all.
func (s *Server) Inventory(p LocationSKU) (Stock, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stock, ok := s.inventory[p]
	return stock, ok
}

// SetInventory changes the stock of a SKU at a location.
func (s *Server) SetInventory(p LocationSKU, stock Stock) { s.mu.Do(func() { s.inventory[p] = stock }) }

// inventoryAnswer is the answer to one request of a batch.
type inventoryAnswer struct {
	Status inventoryStatus `json:"status"`
	Body   inventoryBody   `json:"body"`
}

type inventoryStatus struct {
	Code   int    `json:"statusCode"`
	Phrase string `json:"reasonPhrase"`
}

type inventoryBody struct {
	LocationID string            `json:"locationId,omitempty"`
	SKUID      string            `json:"skuId,omitempty"`
	Sellable   *int64            `json:"sellableQuantity,omitempty"`
	Reserved   *int64            `json:"reservedQuantity,omitempty"`
	Sequence   int64             `json:"clientSequenceNumber,omitempty"`
	Errors     []actionableError `json:"actionableErrors"`
}

type actionableError struct {
	Type    string `json:"errorType"`
	SubType string `json:"errorSubType"`
}

func (s *Server) batchInventory(call Call, _ []string) (int, any) {
	var in struct {
		Requests []struct {
			URI  string `json:"uri"`
			Body struct {
				Quantity *int64 `json:"quantity"`
				Sequence int64  `json:"clientSequenceNumber"`
			} `json:"body"`
		} `json:"requests"`
	}
	if err := json.Unmarshal(call.Body, &in); err != nil {
		return http.StatusBadRequest, failed("InvalidInput", "the body is no batch: "+err.Error())
	}
	if len(in.Requests) > 10 {
		return http.StatusBadRequest, failed("BATCH_SIZE_EXCEED", "Maximum number for requests supported in batch is 10.")
	}
	answers := []inventoryAnswer{}
	for _, r := range in.Requests {
		path, p, ok := parseURI(r.URI)
		switch {
		case !ok || path == "/inventory/update" && r.Body.Quantity == nil:
			answers = append(answers, refusedInventory(p, "INVALID_INPUT", "The request is not valid."))
		case s.refused.Has(p.SKU):
			answers = append(answers, refusedInventory(p, "INVALID_SKU", "The requested Sku does not exist for the seller in requested marketplace."))
		case path == "/inventory/update":
			answers = append(answers, s.update(p, *r.Body.Quantity, r.Body.Sequence))
		default:
			answers = append(answers, s.fetch(p))
		}
	}
	return http.StatusMultiStatus, map[string]any{"responses": answers}
}

// parseURI reads the address of a request of a batch.
func parseURI(uri string) (path string, p LocationSKU, ok bool) {
	path, raw, _ := strings.Cut(uri, "?")
	query, err := url.ParseQuery(raw)
	p = LocationSKU{query.Get("locationId"), query.Get("skuId")}
	return path, p, err == nil && p.LocationID != "" && p.SKU != "" && strings.HasPrefix(path, "/inventory/")
}

// update sets a quantity, unless there is a later one by its number. The lock must be held.
func (s *Server) update(p LocationSKU, quantity, sequence int64) inventoryAnswer {
	stock := s.inventory[p]
	if sequence > stock.Sequence {
		s.inventory[p] = Stock{quantity, stock.Reserved, sequence}
	}
	return s.fetch(p)
}

// fetch shows a quantity. The lock must be held.
func (s *Server) fetch(p LocationSKU) inventoryAnswer {
	stock, known := s.inventory[p]
	if !known {
		return refusedInventory(p, "INVALID_SKU", "The requested Sku does not exist for the seller in requested marketplace.")
	}
	sellable := max(stock.Quantity-stock.Reserved, 0)
	return inventoryAnswer{inventoryStatus{http.StatusOK, "Success"}, inventoryBody{
		LocationID: p.LocationID, SKUID: p.SKU, Sellable: &sellable, Reserved: &stock.Reserved, Sequence: stock.Sequence,
		Errors: []actionableError{},
	}}
}

func refusedInventory(p LocationSKU, errorType, subType string) inventoryAnswer {
	return inventoryAnswer{inventoryStatus{http.StatusBadRequest, "Invalid Input"}, inventoryBody{
		LocationID: p.LocationID, SKUID: p.SKU, Errors: []actionableError{{errorType, subType}},
	}}
}
