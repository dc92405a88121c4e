package commit

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// maxScan is how many entries of a queue are looked at for one group, where some must wait.
const maxScan = 4096

// taking chooses what goes into one batch.
type taking struct {
	lane    *lane
	limit   size
	chosen  map[int]bool       // by index in the queue
	size    size               // of those
	stock   int                // their entries of stock
	shares  map[place]size     // of those by place
	waiting map[place]struct{} // places of entries that were passed over: nobody overtakes them
}

// take returns what goes into one batch of so many SKUs, in the order of arrival, how much that is, and what is
// left of the queue: as much as fits and has no SKU in flight, but a commit with a name of its own goes
// alone. What has to wait holds up its own places only. As long as others want in, a place gets half of
// the room, so that a full feed does not keep changes elsewhere waiting.
func (l *lane) take(skus int) (group []*entry, taken size, rest []*entry) {
	t := &taking{lane: l, limit: size{skus, maxGroupBytes}, chosen: map[int]bool{}, shares: map[place]size{}}
	t.pass(t.limit.share(2))
	t.pass(t.limit)
	for i, e := range l.queue {
		if t.chosen[i] {
			group = append(group, e)
		} else {
			rest = append(rest, e)
		}
	}
	return group, t.size, rest
}

// pass goes through the queue once, with a limit for each place.
func (t *taking) pass(share size) {
	t.waiting = map[place]struct{}{}
	for i, e := range t.lane.queue[:min(len(t.lane.queue), maxScan)] {
		if t.chosen[i] {
			continue
		}
		if t.full(e) {
			return
		}
		if t.mustWait(e, share) {
			for j := range e.commit.Stock {
				t.waiting[placeOf(&e.commit.Stock[j])] = struct{}{}
			}
			continue
		}
		t.choose(i, e)
	}
}

// full reports whether the batch has no room for an entry. What is alone always fits.
func (t *taking) full(e *entry) bool {
	return len(t.chosen) > 0 && (t.size.plus(e.size).exceeds(t.limit) || t.stock+len(e.stock) > inventoryv1alpha1.MaxBatchStock)
}

// mustWait reports whether an entry cannot be stored before others, or has to leave them room.
func (t *taking) mustWait(e *entry, share size) bool {
	if e.commit.Name != "" && len(t.chosen) > 0 {
		return true
	}
	for i := range e.commit.Stock {
		at := placeOf(&e.commit.Stock[i])
		if _, behind := t.waiting[at]; behind {
			return true
		}
		if so, some := t.shares[at]; some && so.plus(e.stock[i]).exceeds(share) {
			return true
		}
	}
	return t.lane.conflicts(e)
}

func (t *taking) choose(i int, e *entry) {
	t.chosen[i] = true
	t.size = t.size.plus(e.size)
	t.stock += len(e.stock)
	for j := range e.commit.Stock {
		at := placeOf(&e.commit.Stock[j])
		t.shares[at] = t.shares[at].plus(e.stock[j])
	}
	if e.commit.Name != "" {
		t.limit = size{} // it goes alone
	}
}
