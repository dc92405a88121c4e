package commit

import inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"

// budget bounds the SKUs that wait to be stored. Nobody gets all of it: a namespace at most half, a
// location and pool a quarter, so that one that floods the ingress leaves room for the others.
type budget struct {
	total, perNamespace, perPlace int

	used       int
	namespaces map[string]int
	places     map[budgetKey]int
}

// budgetKey is a place in any namespace.
type budgetKey struct {
	namespace string
	place
}

func newBudget(total int) budget {
	return budget{
		total: total, perNamespace: max(1, total/2), perPlace: max(1, total/4),
		namespaces: map[string]int{}, places: map[budgetKey]int{},
	}
}

// take reserves room for a commit; false where there is none.
func (b *budget) take(c *Commit) bool {
	skus := c.skus()
	if b.used+skus > b.total || b.namespaces[c.Namespace]+skus > b.perNamespace {
		return false
	}
	for i := range c.Stock {
		if b.places[keyOf(c, i)]+len(c.Stock[i].Quantities) > b.perPlace {
			return false
		}
	}
	b.used += skus
	b.namespaces[c.Namespace] += skus
	for i := range c.Stock {
		b.places[keyOf(c, i)] += len(c.Stock[i].Quantities)
	}
	pendingSKUs.Set(float64(b.used))
	return true
}

// give returns room.
func (b *budget) give(c *Commit) {
	skus := c.skus()
	b.used -= skus
	reduce(b.namespaces, c.Namespace, skus)
	for i := range c.Stock {
		reduce(b.places, keyOf(c, i), len(c.Stock[i].Quantities))
	}
	pendingSKUs.Set(float64(b.used))
}

// reduce subtracts from a count, and drops it at zero.
func reduce[K comparable](counts map[K]int, key K, by int) {
	if counts[key] -= by; counts[key] == 0 {
		delete(counts, key)
	}
}

func keyOf(c *Commit, i int) budgetKey { return budgetKey{c.Namespace, placeOf(&c.Stock[i])} }

// place is a location and pool of a namespace.
type place struct {
	location string
	pool     int64
}

func placeOf(s *inventoryv1alpha1.LocationStock) place { return place{s.LocationName, s.PoolID} }
