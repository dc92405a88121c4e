package ledger

import (
	"cmp"
	"slices"
	"sort"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// segment is a range of SKUs, from inclusive to exclusive ("" is unbounded), and the stored slice
// that is authoritative for it; nil where none is stored yet.
type segment struct {
	from, to string
	slice    *storedSlice
}

// storedSlice is an InventorySlice as the API server last reported it.
type storedSlice struct {
	*inventoryv1alpha1.InventorySlice
	revision uint64 // of the log: all snapshots up to it are contained
	version  uint64 // of the object
}

// exact tells whether the segment is just the range that its slice is stored with.
func (s segment) exact() bool {
	return s.slice != nil && s.from == s.slice.From && s.to == s.slice.To
}

// holds tells whether the range contains the SKU.
func (s segment) holds(sku string) bool {
	return sku >= s.from && (s.to == "" || sku < s.to)
}

// partition divides all SKUs among the stored slices. Slices overlap only while a split or merge
// is under way, or after a crash in the middle of one: then the slice that contains more of the
// log wins, and among equals the one written last. What no slice covers becomes a segment
// without one.
func partition(stored map[string]*storedSlice) []segment {
	order := make([]*storedSlice, 0, len(stored))
	for _, s := range stored {
		order = append(order, s)
	}
	slices.SortFunc(order, func(a, b *storedSlice) int {
		return cmp.Or(cmp.Compare(b.revision, a.revision), cmp.Compare(b.version, a.version), cmp.Compare(a.Name, b.Name))
	})
	claimed := []segment{{}}
	for _, s := range order {
		claimed = claim(claimed, s)
	}
	return claimed
}

// claim gives the slice every part of its range that is still free.
func claim(segments []segment, s *storedSlice) []segment {
	// The first segment that ends after the slice's start; those before are untouched.
	first := sort.Search(len(segments), func(i int) bool { return segments[i].to == "" || segments[i].to > s.From })
	var replaced []segment
	i := first
	for ; i < len(segments) && (s.To == "" || segments[i].from < s.To); i++ {
		replaced = append(replaced, cut(segments[i], s)...)
	}
	return slices.Replace(segments, first, i, replaced...)
}

// cut divides a free segment into what lies before, within and after the slice's range; a segment
// that is taken stays as it is.
func cut(free segment, s *storedSlice) []segment {
	if free.slice != nil {
		return []segment{free}
	}
	within := segment{from: max(free.from, s.From), to: earlierEnd(free.to, s.To), slice: s}
	var parts []segment
	if free.from < within.from {
		parts = append(parts, segment{from: free.from, to: within.from})
	}
	parts = append(parts, within)
	if within.to != free.to {
		parts = append(parts, segment{from: within.to, to: free.to})
	}
	return parts
}

// earlierEnd is the smaller of two exclusive ends, where "" is unbounded.
func earlierEnd(a, b string) string {
	switch {
	case a == "":
		return b
	case b == "":
		return a
	default:
		return min(a, b)
	}
}

// find returns the index of the segment that holds the SKU. Segments cover all SKUs.
func find(segments []segment, sku string) int {
	return sort.Search(len(segments), func(i int) bool { return segments[i].to == "" || sku < segments[i].to })
}
