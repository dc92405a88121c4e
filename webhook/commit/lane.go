package commit

import (
	"slices"
	"time"
)

// placed is a SKU at a place.
type placed struct {
	place
	sku string
}

// lingerFrom is how many batches at once make a lane a busy one.
const lingerFrom = 8

// lane stores what is for one namespace. Of any SKU at a place there is one create in flight at the most,
// so that what came later is stored later. It exists while it has something to store, and is guarded by
// the writer's lock.
type lane struct {
	namespace string
	queue     []*entry
	queued    int                 // SKUs in the queue
	inFlight  int                 // creates
	started   time.Time           // the last of them
	due       time.Time           // the next look at it; zero if none is planned
	expected  int                 // entries that are worth waiting for
	lingers   time.Time           // until when they are
	claimed   map[placed]struct{} // SKUs of those
}

// drop removes an entry that has not been taken up. The lock must be held.
func (l *lane) drop(e *entry) bool {
	i := slices.Index(l.queue, e)
	if i < 0 {
		return false
	}
	l.queue = slices.Delete(l.queue, i, i+1)
	l.queued -= e.size.skus
	return true
}

// pump starts as many creates as a lane may have, and removes the lane at its end. The lock must be held.
func (w *Writer) pump(l *lane) {
	for l.inFlight < w.opts.MaxInFlight && len(l.queue) > 0 {
		group, rest := w.startable(l)
		if len(group) == 0 {
			break
		}
		l.queue = rest
		l.inFlight++
		l.started = w.opts.Clock.Now()
		l.claim(group)
		w.running.Go(func() { w.finish(l, group, w.storeGroup(l.namespace, group)) })
	}
	if l.inFlight > 0 || len(l.queue) > 0 {
		return
	}
	if patience := l.lingers.Sub(w.opts.Clock.Now()); patience > 0 && !w.closed {
		w.pumpAfter(l, patience)
		return
	}
	delete(w.lanes, l.namespace)
}

// startable returns what goes into a create that can be started now, and what stays in the queue. The lock
// must be held.
func (w *Writer) startable(l *lane) (group, rest []*entry) {
	least, until := w.enough(l)
	if l.queued >= least {
		var taken size
		if group, taken, rest = l.take(w.opts.BatchSKUs); taken.skus >= least {
			l.queued -= taken.skus
			return group, rest
		}
	}
	if patience := until.Sub(w.opts.Clock.Now()); patience > 0 {
		w.pumpAfter(l, patience)
	}
	return nil, nil
}

// enough returns how many SKUs are worth a create, and until when. While others are in flight, only what is
// large is stored beside them: small batches rather wait and share the next, unless those in flight take
// too long. Where many senders have just been answered, their next batches are waited for a moment.
func (w *Writer) enough(l *lane) (skus int, until time.Time) {
	switch now := w.opts.Clock.Now(); {
	case l.inFlight > 0:
		until = l.started.Add(w.opts.Patience)
		if now.Before(until) {
			return w.opts.ParallelSKUs, until
		}
	case len(l.queue) < l.expected && !w.closed:
		until = l.lingers
		if now.Before(until) {
			return w.opts.BatchSKUs, until
		}
	}
	return 1, until
}

// expect notes that the senders of a group are about to be answered: they come back at once where a system is
// busy. With those that wait already they make one batch instead of two. They are waited for as long as it
// took to store the last one, at the most. The lock must be held.
func (w *Writer) expect(l *lane, answered int) {
	l.expected, l.lingers = 0, time.Time{}
	if busy := answered + len(l.queue); busy >= lingerFrom {
		l.expected = busy - busy/8 // some may not come back
		now := w.opts.Clock.Now()
		l.lingers = now.Add(min(now.Sub(l.started), w.opts.MaxLinger))
	}
}

// pumpAfter looks at a lane again after a time. The lock must be held.
func (w *Writer) pumpAfter(l *lane, d time.Duration) {
	due := w.opts.Clock.Now().Add(d)
	if !l.due.IsZero() && !due.Before(l.due) {
		return
	}
	l.due = due
	w.opts.Clock.AfterFunc(d, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if l.due.Equal(due) {
			l.due = time.Time{}
		}
		if w.lanes[l.namespace] == l {
			w.pump(l)
		}
	})
}

// claim notes that the SKUs of a group are in flight.
func (l *lane) claim(group []*entry) {
	if l.claimed == nil {
		l.claimed = map[placed]struct{}{}
	}
	for _, e := range group {
		for p := range e.commit.placed {
			l.claimed[p] = struct{}{}
		}
	}
}

// release notes that the SKUs of a group are in flight no longer.
func (l *lane) release(group []*entry) {
	for _, e := range group {
		for p := range e.commit.placed {
			delete(l.claimed, p)
		}
	}
}

// conflicts reports whether a SKU of an entry is in flight.
func (l *lane) conflicts(e *entry) bool {
	if len(l.claimed) == 0 {
		return false
	}
	for p := range e.commit.placed {
		if _, ok := l.claimed[p]; ok {
			return true
		}
	}
	return false
}

// finish answers the senders, and goes on with the lane.
func (w *Writer) finish(l *lane, group []*entry, errs []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	l.inFlight--
	l.release(group)
	w.expect(l, len(group))
	defer w.pump(l)
	for i, e := range group {
		w.budget.give(e)
		e.done <- errs[i]
	}
}

// placed visits the SKUs of a commit.
func (c *Commit) placed(visit func(placed) bool) {
	for i := range c.Stock {
		s := &c.Stock[i]
		for sku := range s.Quantities {
			if !visit(placed{placeOf(s), sku}) {
				return
			}
		}
	}
}
