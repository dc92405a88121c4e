package ledger

import (
	"maps"
	"slices"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

var _ Reader = (*Store)(nil)

// Quantity returns the present quantity of a SKU in a pool, or false where it has never had it.
func (s *Store) Quantity(key PoolKey, sku string) (inventoryv1alpha1.Quantity, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if p := s.locations.pool(key); p != nil {
		return p.quantity(sku)
	}
	return 0, false
}

// Sum adds up the present quantities of a SKU over pools.
func (s *Store) Sum(keys []PoolKey, sku string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var sum int64
	for _, key := range keys {
		if p := s.locations.pool(key); p != nil {
			q, _ := p.quantity(sku)
			sum += int64(q)
		}
	}
	return sum
}

// Lookup implements Reader. The state of a SKU on a channel is as last folded.
func (s *Store) Lookup(namespace, locationName, sku string) (View, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	loc := s.locations[LocationKey{Namespace: namespace, Name: locationName}]
	view := View{}
	states := map[string]ChannelState{}
	for _, id := range slices.Sorted(maps.Keys(loc)) {
		p := loc[id]
		q, known := p.quantity(sku)
		if !known {
			continue
		}
		view.Pools = append(view.Pools, PoolQuantity{id, q})
		p.states(sku, states)
	}
	for _, name := range slices.Sorted(maps.Keys(states)) {
		view.Channels = append(view.Channels, states[name])
	}
	return view, len(view.Pools) > 0
}

// StockedSKU is a SKU of a pool with the stored snapshot that it lies in, without its SKUs; the snapshot is
// nil where none is stored yet. Unfolded reports that the log has set the quantity since.
type StockedSKU struct {
	SKU      string
	Snapshot *inventoryv1alpha1.InventorySnapshot
	Stored   bool // in that snapshot
	Unfolded bool
}

// Each visits every SKU of a pool once, in no particular order. The store is locked meanwhile:
// visit must not call it back.
func (s *Store) Each(key PoolKey, visit func(StockedSKU)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.locations.pool(key)
	if p == nil {
		return
	}
	p.each(func(sku string, stored *storedSnapshot) {
		e := p.overlay.get(sku)
		stocked := StockedSKU{SKU: sku, Unfolded: e.revision > 0}
		if stored != nil {
			stocked.Snapshot, stocked.Stored = stored.InventorySnapshot, stored.has(sku)
		}
		visit(stocked)
	})
}

// Listing returns a SKU of each stored snapshot of a location that lists a channel, by pool.
func (s *Store) Listing(location LocationKey, channel string) map[PoolKey][]string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[PoolKey][]string{}
	for id, p := range s.locations[location] {
		for _, stored := range p.stored {
			lists := slices.ContainsFunc(stored.Channels, func(c inventoryv1alpha1.SnapshotChannel) bool { return c.Name == channel })
			if lists && stored.stock.len() > 0 {
				key := PoolKey{location, id}
				out[key] = append(out[key], stored.stock.name(0))
			}
		}
	}
	return out
}

// Folded reports whether the snapshots of a location say everything that is known.
func (s *Store) Folded(key LocationKey) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range s.locations[key] {
		if p.overlay.len() > 0 {
			return false
		}
	}
	return true
}
