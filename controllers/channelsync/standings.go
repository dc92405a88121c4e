package channelsync

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// unitOf returns the unit that a SKU at a location belongs to. The lock must be held.
func (l *lane) unitOf(location, sku string) unit {
	if l.config.mode() == inventoryv1alpha1.Consolidated {
		location = ""
	}
	return unit{location, sku}
}

// markDirty queues a unit for a push of its present quantity, unless the channel is not to be told of
// the SKU. The lock must be held.
func (l *lane) markDirty(u unit, trigger string) {
	l.queueChange(u, &standing{trigger: trigger})
}

func (l *lane) queueChange(u unit, s *standing) {
	if !l.config.Exposure.Pushes(u.sku) {
		return
	}
	l.changes++
	s.state, s.change = inventoryv1alpha1.SyncPending, l.changes
	l.set(u, s)
	l.queue.Add(u)
	ping(l.arrived)
}

// set replaces where a unit stands; nil means in step. The lock must be held.
func (l *lane) set(u unit, s *standing) {
	if old := l.standings[u]; old != nil && old.state != inventoryv1alpha1.SyncFailed {
		l.unfailed--
	}
	if s == nil {
		delete(l.standings, u)
		return
	}
	if s.state != inventoryv1alpha1.SyncFailed {
		l.unfailed++
	}
	l.standings[u] = s
}

// quantitiesChanged marks what the log changed. It is called with the store locked.
func (l *lane) quantitiesChanged(location string, poolID int64, skus []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := l.members[location]
	if m == nil || m.withdrawn || !l.pools[poolID] {
		return
	}
	for _, sku := range skus {
		if !l.config.Exposure.Selects(sku) {
			continue // what the channel was told of it, if anything, stays right
		}
		l.markDirty(l.unitOf(location, sku), location)
		l.markShares(location, sku)
	}
}

// markShares queues a SKU at all other locations where its total is divided among them. The lock must
// be held.
func (l *lane) markShares(location, sku string) {
	if !l.config.Exposure.Joins() || l.config.mode() == inventoryv1alpha1.Consolidated {
		return
	}
	for other, m := range l.members {
		if u := (unit{other, sku}); other != location && !m.withdrawn {
			have := l.standings[u]
			l.queueChange(u, &standing{trigger: other, derived: have == nil || have.derived})
		}
	}
}

// redo queues the items of a job that was cut off. Those of another mode are queued by the
// configuration that changed it.
func (l *lane) redo(items []inventoryv1alpha1.SyncItem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, it := range items {
		u := unit{it.LocationName, it.SKU}
		trigger := it.LocationName
		if u.location == "" {
			trigger = l.anyMember()
		}
		if m := l.members[trigger]; m != nil && u == l.unitOf(trigger, it.SKU) {
			l.markDirty(u, trigger)
		}
	}
}

// anyMember returns the first of the selected locations. The lock must be held.
func (l *lane) anyMember() string {
	first := ""
	for name, m := range l.members {
		if !m.withdrawn && (first == "" || name < first) {
			first = name
		}
	}
	return first
}
