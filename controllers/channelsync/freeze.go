package channelsync

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
)

// freeze reads the present quantities of units. A unit that came into step meanwhile is left out.
func (l *lane) freeze(units []unit) []*item {
	now := l.clock.Now()
	l.mu.Lock()
	items := make([]*item, 0, len(units))
	for _, u := range units {
		s := l.standings[u]
		if s == nil || s.parked(now) {
			continue
		}
		items = append(items, &item{unit: u, standing: s})
	}
	f := l.frame()
	l.mu.Unlock()

	out := items[:0]
	for _, it := range items {
		if it.standing.derived && !f.has(it.unit) {
			l.drop(it)
			continue
		}
		f.fill(it)
		out = append(out, it)
	}
	return out
}

// drop forgets a unit whose location has never had the SKU.
func (l *lane) drop(it *item) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.standings[it.unit] == it.standing {
		l.set(it.unit, nil)
	}
}

// frame is what quantities are computed from, as it was when units were taken from the queue. The
// store is read later: what changes meanwhile queues its units again.
type frame struct {
	store   *ledger.Store
	mode    inventoryv1alpha1.ChannelMode
	policy  *exposure.Policy
	members map[string]member
	pools   map[string][]ledger.PoolKey // of each location that counts
	sorted  []string                    // the locations that count
}

// frame returns the present one. The lock must be held.
func (l *lane) frame() *frame {
	f := &frame{
		store: l.store, mode: l.config.mode(), policy: l.config.Exposure,
		members: make(map[string]member, len(l.members)), pools: make(map[string][]ledger.PoolKey, len(l.members)),
	}
	ids := l.config.Channel.Pools()
	for name, m := range l.members {
		f.members[name] = *m
		if m.withdrawn {
			continue
		}
		f.sorted = append(f.sorted, name)
		for _, id := range ids {
			f.pools[name] = append(f.pools[name], ledger.PoolKey{
				Location: ledger.LocationKey{Namespace: l.key.Namespace, Name: name}, PoolID: id,
			})
		}
	}
	return f
}

// has tells whether a location has ever had a SKU.
func (f *frame) has(u unit) bool {
	for _, pool := range f.pools[u.location] {
		if _, known := f.store.Quantity(pool, u.sku); known {
			return true
		}
	}
	return false
}

// fill sets what is to be pushed for an item.
func (f *frame) fill(it *item) {
	trigger := it.unit.location
	if f.mode == inventoryv1alpha1.Consolidated {
		trigger = it.standing.trigger
	}
	locations := f.sorted
	if f.mode != inventoryv1alpha1.Consolidated && !f.policy.Joins() {
		locations = nil
		if f.pools[trigger] != nil {
			locations = []string{trigger}
		}
	}
	at, total := f.policy.Show(it.unit.sku, f.stock(locations, it.unit.sku))
	here := exposure.Shown{} // of a location that is withdrawn, nothing
	for i, name := range locations {
		if name == trigger {
			here = at[i]
		}
	}
	it.push = channel.Item{
		SKU: it.unit.sku, Quantity: here.Quantity,
		LocationCode: f.members[trigger].code, LocationQuantity: here.Quantity,
	}
	it.rule = here.Rule
	if f.mode == inventoryv1alpha1.Consolidated {
		it.push.Quantity, it.rule = total.Quantity, total.Rule
	}
}

// stock returns what locations have of a SKU.
func (f *frame) stock(locations []string, sku string) []exposure.Stock {
	out := make([]exposure.Stock, len(locations))
	for i, name := range locations {
		m := f.members[name]
		out[i] = exposure.Stock{Code: m.code, Labels: m.labels, Quantity: f.store.Sum(f.pools[name], sku)}
	}
	return out
}
