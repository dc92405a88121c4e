// Package cloudeventstest is a consumer of batches of CloudEvents for tests and demonstrations. It keeps
// the newest quantity of each SKU by the sequence of its events.
package cloudeventstest

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/cloudevents/sdk-go/v2/event"
	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds what is read of a call, in bytes.
const maxBody = 8 << 20

// LocationSKU is where there is a quantity. LocationCode is empty for sums over all locations.
type LocationSKU struct{ LocationCode, SKU string }

// data is what the receiver reads of an event's data.
type data struct {
	SKU          string `json:"sku"`
	LocationCode string `json:"locationCode"`
	Quantity     int64  `json:"quantity"`
}

// newest is the last event of a source and subject.
type newest struct {
	sequence string
	data     data
}

// key identifies what events tell of.
type key struct{ source, subject string }

// Receiver is a consumer. POST to any path is a batch, OPTIONS changes nothing. All methods are safe for
// concurrent use.
type Receiver struct {
	mu      fakeserver.Mutex
	stock   map[key]newest
	events  []event.Event
	failing sets.Set[string]
	header  http.Header
}

// New makes a consumer that accepts everything.
func New() *Receiver { return &Receiver{stock: map[key]newest{}, failing: sets.New[string]()} }

// Quantity returns what is known of a SKU, and whether anything is.
func (r *Receiver) Quantity(locationCode, sku string) (int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.stock {
		if n.data.LocationCode == locationCode && n.data.SKU == sku {
			return n.data.Quantity, true
		}
	}
	return 0, false
}

// Events returns all events so far, in the order in which they came, also those that were too old.
func (r *Receiver) Events() []event.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// Require lets in only calls that carry these headers; nil lets in all. Others are answered 401.
func (r *Receiver) Require(header http.Header) { r.mu.Do(func() { r.header = header.Clone() }) }

// Fail makes batches with one of these SKUs fail as a whole, by 422; none ends that.
func (r *Receiver) Fail(skus ...string) { r.mu.Do(func() { r.failing = sets.New(skus...) }) }

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if !r.permits(req) {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if req.Method != http.MethodPost {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	events, status := read(w, req)
	switch {
	case status != 0:
		http.Error(w, "this is no batch of events", status)
		return
	case !r.take(events):
		http.Error(w, "a SKU is not known", http.StatusUnprocessableEntity)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// read returns the events of a batch, or else the status that refuses it.
func read(w http.ResponseWriter, req *http.Request) ([]event.Event, int) {
	if req.Header.Get("Content-Type") != event.ApplicationCloudEventsBatchJSON {
		return nil, http.StatusUnsupportedMediaType
	}
	raw, err := fakeserver.ReadBody(w, req, maxBody)
	if err != nil {
		return nil, http.StatusRequestEntityTooLarge
	}
	var events []event.Event
	if err := json.Unmarshal(raw, &events); err != nil {
		return nil, http.StatusBadRequest
	}
	for _, e := range events {
		if e.Validate() != nil || json.Unmarshal(e.Data(), &data{}) != nil {
			return nil, http.StatusBadRequest
		}
	}
	return events, 0
}

func (r *Receiver) permits(req *http.Request) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fakeserver.Carries(req, r.header)
}

// take takes all events that are newer than what is known of their subject, or none of them, and reports whether it
// did.
func (r *Receiver) take(events []event.Event) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]data, len(events))
	for i, e := range events {
		if json.Unmarshal(e.Data(), &all[i]) != nil || r.failing.Has(all[i].SKU) {
			return false
		}
	}
	for i, e := range events {
		r.events = append(r.events, e)
		sequence, _ := e.Extensions()["sequence"].(string)
		at := key{e.Source(), e.Subject()}
		if have, known := r.stock[at]; !known || have.sequence < sequence {
			r.stock[at] = newest{sequence, all[i]}
		}
	}
	return true
}
