package commit

// budget bounds the SKUs that wait to be stored. Nobody gets all of it: a namespace at most half, a
// lane a quarter, so that one that is stuck leaves room for the others.
type budget struct {
	total, perNamespace, perLane int

	used       int
	namespaces map[string]int
	lanes      map[laneKey]int
}

func newBudget(total int) budget {
	return budget{
		total: total, perNamespace: max(1, total/2), perLane: max(1, total/4),
		namespaces: map[string]int{}, lanes: map[laneKey]int{},
	}
}

// take reserves room; false where there is none.
func (b *budget) take(key laneKey, skus int) bool {
	if b.used+skus > b.total || b.namespaces[key.namespace]+skus > b.perNamespace || b.lanes[key]+skus > b.perLane {
		return false
	}
	b.used += skus
	b.namespaces[key.namespace] += skus
	b.lanes[key] += skus
	pendingSKUs.Set(float64(b.used))
	return true
}

// give returns room.
func (b *budget) give(key laneKey, skus int) {
	b.used -= skus
	if b.namespaces[key.namespace] -= skus; b.namespaces[key.namespace] == 0 {
		delete(b.namespaces, key.namespace)
	}
	if b.lanes[key] -= skus; b.lanes[key] == 0 {
		delete(b.lanes, key)
	}
	pendingSKUs.Set(float64(b.used))
}
