// Package omnitest is a sales channel of the omni standard for tests and demonstrations. It takes
// the available-to-promise calls in both shapes, remembers quantities, hands out credentials, and
// fails as it is told to.
package omnitest

import (
	"maps"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// LocationSKU is where the channel has a quantity. LocationCode is empty for consolidated ones.
type LocationSKU struct{ LocationCode, SKU string }

// Stock is what the channel has of a SKU at a location.
type Stock struct {
	Quantity int64
	Changed  time.Time // when the quantity last became another one
}

// ListStyle is how SKUs are listed in answers.
type ListStyle int

// Styles of lists.
const (
	// StandardLists holds strings in location-wise answers, and whole items in consolidated ones.
	StandardLists ListStyle = iota
	// StringLists holds strings.
	StringLists
	// ObjectLists holds whole items.
	ObjectLists
	// NoLists answers with an empty body, which the standard takes for success.
	NoLists
)

// Receiver is a channel. PUT to any path is an inventory call, GET is Get Credential, OPTIONS
// changes nothing. All methods are safe for concurrent use.
type Receiver struct {
	fakeserver.Access
	fakeserver.Controls[Call] // inventory calls, also those that failed, but not those without the right credentials

	clock clock.PassiveClock

	mu       fakeserver.Mutex
	stock    map[LocationSKU]Stock
	failing  sets.Set[string]
	style    ListStyle
	required http.Header // of all requests; nil for none
	header   string      // carries the token; empty without Get Credential
	onChange func(LocationSKU, Stock)
}

// New makes a channel that accepts everything.
func New() *Receiver { return NewWithClock(clock.RealClock{}) }

// NewWithClock makes a channel that tells the time of changes by a clock.
func NewWithClock(c clock.PassiveClock) *Receiver {
	return &Receiver{clock: c, stock: map[LocationSKU]Stock{}, failing: sets.New[string]()}
}

// Quantity returns what the channel has of a SKU, and whether it was told at all. The location is
// empty for consolidated quantities.
func (r *Receiver) Quantity(locationCode, sku string) (int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stock, ok := r.stock[LocationSKU{locationCode, sku}]
	return stock.Quantity, ok
}

// Quantities returns all that the channel has.
func (r *Receiver) Quantities() map[LocationSKU]Stock {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.stock)
}

// OnChange calls a function with every quantity that has become another one, before the call is
// answered.
func (r *Receiver) OnChange(f func(LocationSKU, Stock)) { r.mu.Do(func() { r.onChange = f }) }

// Fail makes SKUs fail until Heal.
func (r *Receiver) Fail(skus ...string) { r.mu.Do(func() { r.failing.Insert(skus...) }) }

// Heal ends what Fail began.
func (r *Receiver) Heal(skus ...string) { r.mu.Do(func() { r.failing.Delete(skus...) }) }

// List chooses how SKUs are listed in answers.
func (r *Receiver) List(style ListStyle) { r.mu.Do(func() { r.style = style }) }
