package ledger

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// segment is a range of SKUs, from inclusive to exclusive ("" is unbounded), and the stored snapshot
// that is authoritative for it; nil where none is stored yet.
type segment struct {
	from, to string
	snapshot *storedSnapshot
}

// storedSnapshot is an InventorySnapshot as the API server last reported it. Its map of SKUs is empty: they
// are in stock.
type storedSnapshot struct {
	*inventoryv1alpha1.InventorySnapshot
	stock    stock
	revision uint64 // of the log: all records up to it are contained
	version  uint64 // of the object
}

// keep turns an object that nobody else uses into a stored snapshot.
func keep(snapshot *inventoryv1alpha1.InventorySnapshot) *storedSnapshot {
	s := &storedSnapshot{
		InventorySnapshot: snapshot,
		stock:             pack(snapshot.SKUs),
		revision:          parseRevision(snapshot.Revision),
		version:           parseRevision(snapshot.ResourceVersion),
	}
	snapshot.SKUs, snapshot.ManagedFields = nil, nil
	if s.revision > s.version {
		// A snapshot cannot contain what came after it: it was copied here from another etcd, whose
		// revisions mean nothing in this one.
		s.revision = 0
	}
	return s
}

func (s *storedSnapshot) has(sku string) bool {
	_, ok := s.stock.get(sku)
	return ok
}

func (s *storedSnapshot) pool() PoolKey {
	return PoolKey{LocationKey{Namespace: s.Namespace, Name: s.LocationName}, s.PoolID}
}

// claims returns SKUs by which it can be told whether all that the snapshot says of channels is so: those that it says
// are not in step, or else any, as it may lack a channel.
func (s *storedSnapshot) claims() (skus []string) {
	for i := range s.Channels {
		c := &s.Channels[i]
		skus = append(skus, c.Pending...)
		for j := range c.Failures {
			skus = append(skus, c.Failures[j].SKU)
		}
	}
	if len(skus) == 0 && s.stock.len() > 0 {
		skus = append(skus, s.stock.name(0))
	}
	return skus
}

// exact reports whether the segment is just the range that its snapshot is stored with.
func (s segment) exact() bool { return s.isAll(s.snapshot) }

// isAll reports whether the segment is all of a snapshot's range.
func (s segment) isAll(of *storedSnapshot) bool {
	return of != nil && s.snapshot == of && s.from == of.From && s.to == of.To
}

// holds reports whether the range contains the SKU.
func (s segment) holds(sku string) bool {
	return sku >= s.from && (s.to == "" || sku < s.to)
}

// stock visits the SKUs in the range that the snapshot has, in order.
func (s segment) stock() iter.Seq2[string, inventoryv1alpha1.Quantity] {
	if s.snapshot == nil {
		return func(func(string, inventoryv1alpha1.Quantity) bool) {}
	}
	return s.snapshot.stock.within(s.from, s.to)
}

// partition divides a range among snapshots. They overlap only while a split or merge is under way, or
// after a crash in the middle of one: then the snapshot that contains more of the log wins, and among
// equals the one written last. What no snapshot covers becomes a segment without one.
func partition(within segment, among []*storedSnapshot) []segment {
	slices.SortFunc(among, func(a, b *storedSnapshot) int {
		return cmp.Or(cmp.Compare(b.revision, a.revision), cmp.Compare(b.version, a.version), cmp.Compare(a.Name, b.Name))
	})
	claimed := []segment{{from: within.from, to: within.to}}
	for _, s := range among {
		claimed = claim(claimed, s)
	}
	return claimed
}

// claim gives the snapshot every part of its range that is still free.
func claim(segments []segment, s *storedSnapshot) []segment {
	// The first segment that ends after the snapshot's start; those before are untouched.
	first := sort.Search(len(segments), func(i int) bool { return segments[i].to == "" || segments[i].to > s.From })
	var replaced []segment
	i := first
	for ; i < len(segments) && (s.To == "" || segments[i].from < s.To); i++ {
		replaced = append(replaced, cut(segments[i], s)...)
	}
	return slices.Replace(segments, first, i, replaced...)
}

// cut divides a free segment into what lies before, within and after the snapshot's range; a segment
// that is taken stays as it is.
func cut(free segment, s *storedSnapshot) []segment {
	if free.snapshot != nil {
		return []segment{free}
	}
	within := segment{from: max(free.from, s.From), to: earlierEnd(free.to, s.To), snapshot: s}
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

// join makes one segment of neighbours that have the same snapshot, or none: those from the first-th to the
// last-th with each other and with what lies before.
func join(segments []segment, first, last int) []segment {
	for i := min(last, len(segments)-1); i >= max(first, 1); i-- {
		if left := &segments[i-1]; left.snapshot == segments[i].snapshot {
			left.to = segments[i].to
			segments = slices.Delete(segments, i, i+1)
		}
	}
	return segments
}

// laterEnd is the larger of two exclusive ends, where "" is unbounded.
func laterEnd(a, b string) string {
	if a == "" || b == "" {
		return ""
	}
	return max(a, b)
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

// overlapping returns the indexes of the segments that share SKUs with a range, the last one exclusive.
func overlapping(segments []segment, from, to string) (first, last int) {
	first = find(segments, from)
	if to == "" {
		return first, len(segments)
	}
	// A range may be empty: its segment counts all the same.
	return first, max(first+1, sort.Search(len(segments), func(i int) bool { return segments[i].from >= to }))
}
