// Package fake is a connector for tests: a small channel in memory that remembers what it is told,
// and fails as it is told to. All methods are safe for concurrent use.
package fake

import (
	"context"
	"maps"
	"slices"
	"sync"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// Place is where the channel has a quantity. Location is empty for quantities of Consolidated mode.
type Place struct{ Location, SKU string }

// Channel is a connector and the channel behind it.
type Channel struct {
	limits channel.Limits

	mu       sync.Mutex
	stock    map[Place]int64
	batches  []channel.Batch
	next     []outcome
	failing  map[string]*channel.Error
	probeErr error
	gate     chan struct{} // calls wait until it is closed; nil to go on at once
	onPush   func(channel.Batch)
	running  int
	most     int
}

// outcome is what becomes of a call as a whole.
type outcome struct {
	err     error
	applied bool // the channel took over the quantities nevertheless
}

var _ channel.Connector = (*Channel)(nil)

// New makes a channel. Limits of zero become one item, and one call at once.
func New(limits channel.Limits) *Channel {
	limits.BatchSize, limits.MaxParallel = max(1, limits.BatchSize), max(1, limits.MaxParallel)
	return &Channel{limits: limits, stock: map[Place]int64{}, failing: map[string]*channel.Error{}}
}

// Factory returns a factory that hands the channel out, whatever the configuration.
func (c *Channel) Factory() channel.Factory {
	return func(channel.Config) (channel.Connector, error) { return c, nil }
}

// Limits implements channel.Connector.
func (c *Channel) Limits() channel.Limits { return c.limits }

// Probe implements channel.Connector.
func (c *Channel) Probe(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.probeErr
}

// Push implements channel.Connector. A call whose context ends while it is held has no effect.
func (c *Channel) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	gate := c.enter(batch)
	defer c.leave()
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return channel.Result{}, err
	}
	var now outcome
	if len(c.next) > 0 {
		now, c.next = c.next[0], c.next[1:]
	}
	if now.err != nil && !now.applied {
		return channel.Result{}, now.err
	}
	result := c.apply(batch)
	if now.err != nil {
		return channel.Result{}, now.err
	}
	return result, nil
}

// apply takes over quantities. The lock must be held.
func (c *Channel) apply(batch channel.Batch) channel.Result {
	failures := map[int]*channel.Error{}
	for i, it := range batch.Items {
		if err := c.failing[it.SKU]; err != nil {
			failures[i] = err
			continue
		}
		place := Place{it.LocationCode, it.SKU}
		if batch.Mode == inventoryv1alpha1.Consolidated {
			place.Location = ""
		}
		c.stock[place] = it.Quantity
	}
	return channel.Result{Failures: failures}
}

// enter records a call and returns what it has to wait for.
func (c *Channel) enter(batch channel.Batch) chan struct{} {
	batch.Items = slices.Clone(batch.Items)
	c.mu.Lock()
	c.batches = append(c.batches, batch)
	c.running++
	c.most = max(c.most, c.running)
	gate, onPush := c.gate, c.onPush
	c.mu.Unlock()
	if onPush != nil {
		onPush(batch)
	}
	return gate
}

func (c *Channel) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.running--
}

// Batches returns all calls so far, in the order in which they came.
func (c *Channel) Batches() []channel.Batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.batches)
}

// MostParallel returns how many calls were under way at once at the most.
func (c *Channel) MostParallel() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}

// Quantity returns what the channel has of a SKU, and whether it was told at all.
func (c *Channel) Quantity(location, sku string) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	quantity, ok := c.stock[Place{location, sku}]
	return quantity, ok
}

// Quantities returns all that the channel has.
func (c *Channel) Quantities() map[Place]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.stock)
}
