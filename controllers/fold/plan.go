package fold

import (
	"iter"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
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

// pick returns the first ranges that have to be rewritten together: neighbours that are small together, or one that its
// stored snapshot does not fit. False where there are none.
func (z Sizes) pick(ranges iter.Seq[ledger.Range]) (from, to string, ok bool) {
	var first ledger.Range
	n, skus := 0, 0
	for r := range ranges {
		if n > 0 && first.Stored && r.Stored && skus+r.SKUs <= z.MergeUpTo {
			// What is not stored yet costs no object, so there is nothing to save by merging it.
			n, skus, to = n+1, skus+r.SKUs, r.To
			continue
		}
		if n > 1 || n == 1 && z.unfit(first) {
			return first.From, to, true
		}
		first, to, n, skus = r, r.To, 1, r.SKUs
	}
	return first.From, to, n > 1 || n == 1 && z.unfit(first)
}

// unfit reports whether a range's stored snapshot does not say what is known, or is not of the right range or size.
func (z Sizes) unfit(r ledger.Range) bool {
	return r.Unwritten || r.Stored && (!r.Exact || r.SKUs > z.SplitAbove)
}

// plan is the rewrite of a section: the snapshots to store in place of those in it.
type plan struct {
	ledger.Section
	previous []inventoryv1alpha1.SnapshotChannel // what the snapshots in it say of channels
	chunks   []chunk
	stateful bool      // only sync states may have changed
	uid      types.UID // of the Location
}

// chunk is one snapshot to store.
type chunk struct {
	from, to string
	reuse    *inventoryv1alpha1.InventorySnapshot // the object to update; nil to create one
	skus     map[string]inventoryv1alpha1.Quantity
}

// plan divides a section into snapshots to store.
func (z Sizes) plan(section ledger.Section) plan {
	out := plan{
		Section:  section,
		previous: previousChannels(section.Parts),
		chunks:   z.split(section.From, section.To, section.SKUs),
	}
	for i, snapshot := range reusable(section.Parts) {
		if i < len(out.chunks) {
			out.chunks[i].reuse = snapshot
		}
	}
	out.stateful = len(section.Parts) == 1 && len(out.chunks) == 1 && section.Changed.Len() == 0 && section.Parts[0].Exact
	return out
}

// reusable returns the objects of a section that an update can narrow or widen: those that nothing outside relies on.
func reusable(parts []ledger.Part) (free []*inventoryv1alpha1.InventorySnapshot) {
	for _, part := range parts {
		if part.Snapshot != nil && part.Alone && !slices.Contains(free, part.Snapshot) {
			free = append(free, part.Snapshot)
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
