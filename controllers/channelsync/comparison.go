package channelsync

import (
	"context"

	"golang.org/x/time/rate"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// comparison is one that is under way.
type comparison struct {
	lane    *lane
	link    *link
	reader  channel.Reader
	repair  inventoryv1alpha1.DriftRepair
	repairs *rate.Limiter
	again   []syncstate.Taken // what is pushed again
	result  Comparison
}

// expected is what a channel should have of a unit that is in step.
type expected struct {
	unit syncstate.Unit
	item channel.Item
}

// batch reads some units back, and has those pushed again that differ, or that the channel refused before, at
// the bounded rate.
func (c *comparison) batch(ctx context.Context, units []syncstate.Unit) error {
	before, parked := c.expect(units)
	for _, u := range parked {
		if err := c.pushAgain(ctx, u); err != nil {
			return err
		}
	}
	if len(before) == 0 {
		return nil
	}
	b := channel.Batch{Mode: c.lane.table.Scope().Mode, Items: make([]channel.Item, len(before))}
	for i, e := range before {
		b.Items[i] = e.item
	}
	readings, err := c.reader.Read(ctx, b)
	if err != nil {
		return err //nolint:wrapcheck // an *Error says where it comes from
	}
	after := freezer{c.lane.table.Scope(), c.lane.stock}
	for i, e := range before {
		now, _ := after.show(e.unit, after.scope.Trigger(e.unit))
		if now.Quantity != e.item.Quantity || c.lane.table.Standing(e.unit) != nil {
			continue // changed meanwhile
		}
		if !c.differs(e, readings, i) {
			continue
		}
		if err := c.pushAgain(ctx, e.unit); err != nil {
			return err
		}
	}
	return nil
}

// differs counts what was read of a unit, at an index, and reports whether it is to be repaired.
func (c *comparison) differs(e expected, readings channel.Readings, i int) bool {
	have, read := readings.Quantities[i]
	failure := readings.Failures[i]
	if !read && (failure == nil || failure.Class != channel.Unmapped) {
		return false // nothing was learned
	}
	c.result.Compared++
	if read && have == e.item.Quantity || !read && e.item.Quantity == 0 {
		return false
	}
	c.result.Differing++
	tooMuch := read && have > e.item.Quantity
	if c.repair == inventoryv1alpha1.RepairNone || c.repair == inventoryv1alpha1.RepairTooMuch && !tooMuch {
		return false
	}
	c.result.Repaired++
	return true
}

// pushAgain has a unit pushed as soon as the rate of repairs allows it.
func (c *comparison) pushAgain(ctx context.Context, u syncstate.Unit) error {
	if err := channel.TakeToken(ctx, c.lane.clock, c.repairs); err != nil {
		return err //nolint:wrapcheck // that of the context
	}
	c.again = append(c.again, c.lane.table.Repush(u)...)
	return nil
}

// settled waits until what was pushed again has reached the channel, or failed: then its snapshots say so.
func (c *comparison) settled(ctx context.Context) error {
	for len(c.again) > 0 {
		last := c.again[len(c.again)-1]
		if s := c.lane.table.Standing(last.Unit); s == nil || s.Change > last.Standing.Change || s.State != inventoryv1alpha1.SyncPending {
			c.again = c.again[:len(c.again)-1]
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-c.lane.clock.After(repairPoll):
		}
	}
	return nil
}

// expect returns those of some units that are in step, with what the channel should have, and those
// that it has refused.
func (c *comparison) expect(units []syncstate.Unit) (inStep []expected, parked []syncstate.Unit) {
	f := freezer{c.lane.table.Scope(), c.lane.stock}
	for _, u := range units {
		switch s := c.lane.table.Standing(u); {
		case s == nil:
			it, _ := f.show(u, f.scope.Trigger(u))
			inStep = append(inStep, expected{u, it})
		case s.State == inventoryv1alpha1.SyncFailed:
			parked = append(parked, u)
		}
	}
	return inStep, parked
}
