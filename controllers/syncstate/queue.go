package syncstate

import (
	"cmp"
	"time"

	"github.com/google/btree"
)

// queueDegree is the branching factor of the tree of units that are due later.
const queueDegree = 16

// timed is a unit that is due at a time.
type timed struct {
	at   time.Time
	unit Unit
}

func (t timed) before(o timed) bool {
	return cmp.Or(t.at.Compare(o.at), cmp.Compare(t.unit.Location, o.unit.Location), cmp.Compare(t.unit.SKU, o.unit.SKU)) < 0
}

// queue orders units that are due: those that are due now by when they became so, the others by time.
// A unit that was put elsewhere since is passed over when its former turn comes.
type queue struct {
	now   []Unit
	later *btree.BTreeG[timed]
}

func newQueue() queue {
	return queue{later: btree.NewG(queueDegree, timed.before)}
}

// add queues a unit by its standing, in place of the one that it had.
func (q *queue) add(u Unit, was, s *Standing, now time.Time) {
	if was != nil && was.queued && s.Next.IsZero() {
		s.queued = true // keeps its place
		return
	}
	q.drop(u, was)
	if s.Next.After(now) {
		q.later.ReplaceOrInsert(timed{s.Next, u})
		return
	}
	s.queued = true
	q.now = append(q.now, u)
}

// drop takes a unit off what is due later. One that is due now is passed over when its turn comes.
func (q *queue) drop(u Unit, was *Standing) {
	if was != nil && !was.Next.IsZero() {
		q.later.Delete(timed{was.Next, u})
	}
}

// ripen moves what has become due.
func (q *queue) ripen(now time.Time, standings map[Unit]*Standing) {
	for {
		first, ok := q.later.Min()
		if !ok || first.at.After(now) {
			return
		}
		q.later.DeleteMin()
		if s := standings[first.unit]; s != nil && !s.queued {
			s.queued = true
			q.now = append(q.now, first.unit)
		}
	}
}

// next returns when the first unit becomes due that is not due now; false where there is none.
func (q *queue) next() (time.Time, bool) {
	first, ok := q.later.Min()
	return first.at, ok
}
