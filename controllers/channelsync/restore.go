package channelsync

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// restore reads where the SKUs of a location stand from its snapshots. What the snapshots do not say is
// dirty: what the log has set since, what the channel has never been given, or with full everything.
func (l *lane) restore(location string, full bool) {
	key := ledger.LocationKey{Namespace: l.key.Namespace, Name: location}
	index := newSnapshotIndex(l.key.Name)
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

// snapshotIndex finds the states of many SKUs of few snapshots.
type snapshotIndex struct {
	channel   string
	snapshots map[*inventoryv1alpha1.InventorySnapshot]map[string]ledger.ChannelState
}

func newSnapshotIndex(channel string) *snapshotIndex {
	return &snapshotIndex{channel, map[*inventoryv1alpha1.InventorySnapshot]map[string]ledger.ChannelState{}}
}

// state returns where a SKU stands according to its snapshot; false where the snapshot has never
// listed the channel, or there is none.
func (x *snapshotIndex) state(s ledger.StockedSKU) (ledger.ChannelState, bool) {
	if s.Snapshot == nil {
		return ledger.ChannelState{}, false
	}
	states, indexed := x.snapshots[s.Snapshot]
	if !indexed {
		states = statesOf(s.Snapshot, x.channel)
		x.snapshots[s.Snapshot] = states
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

// statesOf returns the SKUs of a snapshot that are not in step with a channel, nil where the snapshot
// does not list the channel.
func statesOf(snapshot *inventoryv1alpha1.InventorySnapshot, name string) map[string]ledger.ChannelState {
	c := findChannel(snapshot, name)
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

func findChannel(snapshot *inventoryv1alpha1.InventorySnapshot, name string) *inventoryv1alpha1.SnapshotChannel {
	for i := range snapshot.Channels {
		if snapshot.Channels[i].Name == name {
			return &snapshot.Channels[i]
		}
	}
	return nil
}
