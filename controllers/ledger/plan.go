package ledger

import (
	"maps"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Sizes of snapshots, in SKUs.
type Sizes struct {
	// Target is what a split aims at.
	Target int
	// SplitAbove is the most that a snapshot holds: a larger one is split.
	SplitAbove int
	// MergeUpTo is the most that neighbours hold together which are merged.
	MergeUpTo int
}

// DefaultSizes follow from that the cost of a write follows the size of the object: 256 SKUs keep it
// near the 20 kB that Kubernetes' scalability group advises.
var DefaultSizes = Sizes{Target: 256, SplitAbove: 384, MergeUpTo: 128}

// planTargets is how many snapshots one plan makes at the most of a range that no snapshot covers yet.
const planTargets = 16

// plan is the rewrite of a range of SKUs: the snapshots to store in place of the segments in it.
type plan struct {
	pool     PoolKey
	from, to string
	revision uint64 // of the log: all batches up to it are contained
	tick     uint64 // all touches up to it are contained
	chunks   []chunk
	stateful bool // only sync states may have changed

	lastBatch  time.Time    // when the API server stored the newest of these batches
	lastChange *metav1.Time // when a quantity of the range had last changed, as the snapshots say
}

// chunk is one snapshot to store.
type chunk struct {
	from, to string
	reuse    *storedSnapshot // the object to update; nil to create one
	skus     map[string]inventoryv1alpha1.Quantity
	changed  sets.Set[string] // set by the log since the last write
	channels []inventoryv1alpha1.SnapshotChannel
}

// foldPass is one way through all SKUs of a location, and what it achieves at its end.
type foldPass struct {
	pools     []int64 // still to be folded
	from      string  // SKU of the first of them to go on from
	revision  uint64
	lastBatch time.Time
}

// beginFold starts a pass over a location; nil where nothing is known of it.
func (s *Store) beginFold(key LocationKey) *foldPass {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.unfolded, key)
	loc := s.locations[key]
	if loc == nil {
		return nil
	}
	return &foldPass{pools: slices.Sorted(maps.Keys(loc.pools)), revision: loc.applied, lastBatch: loc.lastBatch}
}

// nextPlan returns the first range at or after a SKU that has to be rewritten.
func (s *Store) nextPlan(key PoolKey, from string) (plan, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	loc := s.locations[key.Location]
	if loc == nil || loc.pools[key.PoolID] == nil {
		return plan{}, false
	}
	p := loc.pools[key.PoolID]
	for i := find(p.segments, from); i < len(p.segments); {
		n := p.group(i)
		if group := p.segments[i : i+n]; n > 1 || p.needsWrite(group[0]) {
			if group[0].snapshot == nil {
				group = []segment{p.beginning(group[0])}
			}
			out := p.plan(key, group, loc.applied, s.tick)
			out.lastBatch, out.lastChange = loc.lastBatch, lastChange(group)
			return out, true
		}
		i += n
	}
	return plan{}, false
}

// beginning cuts a segment without a snapshot to what one plan takes: others want their turn.
func (p *pool) beginning(seg segment) segment {
	n := 0
	p.overlay.ascend(seg.from, seg.to, func(e entry) bool {
		if n == planTargets*p.sizes.Target {
			seg.to = e.sku
			return false
		}
		n++
		return true
	})
	return seg
}

// group returns how many segments from the i-th on become one, because they are small together.
func (p *pool) group(i int) int {
	n, size := 1, p.size(p.segments[i])
	for i+n < len(p.segments) {
		next := p.segments[i+n]
		size += p.size(next)
		// What is not stored yet costs no object, so there is nothing to save by merging it.
		if size > p.sizes.MergeUpTo || next.snapshot == nil || p.segments[i].snapshot == nil {
			break
		}
		n++
	}
	return n
}

// size estimates the number of SKUs in a segment; exact where the overlay adds none.
func (p *pool) size(seg segment) int {
	if seg.snapshot == nil {
		return 0
	}
	first, last := seg.snapshot.stock.bounds(seg.from, seg.to)
	return last - first
}

// needsWrite tells whether a segment's stored snapshot does not say what is known.
func (p *pool) needsWrite(seg segment) bool {
	if seg.snapshot != nil && (!seg.exact() || seg.snapshot.stock.len() > p.sizes.SplitAbove) {
		return true
	}
	found := false
	p.overlay.ascend(seg.from, seg.to, func(entry) bool { found = true; return false })
	return found
}

// plan divides the content of neighbouring segments into snapshots to store.
func (p *pool) plan(key PoolKey, group []segment, revision, tick uint64) plan {
	from, to := group[0].from, group[len(group)-1].to
	skus := p.content(group)
	changed := sets.New[string]()
	p.overlay.ascend(from, to, func(e entry) bool {
		if e.revision > 0 {
			changed.Insert(e.sku)
		}
		return true
	})
	out := plan{pool: key, from: from, to: to, revision: revision, tick: tick}
	reusable := p.reusable(group)
	previous := previousChannels(group)
	for i, part := range p.sizes.split(from, to, skus) {
		if i < len(reusable) {
			part.reuse = reusable[i]
		}
		part.changed = changed
		part.channels = previous
		out.chunks = append(out.chunks, part)
	}
	out.stateful = len(group) == 1 && len(out.chunks) == 1 && changed.Len() == 0 && group[0].exact()
	return out
}

// reusable returns the objects of a group that an update can narrow or widen: those that no
// segment outside the group relies on.
func (p *pool) reusable(group []segment) []*storedSnapshot {
	outside := sets.New[*storedSnapshot]()
	for _, seg := range p.segments {
		if seg.from < group[0].from || seg.from > group[len(group)-1].from {
			outside.Insert(seg.snapshot)
		}
	}
	var free []*storedSnapshot
	for _, seg := range group {
		if seg.snapshot != nil && !outside.Has(seg.snapshot) {
			outside.Insert(seg.snapshot)
			free = append(free, seg.snapshot)
		}
	}
	return free
}

// split divides SKUs into ranges of equal size, each at most SplitAbove.
func (z Sizes) split(from, to string, skus map[string]inventoryv1alpha1.Quantity) []chunk {
	if len(skus) <= z.SplitAbove {
		return []chunk{{from: from, to: to, skus: skus}}
	}
	sorted := slices.Sorted(maps.Keys(skus))
	count := (len(sorted) + z.Target - 1) / z.Target
	chunks := make([]chunk, count)
	for i := range count {
		first, last := i*len(sorted)/count, (i+1)*len(sorted)/count
		c := chunk{from: sorted[first], to: to, skus: make(map[string]inventoryv1alpha1.Quantity, last-first)}
		if i == 0 {
			c.from = from
		}
		if last < len(sorted) {
			c.to = sorted[last]
		}
		for _, sku := range sorted[first:last] {
			c.skus[sku] = skus[sku]
		}
		chunks[i] = c
	}
	return chunks
}

// obsolete returns the stored snapshots of a pool that no segment relies on.
func (s *Store) obsolete(key PoolKey) []*inventoryv1alpha1.InventorySnapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	loc := s.locations[key.Location]
	if loc == nil || loc.pools[key.PoolID] == nil {
		return nil
	}
	var out []*inventoryv1alpha1.InventorySnapshot
	for _, unused := range loc.pools[key.PoolID].obsolete() {
		out = append(out, unused.InventorySnapshot)
	}
	return out
}

// written takes in a snapshot that has been stored, and drops what it now says from the overlay.
func (s *Store) written(pl plan, snapshot *inventoryv1alpha1.InventorySnapshot) {
	from, to := snapshot.From, snapshot.To
	s.put(keep(snapshot), true)
	s.settled(pl, from, to)
}

// settled drops the touches of a range that the stored snapshots say.
func (s *Store) settled(pl plan, from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if loc := s.locations[pl.pool.Location]; loc != nil {
		loc.pool(pl.pool.PoolID).settle(from, to, pl.tick)
	}
}

// endFold notes that the snapshots contain a location's log up to the pass's revision.
func (s *Store) endFold(key LocationKey, pass *foldPass) (skus, snapshotCount int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	loc := s.locations[key]
	if loc == nil {
		return 0, 0
	}
	loc.folded = max(loc.folded, pass.revision)
	for _, p := range loc.pools {
		if p.overlay.len() > 0 {
			s.markUnfolded(key) // what came behind the pass, while it was under way
		}
		snapshotCount += len(p.stored)
		for _, stored := range p.stored {
			skus += stored.stock.len()
		}
	}
	return skus, snapshotCount
}
