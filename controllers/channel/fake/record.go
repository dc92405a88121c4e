package fake

import (
	"context"
	"slices"

	"tallyman.dev/tallyman/controllers/channel"
)

// Push is a quantity that the channel was told.
type Push struct {
	LocationSKU
	Quantity       int64
	IdempotencyKey string // of the call
	Sequence       string
}

func pushOf(batch channel.Batch, it channel.Item) Push {
	return Push{locationSKUOf(batch.Mode, it), it.Quantity, batch.IdempotencyKey, it.Sequence}
}

// Batches returns all calls so far, in the order in which they came.
func (c *Channel) Batches() []channel.Batch {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// Pushes returns the items of all calls so far, in the order in which they came, also of those that failed.
func (c *Channel) Pushes() []Push {
	var out []Push
	for _, batch := range c.Batches() {
		for _, it := range batch.Items {
			out = append(out, pushOf(batch, it))
		}
	}
	return out
}

// Taken returns the quantities that took effect, in the order in which they did.
func (c *Channel) Taken() []Push {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.taken)
}

// Await returns the oldest call that Await has not returned yet, once there is one; the context's error if that
// ends before.
func (c *Channel) Await(ctx context.Context) (channel.Batch, error) {
	for {
		c.mu.Lock()
		arrived := c.arrived
		if c.awaited < len(c.calls) {
			c.awaited++
			batch := c.calls[c.awaited-1]
			c.mu.Unlock()
			return batch, nil
		}
		c.mu.Unlock()
		select {
		case <-arrived:
		case <-ctx.Done():
			return channel.Batch{}, ctx.Err()
		}
	}
}

// Unawaited is how many calls Await has not returned yet.
func (c *Channel) Unawaited() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls) - c.awaited
}

// MostParallel returns how many calls were under way at once at the most.
func (c *Channel) MostParallel() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.most
}
