package channelsync

import (
	"context"

	"golang.org/x/time/rate"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// comparison is one that is under way.
type comparison struct {
	*lane
	reader  channel.Reader
	repair  inventoryv1alpha1.DriftRepair
	repairs *rate.Limiter
	result  Comparison
}

// batch reads some units back, and queues those that differ, or that the channel refused before, at
// the bounded rate.
func (c *comparison) batch(ctx context.Context, units []unit) error {
	items, parked := c.inStep(units)
	for _, u := range parked {
		if err := c.again(ctx, u); err != nil {
			return err
		}
	}
	if len(items) == 0 {
		return nil
	}
	c.mu.Lock()
	before := c.frame()
	c.mu.Unlock()
	b := channel.Batch{Mode: before.mode, Items: make([]channel.Item, len(items))}
	for i, it := range items {
		before.fill(it)
		b.Items[i] = it.push
	}
	readings, err := c.reader.Read(ctx, b)
	if err != nil {
		return err //nolint:wrapcheck // an *Error says where it comes from
	}
	c.mu.Lock()
	after := c.frame()
	c.mu.Unlock()
	for i, it := range items {
		if after.fill(it); it.push.Quantity != b.Items[i].Quantity {
			continue // changed meanwhile
		}
		if err := c.judge(ctx, it, readings, i); err != nil {
			return err
		}
	}
	return nil
}

// judge compares one unit with what was read, at an index.
func (c *comparison) judge(ctx context.Context, it *item, readings channel.Readings, i int) error {
	have, read := readings.Quantities[i]
	failure := readings.Failures[i]
	if !read && (failure == nil || failure.Class != channel.Unmapped) {
		return nil // nothing was learned
	}
	c.result.Compared++
	if read && have == it.push.Quantity {
		return nil
	}
	c.result.Differing++
	tooMuch := read && have > it.push.Quantity
	if c.repair == inventoryv1alpha1.RepairNone || c.repair == inventoryv1alpha1.RepairTooMuch && !tooMuch {
		return nil
	}
	c.result.Repaired++
	return c.again(ctx, it.unit)
}

// again queues a unit as soon as the rate of repairs allows it.
func (c *comparison) again(ctx context.Context, u unit) error {
	if err := channel.TakeToken(ctx, c.clock, c.repairs); err != nil {
		return err //nolint:wrapcheck // that of the context
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if have := c.standings[u]; have != nil && have.state != inventoryv1alpha1.SyncFailed {
		return nil // queued already
	}
	trigger := u.location
	if trigger == "" {
		trigger = c.anyMember()
	}
	if m := c.members[trigger]; m != nil && !m.withdrawn {
		c.markDirty(u, trigger)
	}
	return nil
}

// inStep returns those of some units that are in step, with what the channel should have, and those
// that it has refused.
func (c *comparison) inStep(units []unit) (items []*item, parked []unit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	trigger := c.anyMember()
	for _, u := range units {
		switch s := c.standings[u]; {
		case s == nil:
			items = append(items, &item{unit: u, standing: &standing{trigger: trigger}})
		case s.state == inventoryv1alpha1.SyncFailed:
			parked = append(parked, u)
		}
	}
	return items, parked
}
