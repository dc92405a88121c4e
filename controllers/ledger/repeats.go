package ledger

import (
	"maps"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// repeat is the newest quantity that the log has set of a SKU, where none that is not folded differs from the snapshot.
type repeat struct {
	quantity inventoryv1alpha1.Quantity
	revision uint64
}

// repeats are the SKUs of a pool that the log has set to what their snapshots say, by name. They need no fold, so they are
// not in the overlay; but an older record that comes late must not overwrite them. Everything that is folded is dropped:
// what is left is bounded by the log's limits, as the overlay is.
type repeats map[string]repeat

// note remembers the newest repetition of a SKU.
func (r *repeats) note(sku string, quantity inventoryv1alpha1.Quantity, revision uint64) {
	if *r == nil {
		*r = repeats{}
	}
	if (*r)[sku].revision < revision {
		(*r)[sku] = repeat{quantity, revision}
	}
}

// take removes and returns the repetition of a SKU, if there is one.
func (r *repeats) take(sku string) (repeat, bool) {
	last, ok := (*r)[sku]
	if ok {
		delete(*r, sku)
	}
	return last, ok
}

// within returns the SKUs of segments that have been repeated. Each lies in the snapshot that it repeats.
func (r *repeats) within(segments []segment) (skus []string) {
	if len(*r) == 0 {
		return nil
	}
	for _, seg := range segments {
		for sku := range seg.stock() {
			if _, ok := (*r)[sku]; ok {
				skus = append(skus, sku)
			}
		}
	}
	return skus
}

// drop forgets what is folded: all records up to a revision.
func (r *repeats) drop(folded uint64) {
	maps.DeleteFunc(*r, func(_ string, last repeat) bool { return last.revision <= folded })
	if len(*r) == 0 {
		*r = nil // a map never shrinks
	}
}
