// Package omnitest is a sales channel of the omni standard for tests and demonstrations. It takes
// the available-to-promise calls in both shapes, remembers quantities, hands out credentials, and
// fails as it is told to.
package omnitest

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
)

// maxCalls is how many calls a Receiver remembers; the oldest go first.
const maxCalls = 10_000

// Place is where the channel has a quantity. LocationCode is empty for consolidated ones.
type Place struct{ LocationCode, SKU string }

// Stock is what the channel has at a place.
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
	clock clock.PassiveClock

	mu       sync.Mutex
	stock    map[Place]Stock
	calls    []Call
	failing  sets.Set[string]
	style    ListStyle
	answer   http.Handler
	gate     chan struct{} // calls wait until it is closed; nil to go on at once
	losing   bool
	access   access
	onCall   func(Call)
	onChange func(Place, Stock)
}

// New makes a channel that accepts everything.
func New() *Receiver { return NewWithClock(clock.RealClock{}) }

// NewWithClock makes a channel that tells the time of changes by a clock.
func NewWithClock(c clock.PassiveClock) *Receiver {
	return &Receiver{clock: c, stock: map[Place]Stock{}, failing: sets.New[string]()}
}

// Quantity returns what the channel has of a SKU, and whether it was told at all. The location is
// empty for consolidated quantities.
func (r *Receiver) Quantity(locationCode, sku string) (int64, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stock, ok := r.stock[Place{locationCode, sku}]
	return stock.Quantity, ok
}

// Quantities returns all that the channel has.
func (r *Receiver) Quantities() map[Place]Stock {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.stock)
}

// Calls returns the inventory calls so far, in the order in which they came, also those that failed;
// calls without the right credentials do not count.
func (r *Receiver) Calls() []Call {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

// OnCall calls a function with every inventory call, before that is held or answered.
func (r *Receiver) OnCall(f func(Call)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onCall = f
}

// OnChange calls a function with every quantity that has become another one, before the call is
// answered.
func (r *Receiver) OnChange(f func(Place, Stock)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onChange = f
}

// Fail makes SKUs fail until Heal.
func (r *Receiver) Fail(skus ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing.Insert(skus...)
}

// Heal ends what Fail began.
func (r *Receiver) Heal(skus ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failing.Delete(skus...)
}

// List chooses how SKUs are listed in answers.
func (r *Receiver) List(style ListStyle) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.style = style
}

// Answer makes a handler answer inventory calls, of which nothing is stored then; nil ends that.
func (r *Receiver) Answer(h http.Handler) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = h
}

// LoseAnswers chooses whether connections are cut when calls have taken effect, before they are
// answered.
func (r *Receiver) LoseAnswers(lose bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.losing = lose
}

// Hold makes inventory calls wait until they are released, which can be done more than once. A call
// whose sender goes away meanwhile has no effect.
func (r *Receiver) Hold() (release func()) {
	gate := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gate = gate
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.gate == gate {
			r.gate = nil
		}
		close(gate)
	})
}
