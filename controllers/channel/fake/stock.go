package fake

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// LocationSKU is where the channel has a quantity. Location is empty for quantities of Consolidated mode.
type LocationSKU struct{ Location, SKU string }

// holding is what the channel has of a SKU at a location.
type holding struct {
	quantity int64
	sequence string
}

func locationSKUOf(mode inventoryv1alpha1.ChannelMode, it channel.Item) LocationSKU {
	if mode == inventoryv1alpha1.Consolidated {
		return LocationSKU{SKU: it.SKU}
	}
	return LocationSKU{it.LocationCode, it.SKU}
}

// KeepOrder chooses whether the channel leaves a quantity out, and confirms it, whose sequence sorts before that of
// the one it has. A channel that does not has the one that came last.
func (c *Channel) KeepOrder(keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keepOrder = keep
}

// effect is what a call has that is not confirmed.
func (c *Channel) effect(batch channel.Batch, effect Effect) {
	switch effect {
	case NoEffect:
	case Applied:
		c.apply(batch, nil)
	case AppliedLate:
		c.mu.Lock()
		defer c.mu.Unlock()
		c.late = append(c.late, batch)
	}
}

// apply takes quantities over, but for those of items that fail.
func (c *Channel) apply(batch channel.Batch, failures map[string]*channel.Error) channel.Result {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := channel.Result{Failures: map[int]*channel.Error{}}
	for i, it := range batch.Items {
		if err := c.failing[it.SKU]; err != nil {
			out.Failures[i] = err
		} else if err := failures[it.SKU]; err != nil {
			out.Failures[i] = err
		} else {
			c.take(pushOf(batch, it))
		}
	}
	return out
}

// take takes a quantity over. The lock must be held.
func (c *Channel) take(p Push) {
	if c.keepOrder && c.holdings[p.LocationSKU].sequence > p.Sequence {
		return
	}
	c.holdings[p.LocationSKU] = holding{p.Quantity, p.Sequence}
	c.taken = append(c.taken, p)
}

// LateCalls is how many calls wait for ApplyLate.
func (c *Channel) LateCalls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.late)
}

// ApplyLate has one of the calls take effect that wait for it: 0 is the oldest. It reports whether there was one.
func (c *Channel) ApplyLate(i int) bool {
	c.mu.Lock()
	if i < 0 || i >= len(c.late) {
		c.mu.Unlock()
		return false
	}
	batch := c.late[i]
	c.late = append(c.late[:i:i], c.late[i+1:]...)
	c.mu.Unlock()
	c.apply(batch, nil)
	return true
}

// Quantity returns what the channel has of a SKU, and whether it was told at all.
func (c *Channel) Quantity(location, sku string) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	have, ok := c.holdings[LocationSKU{location, sku}]
	return have.quantity, ok
}

// Quantities returns all that the channel has.
func (c *Channel) Quantities() map[LocationSKU]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make(map[LocationSKU]int64, len(c.holdings))
	for at, have := range c.holdings {
		out[at] = have.quantity
	}
	return out
}

// Set changes what the channel has behind the caller's back.
func (c *Channel) Set(at LocationSKU, quantity int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.holdings[at] = holding{quantity, c.holdings[at].sequence}
}

// Forget takes a SKU from the channel, behind the caller's back.
func (c *Channel) Forget(at LocationSKU) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.holdings, at)
}
