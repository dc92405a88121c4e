package ledger

import (
	"iter"
	"maps"
	"slices"
	"sort"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// stock is the quantities of a stored snapshot, packed: the ledger holds those of every SKU, and as a map
// they would take three times the memory.
type stock struct {
	names      string   // all SKUs in order, one behind the other
	ends       []uint32 // where each of them ends
	quantities []inventoryv1alpha1.Quantity
}

func pack(skus map[string]inventoryv1alpha1.Quantity) stock {
	sorted := slices.Sorted(maps.Keys(skus))
	s := stock{
		names:      strings.Join(sorted, ""),
		ends:       make([]uint32, len(sorted)),
		quantities: make([]inventoryv1alpha1.Quantity, len(sorted)),
	}
	end := 0
	for i, sku := range sorted {
		end += len(sku)
		s.ends[i] = uint32(end) //nolint:gosec // an object of etcd has at most 1.5 MiB
		s.quantities[i] = skus[sku]
	}
	return s
}

func (s stock) len() int { return len(s.ends) }

// name returns the i-th SKU. It shares the memory of all of them.
func (s stock) name(i int) string {
	if i == 0 {
		return s.names[:s.ends[0]]
	}
	return s.names[s.ends[i-1]:s.ends[i]]
}

// first returns the index of the first SKU that is not before another.
func (s stock) first(sku string) int {
	return sort.Search(s.len(), func(i int) bool { return s.name(i) >= sku })
}

func (s stock) get(sku string) (inventoryv1alpha1.Quantity, bool) {
	if i := s.first(sku); i < s.len() && s.name(i) == sku {
		return s.quantities[i], true
	}
	return 0, false
}

// bounds returns the indexes of the SKUs in a range.
func (s stock) bounds(from, to string) (first, last int) {
	if to == "" {
		return s.first(from), s.len()
	}
	return s.first(from), s.first(to)
}

// within visits the SKUs of a range in order.
func (s stock) within(from, to string) iter.Seq2[string, inventoryv1alpha1.Quantity] {
	return func(yield func(string, inventoryv1alpha1.Quantity) bool) {
		for i, last := s.bounds(from, to); i < last; i++ {
			if !yield(s.name(i), s.quantities[i]) {
				return
			}
		}
	}
}
