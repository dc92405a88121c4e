package syncstate

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// begin finds out where everything stands, from what is stored.
func (t *Table) begin(start Start) {
	t.seen = t.stock.Now()
	t.book = newBook(t.news, t.scope.Shares())
	t.book.doubtful = start.Doubtful
	for _, name := range t.scope.Selling {
		t.restore(name)
	}
	for _, name := range start.Locations {
		if l := t.scope.Location(name); l != nil && !l.Selected {
			t.leaving[name] = true
			t.reload(name)
		}
	}
	t.expand()
	t.drain()
	t.unlist()
}

// restore reads where the SKUs of a Location stand from its snapshots. What they do not say is due: what
// the log has set since, what the channel has never been given, and what it was told in an epoch that
// showed it another quantity.
func (t *Table) restore(location string) {
	now := t.clock.Now()
	index := newIndex(t.key.Name)
	for _, key := range t.scope.Keys(location) {
		t.stock.Each(key, func(s ledger.StockedSKU) {
			u := t.scope.Unit(location, s.SKU)
			stored := index.of(s.Snapshot)
			switch {
			case !holds(t.epochs, stored.epoch, location):
				if t.scope.Exposure.Pushes(s.SKU) {
					t.book.mark(u, Standing{Trigger: location}, now)
				} else if stored.states == nil || stored.states[s.SKU] != nil { // as the snapshot does not say
					t.touchAt(key, s.SKU)
				}
			case (s.Unfolded || !s.Stored) && t.scope.Exposure.Selects(s.SKU):
				t.book.mark(u, Standing{Trigger: location}, now)
			default:
				t.resume(u, location, stored.states[s.SKU])
			}
		})
	}
}

// unlist has snapshots written anew that list the channel though it does not sell from their Location or pool.
func (t *Table) unlist() {
	for i := range t.scope.Locations {
		name := t.scope.Locations[i].Name
		for key, skus := range t.stock.Listing(t.scope.key(name), t.key.Name) {
			if !t.scope.pools[key.PoolID] || !t.scope.sells(name) && !t.leaving[name] {
				t.touchAt(key, skus...)
			}
		}
	}
}

// resume takes over where a unit stood, as a snapshot says it; nil in step.
func (t *Table) resume(u Unit, location string, stored *Standing) {
	if have := t.book.of[u]; stored == nil || have != nil && have.State == inventoryv1alpha1.SyncPending {
		return // another pool or Location of the unit is due
	}
	s := *stored
	s.Trigger = location
	if s.State != inventoryv1alpha1.SyncFailed {
		s.doubtful = t.book.doubtful
	}
	if s.State == inventoryv1alpha1.SyncPending {
		t.book.mark(u, s, t.clock.Now())
		return
	}
	t.book.set(u, &s, t.clock.Now())
}

// reload makes everything of a Location due: all that it has is shown differently, or nothing of it any more.
func (t *Table) reload(location string) {
	now := t.clock.Now()
	for _, key := range t.scope.Keys(location) {
		t.stock.Each(key, func(s ledger.StockedSKU) {
			if t.scope.Exposure.Pushes(s.SKU) {
				t.book.mark(t.scope.Unit(location, s.SKU), Standing{Trigger: location}, now)
			} else {
				t.touchAt(key, s.SKU)
			}
		})
	}
}

// expand makes a SKU due at all Locations that share its stock where it is due at one: in step is what
// they are together.
func (t *Table) expand() {
	if !t.scope.Shares() {
		return
	}
	for sku := range t.book.open {
		t.share(sku)
	}
}

// drain drops the Locations of which nothing has to be withdrawn any more.
func (t *Table) drain() {
	if len(t.leaving) == 0 {
		return
	}
	open := map[string]bool{}
	for u, s := range t.book.of {
		if s.State == inventoryv1alpha1.SyncFailed {
			continue
		}
		for name := range t.leaving {
			if u.Location == name || u.Location == "" && t.has(name, u.SKU) {
				open[name] = true
			}
		}
	}
	for name := range t.leaving {
		if open[name] {
			continue
		}
		delete(t.leaving, name)
		t.forget(name)
		for _, key := range t.scope.Keys(name) { // the snapshots no longer list the channel
			var skus []string
			t.stock.Each(key, func(s ledger.StockedSKU) { skus = append(skus, s.SKU) })
			t.touch(name, skus...)
		}
	}
}

// forget drops what is left of a Location that the channel has nothing of any more: what it has refused.
func (t *Table) forget(location string) {
	now := t.clock.Now()
	for u := range t.book.of {
		if u.Location == location {
			t.book.set(u, nil, now)
		}
	}
}

// has reports whether a Location has ever had a SKU.
func (t *Table) has(location, sku string) bool {
	for _, key := range t.scope.Keys(location) {
		if _, known := t.stock.Quantity(key, sku); known {
			return true
		}
	}
	return false
}

// index finds the states of many SKUs of few snapshots.
type index struct {
	channel   string
	snapshots map[*inventoryv1alpha1.InventorySnapshot]listed
}

// listed is what a snapshot says of a channel; zero where it does not list it.
type listed struct {
	epoch  int64
	states map[string]*Standing // of SKUs that are not in step
}

func newIndex(channel string) *index {
	return &index{channel, map[*inventoryv1alpha1.InventorySnapshot]listed{}}
}

func (x *index) of(snapshot *inventoryv1alpha1.InventorySnapshot) listed {
	if snapshot == nil {
		return listed{}
	}
	out, indexed := x.snapshots[snapshot]
	if !indexed {
		for i := range snapshot.Channels {
			if c := &snapshot.Channels[i]; c.Name == x.channel {
				out = read(c)
			}
		}
		x.snapshots[snapshot] = out
	}
	return out
}

func read(c *inventoryv1alpha1.SnapshotChannel) listed {
	out := listed{c.Epoch, make(map[string]*Standing, len(c.Pending)+len(c.Failures))}
	for _, sku := range c.Pending {
		out.states[sku] = &Standing{State: inventoryv1alpha1.SyncPending}
	}
	for i := range c.Failures {
		f := &c.Failures[i]
		s := &Standing{State: f.State, Reason: f.Reason, Message: f.Message, Attempts: f.Attempts}
		if f.NextAttemptTime != nil {
			s.Next = f.NextAttemptTime.Time
		}
		out.states[f.SKU] = s
	}
	return out
}
