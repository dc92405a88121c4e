package commit

import inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"

// budget bounds what waits to be stored. Nobody gets all of it: a namespace at most half, a
// location and pool a quarter, so that one that floods the ingress leaves room for the others.
type budget struct {
	total, perNamespace, perPlace size

	used       size
	namespaces map[string]size
	places     map[budgetKey]size
}

// budgetKey is a place in any namespace.
type budgetKey struct {
	namespace string
	place
}

func newBudget(total size) budget {
	return budget{
		total: total, perNamespace: total.share(2), perPlace: total.share(4),
		namespaces: map[string]size{}, places: map[budgetKey]size{},
	}
}

// take reserves room for a commit, and reports whether there was any.
func (b *budget) take(e *entry) bool {
	if b.used.plus(e.size).exceeds(b.total) || b.namespaces[e.commit.Namespace].plus(e.size).exceeds(b.perNamespace) {
		return false
	}
	for i := range e.stock {
		if b.places[keyOf(e.commit, i)].plus(e.stock[i]).exceeds(b.perPlace) {
			return false
		}
	}
	b.used = b.used.plus(e.size)
	b.namespaces[e.commit.Namespace] = b.namespaces[e.commit.Namespace].plus(e.size)
	for i := range e.stock {
		b.places[keyOf(e.commit, i)] = b.places[keyOf(e.commit, i)].plus(e.stock[i])
	}
	b.report()
	return true
}

// give returns room.
func (b *budget) give(e *entry) {
	b.used = b.used.minus(e.size)
	reduce(b.namespaces, e.commit.Namespace, e.size)
	for i := range e.stock {
		reduce(b.places, keyOf(e.commit, i), e.stock[i])
	}
	b.report()
}

func (b *budget) report() {
	pendingSKUs.Set(float64(b.used.skus))
	pendingBytes.Set(float64(b.used.bytes))
}

// reduce subtracts from a size, and drops it at zero.
func reduce[K comparable](sizes map[K]size, key K, by size) {
	if left := sizes[key].minus(by); left != (size{}) {
		sizes[key] = left
		return
	}
	delete(sizes, key)
}

func keyOf(c *Commit, i int) budgetKey { return budgetKey{c.Namespace, placeOf(&c.Stock[i])} }

// place is a location and pool of a namespace.
type place struct {
	location string
	pool     int64
}

func placeOf(s *inventoryv1alpha1.LocationStock) place { return place{s.LocationName, s.PoolID} }
