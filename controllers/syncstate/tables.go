package syncstate

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/coalesce"
	"tallyman.dev/tallyman/controllers/ledger"
)

// Tables are those of all Channels that this process leads. It is safe for concurrent use.
type Tables struct {
	stock    *ledger.Store
	channels client.Reader
	clock    clock.PassiveClock
	touched  *coalesce.Set[types.NamespacedName]

	mu     sync.RWMutex
	tables map[types.NamespacedName]*Table
	sorted map[string][]*Table // of a namespace, by name
}

// NewTables returns no tables yet. Channels tells which Channels exist.
func NewTables(stock *ledger.Store, channels client.Reader, c clock.PassiveClock) *Tables {
	return &Tables{
		stock: stock, channels: channels, clock: c, touched: coalesce.NewSet[types.NamespacedName](),
		tables: map[types.NamespacedName]*Table{}, sorted: map[string][]*Table{},
	}
}

// Ensure returns the table of a Channel, which it makes where there is none.
func (s *Tables) Ensure(key types.NamespacedName) *Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[key]; t != nil {
		return t
	}
	t := newTable(key, s.stock, s.clock, s.touched)
	s.tables[key] = t
	s.sort(key.Namespace)
	return t
}

// Remove forgets the table of a Channel.
func (s *Tables) Remove(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables, key)
	s.sort(key.Namespace)
}

// sort lists the tables of a namespace anew. The lock must be held.
func (s *Tables) sort(namespace string) {
	var of []*Table
	for key, t := range s.tables {
		if key.Namespace == namespace {
			of = append(of, t)
		}
	}
	slices.SortFunc(of, func(a, b *Table) int { return cmp.Compare(a.key.Name, b.key.Name) })
	if s.sorted[namespace] = of; len(of) == 0 {
		delete(s.sorted, namespace)
	}
}

// in returns the tables of a namespace, by name.
func (s *Tables) in(namespace string) []*Table {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sorted[namespace]
}

// Touched receives when snapshots have to say something else of SKUs; TakeTouched returns which.
func (s *Tables) Touched() <-chan struct{} { return s.touched.Wake() }

// TakeTouched returns the SKUs of which the snapshots have to say something else, by pool, once.
func (s *Tables) TakeTouched() map[ledger.PoolKey][]string {
	out := map[ledger.PoolKey][]string{}
	for _, key := range s.touched.Take() {
		s.mu.RLock()
		t := s.tables[key]
		s.mu.RUnlock()
		if t == nil {
			continue
		}
		for pool, skus := range t.TakeUnsaid() {
			out[pool] = append(out[pool], skus...)
		}
	}
	return out
}

// SnapshotChannels returns what to write about channels into a snapshot of a pool that has skus, as they were
// at a tick of the ledger. Until now, snapshots said previous (which may list other SKUs, too); changed are
// SKUs that the log has set since. A channel of which nothing is known at present is carried over; one that is
// gone is dropped.
func (s *Tables) SnapshotChannels(ctx context.Context, pool ledger.PoolKey, tick uint64, skus map[string]inventoryv1alpha1.Quantity,
	previous []inventoryv1alpha1.SnapshotChannel, changed sets.Set[string],
) []inventoryv1alpha1.SnapshotChannel {
	listed := make(map[string]*inventoryv1alpha1.SnapshotChannel, len(previous))
	for i := range previous {
		listed[previous[i].Name] = &previous[i]
	}
	var out []inventoryv1alpha1.SnapshotChannel
	for _, t := range s.in(pool.Location.Namespace) {
		c, known := t.Render(pool, tick, skus, listed[t.key.Name])
		if !known {
			continue
		}
		delete(listed, t.key.Name)
		if c != nil {
			out = append(out, *c)
		}
	}
	for was := range maps.Values(listed) {
		if !s.gone(ctx, types.NamespacedName{Namespace: pool.Location.Namespace, Name: was.Name}) {
			out = append(out, carryOver(*was, skus, changed))
		}
	}
	slices.SortFunc(out, func(a, b inventoryv1alpha1.SnapshotChannel) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// gone reports whether a Channel no longer exists.
func (s *Tables) gone(ctx context.Context, key types.NamespacedName) bool {
	return apierrors.IsNotFound(s.channels.Get(ctx, key, &inventoryv1alpha1.Channel{}))
}

// carryOver keeps the state of a channel that nobody is in charge of at present: what changed is pending,
// the rest stays as it was.
func carryOver(was inventoryv1alpha1.SnapshotChannel, skus map[string]inventoryv1alpha1.Quantity, changed sets.Set[string]) inventoryv1alpha1.SnapshotChannel {
	out := inventoryv1alpha1.SnapshotChannel{Name: was.Name, Epoch: was.Epoch, LastSyncTime: was.LastSyncTime}
	pending := sets.New[string]()
	for _, sku := range slices.Concat(was.Pending, changed.UnsortedList()) {
		if _, listed := skus[sku]; listed {
			pending.Insert(sku)
		}
	}
	out.Pending = sets.List(pending)
	for _, f := range was.Failures {
		if _, listed := skus[f.SKU]; listed && !pending.Has(f.SKU) {
			out.Failures = append(out.Failures, f)
		}
	}
	return out
}
