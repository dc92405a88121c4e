// Package demo is a sales channel to look at: it receives the inventory calls of the omni standard
// and shows on a page what it has been told.
package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// maxBody bounds a call's body, in bytes. The standard's 200 items of a few hundred bytes each are
// far below it.
const maxBody = 8 << 20

// Row is the quantity of one SKU, at one location where the channel is told of locations.
type Row struct {
	Location string    `json:"location,omitempty"`
	SKU      string    `json:"sku"`
	Quantity int64     `json:"quantity"`
	Changed  time.Time `json:"changed"` // when the quantity last became another one
}

type key struct{ location, sku string }

// Channel is one demo channel. It remembers in a file what it has been told, as a real one would:
// Tallyman does not repeat what a channel has confirmed. All methods are safe for concurrent use.
type Channel struct {
	name, mode, path string
	file             string
	clock            clock.PassiveClock

	mu       sync.Mutex
	rows     map[key]Row
	calls    int64
	lastCall time.Time
}

// memory is the file's content.
type memory struct {
	Calls    int64     `json:"calls"`
	LastCall time.Time `json:"lastCall"`
	Rows     []Row     `json:"rows"`
}

// Open makes a channel that receives calls at path, with what file remembers of it. Mode is shown
// only: the shape of each call tells what it means.
func Open(name, mode, path, file string, clock clock.PassiveClock) (*Channel, error) {
	c := &Channel{name: name, mode: mode, path: path, file: file, clock: clock, rows: map[key]Row{}}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	} else if err != nil {
		return nil, err
	}
	var m memory
	if err := json.Unmarshal(raw, &m); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	c.calls, c.lastCall = m.Calls, m.LastCall
	for _, row := range m.Rows {
		c.rows[key{row.Location, row.SKU}] = row
	}
	return c, nil
}

// call is a body in either shape of the standard: with a location, or consolidated over all.
type call struct {
	LocationCode      string            `json:"locationCode"`
	ConsolidationType string            `json:"consolidationType"`
	Inventories       []json.RawMessage `json:"inventories"`
}

type item struct {
	SKU          string `json:"channelSkuCode"`
	Quantity     *int64 `json:"quantity"`
	Consolidated *int64 `json:"consolidatedQuantity"`
}

// answer carries the SKUs of a location-wise call, and whole items of a consolidated one.
type answer struct {
	Failures  []any `json:"failureList"`
	Successes []any `json:"successList"`
}

// ServeHTTP takes one inventory call.
func (c *Channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPut {
		w.Header().Set("Allow", http.MethodPut)
		refuse(w, http.StatusMethodNotAllowed, "this channel takes PUT, not "+r.Method)
		return
	}
	var in call
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "the body is not an inventory call: "+err.Error())
		return
	}
	if in.LocationCode == "" && in.ConsolidationType == "" {
		refuse(w, http.StatusBadRequest, "the body has neither locationCode nor consolidationType")
		return
	}
	out, err := c.record(in)
	if err != nil { // it must not confirm what it cannot remember
		refuse(w, http.StatusInternalServerError, err.Error())
		return
	}
	writeJSON(w, http.StatusOK, out)
}

func (c *Channel) record(in call) (answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.clock.Now()
	out := answer{Failures: []any{}, Successes: []any{}}
	for _, raw := range in.Inventories {
		var it item
		err := json.Unmarshal(raw, &it)
		quantity, echo := it.Quantity, any(it.SKU)
		if in.ConsolidationType != "" {
			quantity, echo = it.Consolidated, raw
		}
		if err != nil || it.SKU == "" || quantity == nil || *quantity < 0 {
			out.Failures = append(out.Failures, echo)
			continue
		}
		out.Successes = append(out.Successes, echo)
		k := key{in.LocationCode, it.SKU}
		if old, known := c.rows[k]; !known || old.Quantity != *quantity {
			c.rows[k] = Row{Location: k.location, SKU: k.sku, Quantity: *quantity, Changed: now}
		}
	}
	c.calls++
	c.lastCall = now
	return out, c.remember()
}

// remember writes the file. The caller holds the lock.
func (c *Channel) remember() error {
	m := memory{Calls: c.calls, LastCall: c.lastCall, Rows: make([]Row, 0, len(c.rows))}
	for _, row := range c.rows {
		m.Rows = append(m.Rows, row)
	}
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	tmp := c.file + ".tmp"
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, c.file)
}

// refuse answers as the standard wants errors to look.
func refuse(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"hasError": true, "errorMessage": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here means that the caller is gone
}

// contains reports whether a row has text in its SKU or location, in whatever case.
func (r Row) contains(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(strings.ToLower(r.SKU), text) || strings.Contains(strings.ToLower(r.Location), text)
}
