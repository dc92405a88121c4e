package ledger

import (
	"slices"
	"time"

	"github.com/google/btree"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// record is a stored batch.
type record struct {
	name      string
	revision  uint64
	created   time.Time
	bytes     int64    // as JSON, by estimate
	locations []string // that it has stock of
	// tombstone only takes a name, against a create that may still land.
	tombstone bool
}

// journal is the log of a namespace: its stored batches, ascending.
type journal struct {
	records *btree.BTreeG[*record]
	names   map[string]*record
	bytes   int64
}

func newJournal() *journal {
	return &journal{
		records: btree.NewG(treeDegree, func(a, b *record) bool { return a.revision < b.revision }),
		names:   map[string]*record{},
	}
}

// add adds a stored batch; false where it is there already.
func (j *journal) add(r *record) bool {
	if j.records.Has(r) {
		return false
	}
	j.records.ReplaceOrInsert(r)
	j.names[r.name] = r
	j.bytes += r.bytes
	return true
}

// remove drops a batch that is no longer stored.
func (j *journal) remove(name string) {
	if r := j.names[name]; r != nil {
		delete(j.names, name)
		j.records.Delete(r)
		j.bytes -= r.bytes
	}
}

// size is how much there is, folded or not.
func (j *journal) size() Backlog { return Backlog{len(j.names), j.bytes} }

// newRecord describes a stored batch.
func newRecord(batch *inventoryv1alpha1.InventoryBatch) *record {
	r := &record{
		name: batch.Name, revision: parseRevision(batch.ResourceVersion), created: batch.CreationTimestamp.Time,
		bytes: int64(batch.Bytes()), tombstone: batch.RequestCount == 0,
	}
	for i := range batch.Stock {
		if name := batch.Stock[i].LocationName; !slices.Contains(r.locations, name) {
			r.locations = append(r.locations, name)
		}
	}
	return r
}

// journal returns the log of a namespace, made if need be. The lock must be held.
func (s *Store) journal(namespace string) *journal {
	j := s.journals[namespace]
	if j == nil {
		j = newJournal()
		s.journals[namespace] = j
	}
	return j
}

// contained tells whether the snapshots of all its locations contain a batch. A location that is gone, or
// about to be, wants nothing of it. The lock must be held.
func (s *Store) contained(namespace string, r *record) bool {
	for _, name := range r.locations {
		loc := s.locations[LocationKey{Namespace: namespace, Name: name}]
		if loc != nil && !loc.leaving && loc.folded < r.revision {
			return false
		}
	}
	return true
}

// tombstoneRetention is how long a record is kept at least that only takes a name: well beyond the
// 60 s after which the API server gives a create up.
const tombstoneRetention = 5 * time.Minute

// expired returns the batches by namespace, oldest first, that every snapshot contains and that are older
// than the retention time, not among the most recent `keep` of any location, or of a location that is
// about to be deleted.
func (s *Store) expired(now time.Time, retention time.Duration, keep int) map[string][]*record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[string][]*record{}
	for namespace, j := range s.journals {
		if expired := s.expiredOf(namespace, j, now, retention, keep); len(expired) > 0 {
			out[namespace] = expired
		}
	}
	return out
}

func (s *Store) expiredOf(namespace string, j *journal, now time.Time, retention time.Duration, keep int) []*record {
	var expired []*record
	seen := map[string]int{} // batches of a location so far, from the newest
	j.records.Descend(func(r *record) bool {
		recent, leaving := false, false
		for _, name := range r.locations {
			seen[name]++
			recent = recent || seen[name] <= keep
			loc := s.locations[LocationKey{Namespace: namespace, Name: name}]
			leaving = leaving || loc != nil && loc.leaving
		}
		age := now.Sub(r.created)
		old := age > retention || !recent || leaving
		if old && (!r.tombstone || age >= tombstoneRetention) && s.contained(namespace, r) {
			expired = append(expired, r)
		}
		return true
	})
	slices.Reverse(expired)
	return expired
}

// Leave notes that a location is about to be deleted: nothing is folded for it any more, and no batch is
// kept that holds stock of it. It returns how many there still are, because they hold stock of others,
// too, that is not folded yet, or wait for their deletion.
func (s *Store) Leave(key LocationKey) (batches int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.location(key).leaving = true
	s.journal(key.Namespace).records.Ascend(func(r *record) bool {
		if slices.Contains(r.locations, key.Name) {
			batches++
		}
		return true
	})
	return batches
}
