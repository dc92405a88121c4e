package channelsync

import (
	"cmp"
	"context"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/ledger"
)

var _ fold.SyncState = (*Planner)(nil)

// SnapshotChannels implements fold.SyncState. Lanes say where their units stand. A channel that a snapshot
// lists but that has no lane (yet) is carried over: one that is
// gone is dropped.
func (p *Planner) SnapshotChannels(pool ledger.PoolKey, skus map[string]inventoryv1alpha1.Quantity,
	previous []inventoryv1alpha1.SnapshotChannel, changed sets.Set[string],
) []inventoryv1alpha1.SnapshotChannel {
	listed := map[string]*inventoryv1alpha1.SnapshotChannel{}
	for i := range previous {
		listed[previous[i].Name] = &previous[i]
	}
	var out []inventoryv1alpha1.SnapshotChannel
	for _, l := range p.of(pool.Location.Namespace) {
		was := listed[l.key.Name]
		c, knows := l.snapshotChannel(pool, skus, was)
		if !knows {
			continue
		}
		delete(listed, l.key.Name)
		if c != nil {
			out = append(out, *c)
		}
	}
	for _, was := range listed {
		if p.gone(types.NamespacedName{Namespace: pool.Location.Namespace, Name: was.Name}) {
			continue
		}
		out = append(out, fold.KeepChannel(*was, skus, changed))
	}
	slices.SortFunc(out, func(a, b inventoryv1alpha1.SnapshotChannel) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// gone tells whether a Channel no longer exists.
func (p *Planner) gone(key types.NamespacedName) bool {
	return apierrors.IsNotFound(p.Client.Get(context.Background(), key, &inventoryv1alpha1.Channel{}))
}

// snapshotChannel returns what to write about the channel into a snapshot, nil for nothing; false where
// the lane does not know where the SKUs stand.
func (l *lane) snapshotChannel(pool ledger.PoolKey, skus map[string]inventoryv1alpha1.Quantity,
	was *inventoryv1alpha1.SnapshotChannel,
) (*inventoryv1alpha1.SnapshotChannel, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.config.Channel == nil {
		return nil, false
	}
	m := l.members[pool.Location.Name]
	switch {
	case m == nil || !l.pools[pool.PoolID]:
		return nil, true // the channel does not sell from here
	case !m.restored:
		return nil, false
	}
	out := &inventoryv1alpha1.SnapshotChannel{Name: l.key.Name}
	if was != nil {
		out.LastSyncTime = was.LastSyncTime
	}
	if !l.lastSync.IsZero() {
		out.LastSyncTime = &metav1.Time{Time: l.lastSync}
	}
	for sku := range skus {
		l.describe(out, sku, l.standings[l.unitOf(pool.Location.Name, sku)])
	}
	if was == nil && len(out.Pending) == len(skus) {
		return nil, true // a channel that was given nothing yet is not listed
	}
	slices.Sort(out.Pending)
	slices.SortFunc(out.Failures, func(a, b inventoryv1alpha1.SKUFailure) int { return cmp.Compare(a.SKU, b.SKU) })
	return out, true
}

// describe adds where a SKU stands. The lock must be held.
func (l *lane) describe(out *inventoryv1alpha1.SnapshotChannel, sku string, s *standing) {
	switch {
	case s == nil:
	case s.state == inventoryv1alpha1.SyncPending:
		out.Pending = append(out.Pending, sku)
	default:
		f := inventoryv1alpha1.SKUFailure{SKU: sku, State: s.state, Reason: s.reason, Message: s.message, Attempts: s.attempts}
		if !s.next.IsZero() {
			f.NextAttemptTime = &metav1.Time{Time: s.next}
		}
		out.Failures = append(out.Failures, f)
	}
}
