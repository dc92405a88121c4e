package omnitest

import (
	"mime"
	"net/http"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds a call's body, in bytes. The standard's 200 items of a few hundred bytes each are
// far below it.
const maxBody = 8 << 20

// Call is an inventory call.
type Call struct {
	Header http.Header
	// LocationCode is empty in consolidated calls.
	LocationCode string
	// ConsolidationType is empty in location-wise calls.
	ConsolidationType string
	Items             []Item
}

// Item is one SKU of a call. What the call does not hold is nil or empty.
type Item struct {
	ChannelSKUCode       string `json:"channelSkuCode"`
	Quantity             *int64 `json:"quantity"`
	ConsolidatedQuantity *int64 `json:"consolidatedQuantity,omitempty"`
	LocationCode         string `json:"locationCode,omitempty"`
	ConsolidationType    string `json:"consolidationType,omitempty"`
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !r.permits(req) {
		refuse(w, http.StatusUnauthorized, "the credentials are wrong or have expired")
		return
	}
	switch req.Method {
	case http.MethodPut:
		r.inventory(w, req)
	case http.MethodGet:
		r.credential(w)
	case http.MethodOptions:
		w.Header().Set("Allow", "GET, OPTIONS, PUT")
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "GET, OPTIONS, PUT")
		refuse(w, http.StatusMethodNotAllowed, "this channel takes PUT, not "+req.Method)
	}
}

// inventory answers an inventory call.
func (r *Receiver) inventory(w http.ResponseWriter, req *http.Request) {
	call, ok := readCall(w, req)
	if !ok || r.Take(w, req, call) {
		return
	}
	out := r.store(call)
	r.Lose()
	if out == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	fakeserver.JSON(w, http.StatusOK, out)
}

// readCall decodes a call, or answers why it cannot.
func readCall(w http.ResponseWriter, req *http.Request) (Call, bool) {
	if media, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); media != "application/json" {
		refuse(w, http.StatusUnsupportedMediaType, "the body must be application/json")
		return Call{}, false
	}
	var in struct {
		LocationCode      string `json:"locationCode"`
		ConsolidationType string `json:"consolidationType"`
		Inventories       []Item `json:"inventories"`
	}
	err := fakeserver.DecodeBody(w, req, maxBody, &in)
	switch {
	case err != nil:
		refuse(w, http.StatusBadRequest, "the body is not an inventory call: "+err.Error())
	case (in.LocationCode == "") == (in.ConsolidationType == ""):
		refuse(w, http.StatusBadRequest, "the body must have either locationCode or consolidationType")
	case len(in.Inventories) == 0:
		refuse(w, http.StatusBadRequest, "inventories must not be empty")
	default:
		return Call{req.Header, in.LocationCode, in.ConsolidationType, in.Inventories}, true
	}
	return Call{}, false
}

// lists is the answer to a call.
type lists struct {
	Failures  []any `json:"failureList"`
	Successes []any `json:"successList"`
}

// store takes over the quantities of a call, and returns the answer; nil for one without lists.
func (r *Receiver) store(call Call) *lists {
	type change struct {
		at    LocationSKU
		stock Stock
	}
	var changes []change
	out := &lists{Failures: []any{}, Successes: []any{}}
	r.mu.Lock()
	now := r.clock.Now()
	for _, it := range call.Items {
		quantity, ok := it.quantity(call)
		if !ok || r.failing.Has(it.ChannelSKUCode) {
			out.Failures = append(out.Failures, r.style.entry(call, it))
			continue
		}
		out.Successes = append(out.Successes, r.style.entry(call, it))
		at := LocationSKU{call.LocationCode, it.ChannelSKUCode}
		if old, known := r.stock[at]; !known || old.Quantity != quantity {
			r.stock[at] = Stock{quantity, now}
			changes = append(changes, change{at, r.stock[at]})
		}
	}
	if r.style == NoLists {
		out = nil
	}
	onChange := r.onChange
	r.mu.Unlock()
	if onChange != nil {
		for _, c := range changes {
			onChange(c.at, c.stock)
		}
	}
	return out
}

// quantity returns what an item sets, and whether the item has all that the standard demands.
func (it Item) quantity(call Call) (int64, bool) {
	q := it.Quantity
	if call.ConsolidationType != "" {
		if it.LocationCode == "" || it.ConsolidationType == "" {
			return 0, false
		}
		q = it.ConsolidatedQuantity
	}
	if it.ChannelSKUCode == "" || q == nil || *q < 0 {
		return 0, false
	}
	return *q, true
}

func (s ListStyle) entry(call Call, it Item) any {
	if s == ObjectLists || s == StandardLists && call.ConsolidationType != "" {
		return it
	}
	return it.ChannelSKUCode
}
