package channelsync

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// restore reads where the SKUs of a location stand from its slices. What the slices do not say is
// dirty: what the log has set since, what the channel has never been given, or with full everything.
func (l *lane) restore(location string, full bool) {
	key := ledger.LocationKey{Namespace: l.key.Namespace, Name: location}
	index := newSliceIndex(l.key.Name)
	for _, id := range l.store.Pools(key) {
		l.store.Each(ledger.PoolKey{Location: key, PoolID: id}, func(s ledger.StockedSKU) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if !l.pools[id] {
				return
			}
			u := l.unitOf(location, s.SKU)
			state, known := index.state(s)
			if full || (s.Unfolded || !known) && l.config.Exposure.Selects(s.SKU) {
				l.markDirty(u, location)
				return
			}
			l.resume(u, state, location)
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.members[location]; m != nil {
		m.restored = true
	}
}

// resume takes over where a unit stood before a restart. The lock must be held.
func (l *lane) resume(u unit, state ledger.ChannelState, location string) {
	if have := l.standings[u]; have != nil && have.state == inventoryv1alpha1.SyncPending {
		return // another pool or location of the unit has changed
	}
	switch state.State {
	case inventoryv1alpha1.SyncPending:
		l.markDirty(u, location)
	case inventoryv1alpha1.SyncRetrying, inventoryv1alpha1.SyncFailed:
		s := &standing{
			state: state.State, reason: state.Reason, message: state.Message,
			attempts: state.Attempts, trigger: location,
		}
		if state.NextAttemptTime != nil {
			s.next = *state.NextAttemptTime
		}
		l.set(u, s)
		l.schedule(u)
	}
}

// withdraw queues everything that the channel was given of a location that is no longer
// selected: the location counts as empty now.
func (l *lane) withdraw(location string) {
	key := ledger.LocationKey{Namespace: l.key.Namespace, Name: location}
	for _, id := range l.store.Pools(key) {
		l.store.Each(ledger.PoolKey{Location: key, PoolID: id}, func(s ledger.StockedSKU) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.pools[id] {
				l.markDirty(l.unitOf(location, s.SKU), location)
			}
		})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := l.members[location]; m != nil {
		m.restored = true
	}
}

// sliceIndex finds the states of many SKUs of few slices.
type sliceIndex struct {
	channel string
	slices  map[*inventoryv1alpha1.InventorySlice]map[string]ledger.ChannelState
}

func newSliceIndex(channel string) *sliceIndex {
	return &sliceIndex{channel, map[*inventoryv1alpha1.InventorySlice]map[string]ledger.ChannelState{}}
}

// state returns where a SKU stands according to its slice; false where the slice has never
// listed the channel, or there is none.
func (x *sliceIndex) state(s ledger.StockedSKU) (ledger.ChannelState, bool) {
	if s.Slice == nil {
		return ledger.ChannelState{}, false
	}
	states, indexed := x.slices[s.Slice]
	if !indexed {
		states = statesOf(s.Slice, x.channel)
		x.slices[s.Slice] = states
	}
	if states == nil {
		return ledger.ChannelState{}, false
	}
	state, listed := states[s.SKU]
	if !listed {
		state.State = inventoryv1alpha1.SyncSynced
		return state, s.Stored
	}
	return state, true
}

// statesOf returns the SKUs of a slice that are not in step with a channel, nil where the slice
// does not list the channel.
func statesOf(slice *inventoryv1alpha1.InventorySlice, name string) map[string]ledger.ChannelState {
	c := findChannel(slice, name)
	if c == nil {
		return nil
	}
	states := make(map[string]ledger.ChannelState, len(c.Pending)+len(c.Failures))
	for _, sku := range c.Pending {
		states[sku] = ledger.ChannelState{State: inventoryv1alpha1.SyncPending}
	}
	for i := range c.Failures {
		states[c.Failures[i].SKU] = ledger.FailureState(c.Name, &c.Failures[i])
	}
	return states
}

func findChannel(slice *inventoryv1alpha1.InventorySlice, name string) *inventoryv1alpha1.SliceChannel {
	for i := range slice.Channels {
		if slice.Channels[i].Name == name {
			return &slice.Channels[i]
		}
	}
	return nil
}
