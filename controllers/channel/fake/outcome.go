package fake

import (
	"errors"
	"sync"
	"time"

	"tallyman.dev/tallyman/controllers/channel"
)

// ErrLost is that a connection broke.
var ErrLost = errors.New("connection lost")

// Effect is whether a call that is not confirmed changes the channel nevertheless.
type Effect int

// Effects.
const (
	// NoEffect leaves the channel as it is.
	NoEffect Effect = iota
	// Applied takes the quantities over before the caller knows.
	Applied
	// AppliedLate takes the quantities over at ApplyLate, whatever came in between.
	AppliedLate
)

// Outcome is what becomes of a call. The zero value takes all quantities over and confirms them.
type Outcome struct {
	// Err fails the call as a whole.
	Err error
	// Effect is what a call has that fails as a whole.
	Effect Effect
	// Failures fail items by their SKU; the others are taken over and confirmed.
	Failures map[string]*channel.Error
	// Until holds the call until it is closed; nil for no wait.
	Until <-chan struct{}
	// Delay is how long the call takes after that.
	Delay time.Duration
	// Gone is the effect of a call whose context ends while it waits; the call fails by that.
	Gone Effect
}

// Class fails a call as a whole, with an error of a class. Nothing is taken over.
func Class(class channel.Class) Outcome { return Outcome{Err: Error(class)} }

// Throttle asks for a pause.
func Throttle(pause time.Duration) Outcome {
	err := Error(channel.Throttled)
	err.RetryAfter = pause
	return Outcome{Err: err}
}

// Lost takes the quantities over, and loses the answer.
func Lost() Outcome { return Outcome{Err: ErrLost, Effect: Applied} }

// Late loses the answer, and takes the quantities over at ApplyLate.
func Late() Outcome { return Outcome{Err: ErrLost, Effect: AppliedLate} }

// Error is an error of a class, for a call or an item.
func Error(class channel.Class) *channel.Error {
	return channel.NewError(class, "Fake"+channel.Reason(class), "the test wants class "+string(class))
}

// Next gives the next calls their outcomes, one each, in the order in which they come.
func (c *Channel) Next(outcomes ...Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = append(c.next, outcomes...)
}

// NextErr fails the next calls as a whole, one for each error; nil lets one through.
func (c *Channel) NextErr(errs ...error) {
	for _, err := range errs {
		c.Next(Outcome{Err: err})
	}
}

// Decide chooses the outcome of every call that Next does not speak of; nil lets them succeed.
func (c *Channel) Decide(decide func(channel.Batch) Outcome) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.decide = decide
}

// Fail makes a SKU fail in every call, until Fail with nil.
func (c *Channel) Fail(sku string, err *channel.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failing[sku] = err
}

// FailProbe makes every Probe return an error; nil ends that.
func (c *Channel) FailProbe(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probeErr = err
}

// OnPush calls a function with every call, before that is held or has an effect; nil ends that.
func (c *Channel) OnPush(f func(channel.Batch)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onPush = f
}

// Hold makes the calls that come wait until they are released, which can be done more than once.
func (c *Channel) Hold() (release func()) {
	gate := make(chan struct{})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = gate
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.gate == gate {
			c.gate = nil
		}
		close(gate)
	})
}
