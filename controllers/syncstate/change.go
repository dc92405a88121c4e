package syncstate

import (
	"maps"
	"slices"
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// catchUp takes in what has changed in the ledger.
func (t *Table) catchUp() {
	if t.scope == nil {
		return
	}
	changes := t.stock.Changes(t.key.Namespace, t.seen)
	t.seen = changes.Upto
	if changes.Lost { // what was folded meanwhile, the fold has had this table take in
		for _, name := range t.scope.Selling {
			t.changed(name, t.unfolded(name))
		}
		return
	}
	for i := range changes.Pools {
		c := &changes.Pools[i]
		if location := c.Pool.Location.Name; t.scope.pools[c.Pool.PoolID] && t.scope.sells(location) {
			t.changed(location, c.SKUs)
		}
	}
}

// unfolded returns the SKUs of a Location that the log has set since its snapshots were written.
func (t *Table) unfolded(location string) (skus []string) {
	for _, key := range t.scope.Keys(location) {
		t.stock.Each(key, func(s ledger.StockedSKU) {
			if s.Unfolded {
				skus = append(skus, s.SKU)
			}
		})
	}
	return skus
}

// changed makes SKUs due whose quantity at a Location has changed.
func (t *Table) changed(location string, skus []string) {
	now := t.clock.Now()
	for _, sku := range skus {
		if !t.scope.Exposure.Selects(sku) {
			continue // what the channel was told of it, if anything, stays right
		}
		t.book.mark(t.scope.Unit(location, sku), Standing{Trigger: location}, now)
		if t.scope.Shares() {
			t.share(sku)
		}
	}
}

// share makes a SKU due at all other Locations that have it, as its total is divided among them.
func (t *Table) share(sku string) {
	now := t.clock.Now()
	for _, name := range t.scope.Selling {
		u := Unit{name, sku}
		have := t.book.of[u]
		if have == nil && !t.has(name, sku) {
			continue
		}
		if have != nil && have.State == inventoryv1alpha1.SyncPending && have.queued {
			continue // due already, with whatever quantity there is then
		}
		t.book.mark(u, Standing{Trigger: name}, now)
	}
}

// Repush makes units due that are in step, or that the channel refused, and returns them; those that are
// due already, or that the channel does not sell any more, it leaves as they are.
func (t *Table) Repush(units ...Unit) []Taken {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUp()
	var out []Taken
	for _, u := range units {
		trigger := t.scope.Trigger(u)
		if !t.scope.sells(trigger) || t.scope.Unit(trigger, u.SKU) != u {
			continue
		}
		if have := t.book.of[u]; have != nil && have.State != inventoryv1alpha1.SyncFailed {
			continue
		}
		t.book.mark(u, Standing{Trigger: trigger}, t.clock.Now())
		out = append(out, Taken{u, t.book.of[u]})
	}
	return out
}

// Standing returns where a unit stands; nil in step.
func (t *Table) Standing(u Unit) *Standing {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.book.of[u]
}

// Settle takes in what came of units that were taken. One that has changed since it was taken stays due.
func (t *Table) Settle(settlements []Settlement) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUp()
	now := t.clock.Now()
	for i := range settlements {
		t.settle(&settlements[i], now)
	}
	t.drain()
}

func (t *Table) settle(s *Settlement, now time.Time) {
	if s.Outcome.State == inventoryv1alpha1.SyncSynced {
		t.lastSync = now
	}
	if !s.Outcome.Doubtful.IsZero() {
		delete(t.told, s.Unit)
	}
	is := t.book.of[s.Unit]
	if is != s.Standing { // it has changed, and is queued again
		if is != nil && s.Outcome.Doubtful.After(is.doubtful) {
			is.doubtful = s.Outcome.Doubtful
		}
		return
	}
	t.book.changes++
	next := is.settle(s.Outcome, now, t.book.changes)
	t.book.set(s.Unit, next, now)
	if s.Outcome.State == inventoryv1alpha1.SyncPending && s.Outcome.Doubtful.IsZero() {
		return // as the snapshots say already
	}
	t.say(s.Unit)
}

// say has the snapshots of a unit written anew: in Consolidated mode, and where Locations share stock, those of all of them.
func (t *Table) say(u Unit) {
	if u.Location != "" && t.book.open == nil {
		t.touch(u.Location, u.SKU)
		return
	}
	for _, name := range t.scope.Selling {
		t.touch(name, u.SKU)
	}
	for name := range t.leaving {
		t.touch(name, u.SKU)
	}
}

// Confirm notes what the channel has confirmed of units, where Locations share stock.
func (t *Table) Confirm(quantities map[Unit]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.book.open == nil {
		return
	}
	if t.told == nil {
		t.told = map[Unit]int64{}
	}
	maps.Copy(t.told, quantities)
}

// Report is how the units of a channel fare.
type Report struct {
	// Known reports whether the table has settings; without them it knows nothing.
	Known bool
	// Pending and Failed count the units that wait for a push or a retry, and those that the channel refused.
	Pending, Failed int
	// LastSync is when the channel last confirmed a quantity to this process; zero if it has not.
	LastSync time.Time
	// Selling and Withdrawing are the Locations that the channel sells from, and those that it does not any
	// more but has not been told of. Both are sorted.
	Selling, Withdrawing []string
}

// Report returns how the units fare.
func (t *Table) Report() Report {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.scope == nil {
		return Report{}
	}
	t.catchUp()
	return Report{
		Known: true, Pending: t.book.unfailed, Failed: len(t.book.of) - t.book.unfailed, LastSync: t.lastSync,
		Selling: t.scope.Selling, Withdrawing: slices.Sorted(maps.Keys(t.leaving)),
	}
}
