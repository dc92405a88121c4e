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
	return s.quantity(key, sku)
}

func (s *Store) quantity(key PoolKey, sku string) (inventoryv1alpha1.Quantity, bool) {
	loc := s.locations[key.Location]
	if loc == nil || loc.pools[key.PoolID] == nil {
		return 0, false
	}
	return loc.pools[key.PoolID].quantity(sku)
}

// Sum adds up the present quantities of a SKU over pools.
func (s *Store) Sum(keys []PoolKey, sku string) int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var sum int64
	for _, key := range keys {
		q, _ := s.quantity(key, sku)
		sum += int64(q)
	}
	return sum
}

// Lookup implements Reader. The state of a SKU on a channel is as last folded.
func (s *Store) Lookup(namespace, locationName, sku string) (View, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	loc := s.locations[LocationKey{Namespace: namespace, Name: locationName}]
	if loc == nil {
		return View{}, false
	}
	view := View{}
	states := map[string]ChannelState{}
	for _, id := range slices.Sorted(maps.Keys(loc.pools)) {
		p := loc.pools[id]
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

// states collects where a SKU stands on each channel. A quantity that is not folded yet is
// reported as pending: whether it has been pushed is not known here.
func (p *pool) states(sku string, into map[string]ChannelState) {
	stored := p.segment(sku).snapshot
	if stored == nil {
		return
	}
	e := p.overlay.get(sku)
	for i := range stored.Channels {
		state := SnapshotChannelState(&stored.Channels[i], sku)
		if e.revision > 0 && state.State == inventoryv1alpha1.SyncSynced {
			state.State = inventoryv1alpha1.SyncPending
		}
		if known, ok := into[state.Channel]; !ok || known.State == inventoryv1alpha1.SyncSynced {
			into[state.Channel] = state
		}
	}
}

// SnapshotChannelState returns where a SKU of a snapshot stands on a channel that the snapshot lists.
func SnapshotChannelState(c *inventoryv1alpha1.SnapshotChannel, sku string) ChannelState {
	if slices.Contains(c.Pending, sku) {
		return ChannelState{Channel: c.Name, State: inventoryv1alpha1.SyncPending}
	}
	for i := range c.Failures {
		if f := &c.Failures[i]; f.SKU == sku {
			return FailureState(c.Name, f)
		}
	}
	return ChannelState{Channel: c.Name, State: inventoryv1alpha1.SyncSynced}
}

// FailureState returns where a SKU stands whose last push failed.
func FailureState(channel string, f *inventoryv1alpha1.SKUFailure) ChannelState {
	state := ChannelState{Channel: channel, State: f.State, Reason: f.Reason, Message: f.Message, Attempts: f.Attempts}
	if f.NextAttemptTime != nil {
		state.NextAttemptTime = &f.NextAttemptTime.Time
	}
	return state
}

// StockedSKU is a SKU of a pool with the stored snapshot that it lies in, without its SKUs; the snapshot is
// nil where none is stored yet. Unfolded tells that the log has set the quantity since.
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
	loc := s.locations[key.Location]
	if loc == nil || loc.pools[key.PoolID] == nil {
		return
	}
	p := loc.pools[key.PoolID]
	p.each(func(sku string, stored *storedSnapshot) {
		e := p.overlay.get(sku)
		stocked := StockedSKU{SKU: sku, Unfolded: e.revision > 0}
		if stored != nil {
			stocked.Snapshot, stocked.Stored = stored.InventorySnapshot, stored.has(sku)
		}
		visit(stocked)
	})
}

// Pools returns the ids of the pools that a location has stock in, in ascending order.
func (s *Store) Pools(key LocationKey) []int64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if loc := s.locations[key]; loc != nil {
		return slices.Sorted(maps.Keys(loc.pools))
	}
	return nil
}
