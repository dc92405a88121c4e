package omnitest

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
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
	if !ok || !r.admit(req, call) {
		return
	}
	r.mu.Lock()
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		answer.ServeHTTP(w, req)
		return
	}
	out, lose := r.store(call)
	switch {
	case lose:
		panic(http.ErrAbortHandler) // cuts the connection
	case out == nil:
		w.WriteHeader(http.StatusOK)
	default:
		writeJSON(w, http.StatusOK, out)
	}
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
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
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

// admit records a call and waits while calls are held. It returns false when its sender has gone.
func (r *Receiver) admit(req *http.Request, call Call) bool {
	r.mu.Lock()
	r.calls = append(r.calls, call)
	r.calls = r.calls[max(0, len(r.calls)-maxCalls):]
	gate, onCall := r.gate, r.onCall
	r.mu.Unlock()
	if onCall != nil {
		onCall(call)
	}
	if gate == nil {
		return true
	}
	select {
	case <-gate:
		return req.Context().Err() == nil
	case <-req.Context().Done():
		return false
	}
}

// lists is the answer to a call.
type lists struct {
	Failures  []any `json:"failureList"`
	Successes []any `json:"successList"`
}

// store takes over the quantities of a call, and tells whether the answer is to be lost.
func (r *Receiver) store(call Call) (out *lists, lose bool) {
	type change struct {
		place Place
		stock Stock
	}
	var changes []change
	out = &lists{Failures: []any{}, Successes: []any{}}
	r.mu.Lock()
	now := r.clock.Now()
	for _, it := range call.Items {
		quantity, ok := it.quantity(call)
		if !ok || r.failing.Has(it.ChannelSKUCode) {
			out.Failures = append(out.Failures, r.style.entry(call, it))
			continue
		}
		out.Successes = append(out.Successes, r.style.entry(call, it))
		place := Place{call.LocationCode, it.ChannelSKUCode}
		if old, known := r.stock[place]; !known || old.Quantity != quantity {
			r.stock[place] = Stock{quantity, now}
			changes = append(changes, change{place, r.stock[place]})
		}
	}
	if r.style == NoLists {
		out = nil
	}
	lose, onChange := r.losing, r.onChange
	r.mu.Unlock()
	if onChange != nil {
		for _, c := range changes {
			onChange(c.place, c.stock)
		}
	}
	return out, lose
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
