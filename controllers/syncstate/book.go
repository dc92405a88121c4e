package syncstate

import (
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/coalesce"
)

// book is the standings of a table, with what is counted and queued of them.
type book struct {
	of       map[Unit]*Standing // units that are not in step
	unfailed int                // standings that are not Failed
	changes  uint64             // see Standing.Change
	queue    queue
	doubtful time.Time     // until then, calls from before the book may still set what they carried
	news     chan struct{} // pinged when something is queued

	// open counts the standings of a SKU that are not Failed, where Locations share its stock; nil where they do not.
	open map[string]int
}

func newBook(news chan struct{}, shares bool) book {
	b := book{of: map[Unit]*Standing{}, queue: newQueue(), news: news}
	if shares {
		b.open = map[string]int{}
	}
	return b
}

// mark makes a unit due: its present quantity is to be pushed.
func (b *book) mark(u Unit, s Standing, now time.Time) {
	b.changes++
	s.State, s.Change = inventoryv1alpha1.SyncPending, b.changes
	if b.doubtful.After(s.doubtful) {
		s.doubtful = b.doubtful
	}
	if was := b.of[u]; was != nil && was.doubtful.After(s.doubtful) {
		s.doubtful = was.doubtful
	}
	b.set(u, &s, now)
}

// set replaces where a unit stands; nil means in step.
func (b *book) set(u Unit, s *Standing, now time.Time) {
	was := b.of[u]
	b.count(u.SKU, was, -1)
	b.count(u.SKU, s, 1)
	if s == nil {
		b.queue.drop(u, was)
		delete(b.of, u)
		return
	}
	if s.State == inventoryv1alpha1.SyncFailed && s.Next.IsZero() {
		b.queue.drop(u, was)
	} else {
		b.queue.add(u, was, s, now)
		coalesce.Ping(b.news)
	}
	b.of[u] = s
}

func (b *book) count(sku string, s *Standing, by int) {
	if s == nil || s.State == inventoryv1alpha1.SyncFailed {
		return
	}
	b.unfailed += by
	if b.open == nil {
		return
	}
	if b.open[sku] += by; b.open[sku] == 0 {
		delete(b.open, sku)
	}
}

// take returns up to so many units that are due, and takes them off the queue.
func (b *book) take(most int, now time.Time) []Taken {
	b.queue.ripen(now, b.of)
	var out []Taken
	for len(out) < most && len(b.queue.now) > 0 {
		u := b.queue.now[0]
		b.queue.now = b.queue.now[1:]
		s := b.of[u]
		if s == nil || !s.queued {
			continue
		}
		s.queued = false
		out = append(out, Taken{u, s})
	}
	if len(b.queue.now) == 0 {
		b.queue.now = nil // what was taken is let go
	}
	return out
}

// inDoubt reports whether anything may still set what it carried at a time.
func (b *book) inDoubt(now time.Time) bool {
	if b.doubtful.After(now) {
		return true
	}
	for _, s := range b.of {
		if s.doubtful.After(now) {
			return true
		}
	}
	return false
}

// due counts the units that could be taken, about: those in another one's place count twice.
func (b *book) due(now time.Time) int {
	b.queue.ripen(now, b.of)
	return len(b.queue.now)
}
