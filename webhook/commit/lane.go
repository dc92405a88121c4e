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

// lane has one create in flight at a time. It exists while it has something to store. Its queue is
// guarded by the writer's lock.
type lane struct {
	key   laneKey
	queue []*entry
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

// run stores what is queued, until nothing is.
func (w *Writer) run(l *lane) {
	for {
		group := w.next(l)
		if len(group) == 0 {
			return
		}
		err := w.store(l.key, group)
		w.finish(group, err)
	}
}

// next takes the entries of the next snapshot, or removes the lane.
func (w *Writer) next(l *lane) []*entry {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := take(l.queue, w.opts.SnapshotSKUs)
	if n == 0 {
		delete(w.lanes, l.key)
		return nil
	}
	group := l.queue[:n:n]
	l.queue = l.queue[n:]
	return group
}

// take returns how many entries from the first on go into one snapshot: as many as fit, but one
// with a name of its own goes alone.
func take(queue []*entry, limit int) int {
	size := 0
	for n, e := range queue {
		size += len(e.commit.Quantities)
		switch {
		case n > 0 && (e.commit.Name != "" || size > limit):
			return n
		case e.commit.Name != "":
			return 1
		}
	}
	return len(queue)
}

// finish answers the senders.
func (w *Writer) finish(group []*entry, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
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
