package commit

import (
	"maps"
	"slices"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// laneKey names a location and pool.
type laneKey struct {
	namespace, location string
	pool                int64
}

// lane stores what is for one location and pool. Of any SKU there is one create in flight at the most, so
// that what came later is stored later. It exists while it has something to store, and is guarded by the
// writer's lock.
type lane struct {
	key      laneKey
	queue    []*entry
	inFlight int             // creates
	claimed  map[string]bool // SKUs of those
}

// entry is a commit that waits to be stored.
type entry struct {
	lane   laneKey
	commit *Commit
	done   chan error // gets the outcome, once
}

// drop removes an entry that has not been taken up. The lock must be held.
func (l *lane) drop(e *entry) bool {
	i := slices.Index(l.queue, e)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	return true
}

// pump starts as many creates as a lane may have, and removes the lane at its end. The lock must be held.
func (w *Writer) pump(l *lane) {
	for {
		n := l.startable(w.opts)
		if n == 0 {
			break
		}
		group := l.queue[:n:n]
		l.queue = l.queue[n:]
		l.inFlight++
		l.claim(group, true)
		w.running.Go(func() { w.finish(l, group, w.store(l.key, group)) })
	}
	if l.inFlight == 0 && len(l.queue) == 0 {
		delete(w.lanes, l.key)
	}
}

// startable returns how many entries go into a create that can be started now. While others are in flight,
// only one that is large enough is: small ones rather wait and share the next.
func (l *lane) startable(opts Options) int {
	if l.inFlight >= opts.MaxInFlight {
		return 0
	}
	n, size := l.take(opts.SnapshotSKUs)
	if l.inFlight > 0 && size < opts.ParallelSKUs {
		return 0
	}
	return n
}

// take returns how many entries from the first on go into one snapshot, and their SKUs: as many as fit and
// have no SKU in flight, but one with a name of its own goes alone.
func (l *lane) take(limit int) (n, size int) {
	for _, e := range l.queue {
		more := len(e.commit.Quantities)
		if n > 0 && (e.commit.Name != "" || size+more > limit) || l.conflicts(e) {
			break
		}
		n, size = n+1, size+more
		if e.commit.Name != "" {
			break
		}
	}
	return n, size
}

func (l *lane) conflicts(e *entry) bool {
	if l.inFlight == 0 {
		return false
	}
	for sku := range e.commit.Quantities {
		if l.claimed[sku] {
			return true
		}
	}
	return false
}

// claim notes that SKUs are in flight, or no longer.
func (l *lane) claim(group []*entry, inFlight bool) {
	if l.claimed == nil {
		l.claimed = map[string]bool{}
	}
	for _, e := range group {
		for sku := range e.commit.Quantities {
			if inFlight {
				l.claimed[sku] = true
			} else {
				delete(l.claimed, sku)
			}
		}
	}
}

// finish answers the senders, and goes on with the lane.
func (w *Writer) finish(l *lane, group []*entry, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.inFlight--
	l.claim(group, false)
	defer w.pump(l)
	for _, e := range group {
		w.budget.give(e.lane, len(e.commit.Quantities))
		e.done <- err
	}
}

// merge lays the quantities of a group over each other; the later arrival wins.
func merge(group []*entry) map[string]inventoryv1alpha1.Quantity {
	if len(group) == 1 {
		return group[0].commit.Quantities
	}
	merged := map[string]inventoryv1alpha1.Quantity{}
	for _, e := range group {
		maps.Copy(merged, e.commit.Quantities)
	}
	return merged
}
