package channelsync

import (
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/ledger"
)

// record notes where the units of a job stand now, and has the fold write it down.
func (l *lane) record(items []*item) {
	touched := map[string][]string{} // SKUs by location
	l.mu.Lock()
	for _, it := range items {
		if it.outcome == notAttempted {
			continue
		}
		if it.outcome == confirmed {
			l.lastSync = l.clock.Now()
		}
		if l.standings[it.unit] == it.standing { // else it changed meanwhile, and is queued again
			l.set(it.unit, l.next(it))
			l.schedule(it.unit)
		}
		touched[it.unit.location] = append(touched[it.unit.location], it.unit.sku)
	}
	locations, pools := l.memberNames(), l.config.Channel.Pools()
	l.mu.Unlock()

	for location, skus := range touched {
		if location != "" {
			l.touch(location, pools, skus)
			continue
		}
		for _, location := range locations { // Consolidated: the unit lies in snapshots of them all
			l.touch(location, pools, skus)
		}
	}
	l.dropDrained()
}

func (l *lane) touch(location string, pools []int64, skus []string) {
	for _, id := range pools {
		l.store.Touch(ledger.PoolKey{
			Location: ledger.LocationKey{Namespace: l.key.Namespace, Name: location}, PoolID: id,
		}, skus...)
	}
}

// next returns where a unit stands after its push; nil in step. The lock must be held.
func (l *lane) next(it *item) *standing {
	if it.outcome == confirmed {
		return nil
	}
	s := &standing{
		state: inventoryv1alpha1.SyncRetrying, trigger: it.standing.trigger,
		change: it.standing.change, attempts: it.standing.attempts + 1,
	}
	s.reason, s.message = describe(it.err, 0)
	switch it.err.Class {
	case channel.Rejected, channel.Terminal:
		s.state = inventoryv1alpha1.SyncFailed
	case channel.Unmapped:
		s.state = inventoryv1alpha1.SyncFailed
		s.next = l.clock.Now().Add(wait.Jitter(unmappedPause, backoffJitter))
	case channel.Unconfirmed:
		if s.attempts >= l.config.Channel.MaxAttempts() {
			s.state = inventoryv1alpha1.SyncFailed
			s.reason, s.message = describe(it.err, s.attempts)
		}
	}
	if s.state == inventoryv1alpha1.SyncRetrying {
		s.next = l.clock.Now().Add(max(it.err.RetryAfter, backoff(itemBackoff, itemBackoffMax, s.attempts)))
	}
	return s
}

// schedule queues a unit that is to be tried again. The lock must be held.
func (l *lane) schedule(u unit) {
	if s := l.standings[u]; s != nil && (s.state == inventoryv1alpha1.SyncRetrying || !s.next.IsZero()) {
		l.queue.AddAfter(u, s.next.Sub(l.clock.Now()))
	}
}

// memberNames returns the names of all members. The lock must be held.
func (l *lane) memberNames() []string {
	names := make([]string, 0, len(l.members))
	for name := range l.members {
		names = append(names, name)
	}
	return names
}

// dropDrained drops withdrawn members that the channel has been told of completely.
func (l *lane) dropDrained() {
	for _, location := range l.withdrawn() {
		if !l.drained(location) {
			continue
		}
		l.mu.Lock()
		if m := l.members[location]; m != nil && m.withdrawn {
			delete(l.members, location)
		}
		pools := l.config.Channel.Pools()
		l.mu.Unlock()
		key := ledger.LocationKey{Namespace: l.key.Namespace, Name: location}
		for _, id := range pools { // the snapshots no longer list the channel
			var skus []string
			l.store.Each(ledger.PoolKey{Location: key, PoolID: id}, func(s ledger.StockedSKU) { skus = append(skus, s.SKU) })
			l.touch(location, []int64{id}, skus)
		}
	}
}

func (l *lane) withdrawn() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name, m := range l.members {
		if m.withdrawn && m.restored {
			names = append(names, name)
		}
	}
	return names
}

// drained tells whether nothing that still has to be pushed concerns a location.
func (l *lane) drained(location string) bool {
	l.mu.Lock()
	var open []unit
	for u, s := range l.standings {
		if s.state != inventoryv1alpha1.SyncFailed && (u.location == location || u.location == "") {
			open = append(open, u)
		}
	}
	pools := l.config.Channel.Pools()
	l.mu.Unlock()
	key := ledger.LocationKey{Namespace: l.key.Namespace, Name: location}
	for _, u := range open {
		if u.location != "" {
			return false
		}
		for _, id := range pools {
			if _, known := l.store.Quantity(ledger.PoolKey{Location: key, PoolID: id}, u.sku); known {
				return false
			}
		}
	}
	return true
}

// nextAttempt is when the channel is called again after a failure; zero if that is not scheduled.
func (g *gate) nextAttempt(now time.Time) time.Time {
	if g.blocked == nil && g.until.After(now) {
		return g.until
	}
	return time.Time{}
}
