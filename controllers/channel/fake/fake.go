// Package fake is a connector for tests, and the channel behind it in memory: it keeps what a channel would
// have, remembers in order what it was told, and fails as it is told to. It knows the connectors' contract alone:
// neither who pushes nor why.
//
// The outcome of a call is decided when it comes: by Next, or else by Decide, or else it succeeds. Items fail
// by Fail on top of that. Nothing here waits for time to pass, but for the delays that outcomes ask for, by the
// clock that the fake was made with.
package fake

import (
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel"
)

// Channel is a connector and the channel behind it. All methods are safe for concurrent use; the functions that it
// calls may call them.
type Channel struct {
	clock clock.WithTicker

	mu        sync.Mutex
	limits    channel.Limits
	keepOrder bool
	holdings  map[LocationSKU]holding

	calls    []channel.Batch
	awaited  int           // of calls, by Await
	arrived  chan struct{} // closed when the next call comes
	taken    []Push
	running  int
	most     int
	late     []channel.Batch // that take effect later
	next     []Outcome
	decide   func(channel.Batch) Outcome
	failing  map[string]*channel.Error
	probeErr error
	readErr  error
	gate     chan struct{} // calls wait until it is closed; nil to go on at once
	onPush   func(channel.Batch)
}

var _ channel.Connector = (*Channel)(nil)

// New makes a channel. Limits of zero become one item, and one call at once.
func New(limits channel.Limits) *Channel { return NewWithClock(limits, clock.RealClock{}) }

// NewWithClock makes a channel whose delays are by a clock.
func NewWithClock(limits channel.Limits, c clock.WithTicker) *Channel {
	out := &Channel{clock: c, holdings: map[LocationSKU]holding{}, arrived: make(chan struct{}), failing: map[string]*channel.Error{}}
	out.SetLimits(limits)
	return out
}

// Factory returns a factory that hands the channel out, whatever the configuration.
func (c *Channel) Factory() channel.Factory {
	return func(channel.Config) (channel.Connector, error) { return c, nil }
}

// SetLimits changes the limits, before the channel is used. Those of zero become one item, and one call at once.
func (c *Channel) SetLimits(limits channel.Limits) {
	limits.BatchSize, limits.MaxParallel = max(1, limits.BatchSize), max(1, limits.MaxParallel)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.limits = limits
}

// Limits implements channel.Connector.
func (c *Channel) Limits() channel.Limits {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.limits
}

// Probe implements channel.Connector.
func (c *Channel) Probe(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.probeErr
}

// Push implements channel.Connector. A call whose context ends while it is held or delayed has the effect that
// its outcome tells.
func (c *Channel) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	batch.Items = slices.Clone(batch.Items)
	outcome, gate := c.enter(batch)
	defer c.leave()
	if !c.wait(ctx, outcome, gate) {
		c.effect(batch, outcome.Gone)
		return channel.Result{}, ctx.Err()
	}
	if outcome.Err != nil {
		c.effect(batch, outcome.Effect)
		return channel.Result{}, outcome.Err
	}
	return c.apply(batch, outcome.Failures), nil
}

// enter records a call, and returns what becomes of it and what it has to wait for.
func (c *Channel) enter(batch channel.Batch) (outcome Outcome, gate <-chan struct{}) {
	c.mu.Lock()
	c.calls = append(c.calls, batch)
	close(c.arrived)
	c.arrived = make(chan struct{})
	c.running++
	c.most = max(c.most, c.running)
	onPush, decide, queued := c.onPush, c.decide, len(c.next) > 0
	if queued {
		outcome, c.next = c.next[0], c.next[1:]
	}
	gate = c.gate
	c.mu.Unlock()
	if onPush != nil {
		onPush(batch)
	}
	if !queued && decide != nil {
		outcome = decide(batch)
	}
	return outcome, gate
}

func (c *Channel) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
}

// wait waits as an outcome and Hold tell. It reports whether the context is still alive.
func (c *Channel) wait(ctx context.Context, outcome Outcome, gate <-chan struct{}) bool {
	for _, until := range []<-chan struct{}{gate, outcome.Until} {
		if until != nil {
			select {
			case <-until:
			case <-ctx.Done():
			}
		}
	}
	return c.sleep(ctx, outcome.Delay)
}

func (c *Channel) sleep(ctx context.Context, d time.Duration) bool {
	if d > 0 && ctx.Err() == nil {
		timer := c.clock.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C():
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}
