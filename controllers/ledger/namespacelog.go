package ledger

import (
	"slices"
	"time"

	"github.com/google/btree"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// record is a stored InventoryBatch.
type record struct {
	name      string
	revision  uint64
	created   time.Time
	bytes     int64    // as JSON, by estimate
	locations []string // that it has stock of
	// tombstone only takes a name, against a create that may still land.
	tombstone bool
}

// newRecord describes a stored InventoryBatch.
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

// progress is how far the log of a location goes, and how far it is folded.
type progress struct {
	applied   uint64    // revision of the newest record
	lastBatch time.Time // when the API server stored it
	folded    uint64    // revision that this process has folded up to
	reported  uint64    // likewise, as the Location's status says
	leaving   bool      // about to be deleted
}

// known is the revision that a location's snapshots contain, by what this process has done or heard.
func (p *progress) known() uint64 { return max(p.folded, p.reported) }

// namespaceLog is the log of a namespace. It is guarded by the Log's lock.
type namespaceLog struct {
	records   *btree.BTreeG[*record] // by revision
	names     map[string]*record
	bytes     int64
	locations map[string]*progress
}

func newNamespaceLog() *namespaceLog {
	return &namespaceLog{
		records:   btree.NewG(treeDegree, func(a, b *record) bool { return a.revision < b.revision }),
		names:     map[string]*record{},
		locations: map[string]*progress{},
	}
}

// add adds a record; false where it is there already.
func (n *namespaceLog) add(r *record) bool {
	if n.records.Has(r) {
		return false
	}
	n.records.ReplaceOrInsert(r)
	n.names[r.name] = r
	n.bytes += r.bytes
	for _, name := range r.locations {
		loc := n.location(name)
		loc.applied = max(loc.applied, r.revision)
		if r.created.After(loc.lastBatch) {
			loc.lastBatch = r.created
		}
	}
	return true
}

// remove drops a record that is no longer stored.
func (n *namespaceLog) remove(name string) {
	if r := n.names[name]; r != nil {
		delete(n.names, name)
		n.records.Delete(r)
		n.bytes -= r.bytes
	}
}

// location returns the progress of a location, made if need be.
func (n *namespaceLog) location(name string) *progress {
	loc := n.locations[name]
	if loc == nil {
		loc = &progress{}
		n.locations[name] = loc
	}
	return loc
}

// size is how much there is, folded or not.
func (n *namespaceLog) size() LogSize { return LogSize{len(n.names), n.bytes} }

// contains reports whether the snapshots of all its locations contain a record. A location that is gone, or
// about to be, wants nothing of it.
func (n *namespaceLog) contains(r *record) bool {
	for _, name := range r.locations {
		loc := n.locations[name]
		if loc != nil && !loc.leaving && loc.folded < r.revision {
			return false
		}
	}
	return true
}

// floor returns the revision that all locations have folded which have something to fold, and false where none has.
func (n *namespaceLog) floor() (floor uint64, unfolded bool) {
	for _, loc := range n.locations {
		if loc.applied > loc.known() && (!unfolded || loc.known() < floor) {
			floor, unfolded = loc.known(), true
		}
	}
	return floor, unfolded
}

// unfolded measures what is not folded above a revision that is.
func (n *namespaceLog) unfolded(floor uint64) (size LogSize) {
	n.records.Descend(func(r *record) bool {
		if r.revision <= floor {
			return false
		}
		if slices.ContainsFunc(r.locations, func(name string) bool {
			loc := n.locations[name]
			return loc != nil && loc.known() < r.revision
		}) {
			size.add(LogSize{1, r.bytes})
		}
		return true
	})
	return size
}
