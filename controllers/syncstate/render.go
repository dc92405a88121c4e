package syncstate

import (
	"cmp"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// Render returns what to write about the channel into a snapshot of a pool that has skus, as they were at a
// tick of the ledger; nil for nothing. Was is what the snapshot says of the channel, nil where it does not
// list it. It returns false where the table does not know where the SKUs stand.
func (t *Table) Render(pool ledger.PoolKey, tick uint64, skus map[string]inventoryv1alpha1.Quantity,
	was *inventoryv1alpha1.SnapshotChannel,
) (*inventoryv1alpha1.SnapshotChannel, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.scope == nil {
		return nil, false
	}
	if t.seen < tick { // no snapshot says in step of a quantity that nobody was told of
		t.catchUp()
	}
	location := pool.Location.Name
	if !t.scope.pools[pool.PoolID] || !t.scope.sells(location) && !t.leaving[location] {
		return nil, true
	}
	out := &inventoryv1alpha1.SnapshotChannel{Name: t.key.Name, Epoch: present(t.epochs)}
	if was != nil {
		out.LastSyncTime = was.LastSyncTime
	}
	if !t.lastSync.IsZero() {
		out.LastSyncTime = &metav1.Time{Time: t.lastSync}
	}
	for sku := range skus {
		t.describe(out, location, sku)
	}
	if was == nil && len(out.Pending) == len(skus) {
		return nil, true // a channel that was given nothing yet is not listed
	}
	slices.Sort(out.Pending)
	slices.SortFunc(out.Failures, func(a, b inventoryv1alpha1.SKUFailure) int { return cmp.Compare(a.SKU, b.SKU) })
	return out, true
}

// describe adds where a SKU stands. Where Locations share its stock, it is in step at all of them or at none.
func (t *Table) describe(out *inventoryv1alpha1.SnapshotChannel, location, sku string) {
	s := t.book.of[t.scope.Unit(location, sku)]
	switch {
	case s == nil && t.book.open[sku] == 0:
	case s == nil, s.State == inventoryv1alpha1.SyncPending:
		out.Pending = append(out.Pending, sku)
	default:
		f := inventoryv1alpha1.SKUFailure{SKU: sku, State: s.State, Reason: s.Reason, Message: s.Message, Attempts: s.Attempts}
		if !s.Next.IsZero() {
			f.NextAttemptTime = &metav1.Time{Time: s.Next}
		}
		out.Failures = append(out.Failures, f)
	}
}

// TakeUnsaid returns the SKUs of which the snapshots have to say something else, by pool, once.
func (t *Table) TakeUnsaid() map[ledger.PoolKey][]string {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[ledger.PoolKey][]string, len(t.unsaid))
	for key, skus := range t.unsaid {
		out[key] = slices.Collect(maps.Keys(skus))
	}
	clear(t.unsaid)
	return out
}
