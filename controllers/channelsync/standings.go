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

// markDirty queues a unit for a push of its present quantity. The lock must be held.
func (l *lane) markDirty(u unit, trigger string) {
	l.changes++
	l.set(u, &standing{state: inventoryv1alpha1.SyncPending, trigger: trigger, change: l.changes})
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
		l.markDirty(l.unitOf(location, sku), location)
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
