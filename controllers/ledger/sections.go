package ledger

import (
	"iter"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Sections is a Store as the fold sees it: ranges of SKUs, with what is stored of them and what they hold. It is safe for
// concurrent use.
type Sections struct{ store *Store }

// Range is a range of SKUs of a pool, From inclusive to To exclusive ("" is unbounded).
type Range struct {
	From, To string
	// Stored reports whether a stored snapshot is authoritative for the range.
	Stored bool
	// Exact reports whether the range is all of that snapshot's.
	Exact bool
	// SKUs is how many that snapshot has in the range.
	SKUs int
	// Unwritten reports whether that snapshot does not say all that is known.
	Unwritten bool
}

// Section is the content of neighbouring ranges at one moment.
type Section struct {
	Pool     PoolKey
	From, To string
	// Revision and Tick are up to where the log, and changes of the sync state, are contained in what follows.
	Revision, Tick uint64
	// LastBatch is when the API server stored the newest record of the location; zero where there is none.
	LastBatch time.Time
	// SKUs are the present quantities. The map is the caller's.
	SKUs map[string]inventoryv1alpha1.Quantity
	// Changed are the SKUs that the log has set since the snapshots were stored.
	Changed sets.Set[string]
	// Parts are the ranges with their stored snapshots, in order.
	Parts []Part
}

// Part is a range of a Section.
type Part struct {
	From, To string
	// Snapshot is authoritative for the range, without its SKUs; nil where none is stored yet. It must not be changed.
	Snapshot *inventoryv1alpha1.InventorySnapshot
	// Exact reports whether the range is all of the snapshot's.
	Exact bool
	// Alone reports whether nothing outside of the section relies on the snapshot.
	Alone bool

	segment segment
}

// Stored visits the SKUs that the snapshot has in the range, in order.
func (p Part) Stored() iter.Seq2[string, inventoryv1alpha1.Quantity] { return p.segment.stock() }

// Holds reports whether the range contains a SKU.
func (p Part) Holds(sku string) bool { return p.segment.holds(sku) }

// Begun is how far a location's log goes when a pass over it begins.
type Begun struct {
	Pools []int64
	// Revision of the newest record, and when the API server stored it; zero where there is none.
	Revision  uint64
	LastBatch time.Time
}

// Wake gets a signal when Take has something to return; one at the most waits to be received.
func (v Sections) Wake() <-chan struct{} { return v.store.unfolded.Wake() }

// Take returns the locations that have something to write since the last call.
func (v Sections) Take() []LocationKey { return v.store.unfolded.Take() }

// MarkAll has Take return every location.
func (v Sections) MarkAll() {
	v.store.mu.RLock()
	defer v.store.mu.RUnlock()
	for key := range v.store.locations {
		v.store.unfolded.Add(key)
	}
}

// Begin starts a pass over a location; false where nothing is known of it.
func (v Sections) Begin(key LocationKey) (Begun, bool) {
	s := v.store
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.unfolded.Drop(key)
	loc, known := s.locations[key]
	b := Begun{Pools: slices.Sorted(maps.Keys(loc))}
	b.Revision, b.LastBatch = s.log.newest(key)
	return b, known
}

// End notes that the snapshots contain a location's log up to the revision of a pass, and counts what they hold. Has
// something come behind the pass, Take returns the location again.
func (v Sections) End(key LocationKey, revision uint64) (skus, snapshots int) {
	s := v.store
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.fold(key, revision)
	for _, p := range s.locations[key] {
		p.repeats.drop(revision)
		if p.overlay.len() > 0 {
			s.unfolded.Add(key)
		}
		snapshots += len(p.stored)
		for _, stored := range p.stored {
			skus += stored.stock.len()
		}
	}
	return skus, snapshots
}

// Ranges visits the ranges of a pool in order, from the one that holds a SKU. The store is locked meanwhile and must not be
// called back.
func (v Sections) Ranges(key PoolKey, from string) iter.Seq[Range] {
	return func(yield func(Range) bool) {
		v.store.mu.RLock()
		defer v.store.mu.RUnlock()
		p := v.store.locations.pool(key)
		if p == nil {
			return
		}
		for _, seg := range p.segments[find(p.segments, from):] {
			if !yield(p.describe(seg)) {
				return
			}
		}
	}
}

// Read returns the content of the ranges between two ends. Where the first has no snapshot yet, the section ends before
// so many SKUs that there may be more than `most`; false where nothing is known of the pool.
func (v Sections) Read(key PoolKey, from, to string, most int) (Section, bool) {
	s := v.store
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.locations.pool(key)
	if p == nil {
		return Section{}, false
	}
	segments := p.clipped(from, to)
	if segments[0].snapshot == nil {
		segments = []segment{p.beginning(segments[0], most)}
		to = segments[0].to
	}
	section := Section{Pool: key, From: from, To: to, Tick: s.feeds.tick, SKUs: p.content(segments), Changed: p.logged(from, to)}
	section.Revision, section.LastBatch = s.log.newest(key.Location)
	for _, seg := range segments {
		section.Parts = append(section.Parts, p.part(seg, from, to))
	}
	return section, true
}

// Written takes in a snapshot that this process has stored from a section, and drops what it now says from what waits to
// be written. The object must not be used afterwards.
func (v Sections) Written(snapshot *inventoryv1alpha1.InventorySnapshot, tick uint64) {
	stored := keep(snapshot)
	s := v.store
	s.mu.Lock()
	defer s.mu.Unlock()
	key := stored.pool()
	p := s.locations.location(key.Location).pool(key.PoolID)
	s.take(key, p, stored)
	p.settle(stored.From, stored.To, tick)
}

// Stored returns the stored snapshots of a location, without their SKUs. They must not be changed.
func (v Sections) Stored(key LocationKey) (out []*inventoryv1alpha1.InventorySnapshot) {
	v.store.mu.RLock()
	defer v.store.mu.RUnlock()
	for _, p := range v.store.locations[key] {
		for _, stored := range p.stored {
			out = append(out, stored.InventorySnapshot)
		}
	}
	return out
}

// Settle notes that the stored snapshots of a range say where its SKUs stood at a tick.
func (v Sections) Settle(key PoolKey, from, to string, tick uint64) {
	v.store.mu.Lock()
	defer v.store.mu.Unlock()
	if p := v.store.locations.pool(key); p != nil {
		p.settle(from, to, tick)
	}
}

// Obsolete returns the stored snapshots of a pool that are authoritative for nothing.
func (v Sections) Obsolete(key PoolKey) (out []*inventoryv1alpha1.InventorySnapshot) {
	v.store.mu.RLock()
	defer v.store.mu.RUnlock()
	if p := v.store.locations.pool(key); p != nil {
		for _, unused := range p.obsolete() {
			out = append(out, unused.InventorySnapshot)
		}
	}
	return out
}
