package ledger

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/btree"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// treeDegree is the branching factor of the overlay's tree, and of the log's.
const treeDegree = 32

// entry is what is known of a SKU beyond its stored snapshot.
type entry struct {
	sku string
	// quantity that the log has set at revision; meaningless where revision is 0.
	quantity inventoryv1alpha1.Quantity
	revision uint64
	// touch is the tick of the last change of the SKU's sync state; 0 if none is unwritten.
	touch uint64
}

// overlay is what the snapshots of a pool do not say yet. A full feed sets SKU after SKU, in any order, and
// only the fold asks for them in theirs: so they are found by hash, which misses the processor's cache two or
// three times where a search misses it twenty times, and put in order when somebody asks.
//
// It is guarded by the store's lock; ascending is reading.
type overlay struct {
	entries map[string]entry
	peak    int // the most entries since the map was made

	sorting sync.Mutex // readers share the store's lock
	order   *btree.BTreeG[string]
	fresh   []string // SKUs that are not in order yet; some may be gone
}

func newOverlay() *overlay {
	return &overlay{entries: map[string]entry{}, order: btree.NewG(treeDegree, func(a, b string) bool { return a < b })}
}

func (o *overlay) len() int { return len(o.entries) }

// get returns the entry of a SKU, an empty one where there is none.
func (o *overlay) get(sku string) entry { return o.entries[sku] }

func (o *overlay) put(e entry) {
	if _, known := o.entries[e.sku]; !known {
		o.fresh = append(o.fresh, e.sku)
	}
	o.entries[e.sku] = e
	o.peak = max(o.peak, len(o.entries))
}

func (o *overlay) drop(sku string) {
	const waste = 8 // a map never shrinks: it is made anew where an eighth would do
	delete(o.entries, sku)
	o.order.Delete(sku)
	if len(o.entries) < o.peak/waste {
		smaller := make(map[string]entry, len(o.entries))
		maps.Copy(smaller, o.entries)
		o.entries, o.peak = smaller, len(smaller)
	}
}

// sort puts fresh SKUs in order, one after the other so that the paths to them stay in the cache.
func (o *overlay) sort() {
	o.sorting.Lock()
	defer o.sorting.Unlock()
	slices.SortFunc(o.fresh, strings.Compare)
	for _, sku := range o.fresh {
		if _, there := o.entries[sku]; there {
			o.order.ReplaceOrInsert(sku)
		}
	}
	o.fresh = nil
}

// ascend visits the entries of a range in order, until visit returns false. An empty end is none.
func (o *overlay) ascend(from, to string, visit func(entry) bool) {
	o.sort()
	next := func(sku string) bool { return visit(o.entries[sku]) }
	if to == "" {
		o.order.AscendGreaterOrEqual(from, next)
		return
	}
	o.order.AscendRange(from, to, next)
}
