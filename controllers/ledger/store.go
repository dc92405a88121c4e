package ledger

import (
	"context"
	"sync"
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Listener hears of changed quantities. It is called with the store locked, before the change
// can be folded, so that no snapshot ever says "in step" of a quantity that nobody was told of.
// It must not call the store back.
type Listener interface {
	QuantitiesChanged(pool PoolKey, skus []string)
	// Leads tells whether this process keeps the snapshots of a namespace.
	Leads(namespace string) bool
}

// Store is the present stock of all locations. It is safe for concurrent use.
type Store struct {
	sizes Sizes

	mu        sync.RWMutex
	locations map[LocationKey]*location
	journals  map[string]*journal // by namespace
	listener  Listener
	unfolded  map[LocationKey]struct{} // locations that the Folder has to look at
	wake      chan struct{}            // tells the Folder that unfolded is not empty
	tick      uint64                   // orders touches against writes of snapshots
	synced    chan struct{}            // closed when both kinds have been listed once
}

// location is the present stock of one location.
type location struct {
	sizes     Sizes
	pools     map[int64]*pool
	applied   uint64    // revision of the newest batch applied
	folded    uint64    // revision that the snapshots contain, as far as this process knows
	reported  uint64    // likewise, as the Location's status says; see Store.reported
	lastBatch time.Time // when the API server stored the newest batch
	leaving   bool      // about to be deleted
}

// NewStore returns an empty store.
func NewStore() *Store { return NewStoreOf(DefaultSizes) }

// NewStoreOf returns an empty store whose snapshots have other sizes.
func NewStoreOf(sizes Sizes) *Store {
	return &Store{
		sizes:     sizes,
		locations: map[LocationKey]*location{},
		journals:  map[string]*journal{},
		unfolded:  map[LocationKey]struct{}{},
		wake:      make(chan struct{}, 1),
		synced:    make(chan struct{}),
	}
}

// Listen sets the listener, nil for none.
func (s *Store) Listen(l Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listener = l
}

// ApplyBatch applies a stored batch. Batches may come twice and in any order.
func (s *Store) ApplyBatch(batch *inventoryv1alpha1.InventoryBatch) {
	if batch.DeletionTimestamp != nil {
		return // on its way out: its revision is no longer that of its creation
	}
	r := newRecord(batch)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.journal(batch.Namespace).add(r) {
		return
	}
	for i := range batch.Stock {
		stock := &batch.Stock[i]
		key := PoolKey{LocationKey{Namespace: batch.Namespace, Name: stock.LocationName}, stock.PoolID}
		if changed := s.location(key.Location).apply(stock, r); len(changed) > 0 && s.listener != nil {
			s.listener.QuantitiesChanged(key, changed)
		}
		s.markUnfolded(key.Location)
	}
}

// apply sets quantities of a batch and returns the SKUs whose quantity changed.
func (l *location) apply(stock *inventoryv1alpha1.LocationStock, r *record) []string {
	l.applied = max(l.applied, r.revision)
	if r.created.After(l.lastBatch) {
		l.lastBatch = r.created
	}
	p := l.pool(stock.PoolID)
	changed := make([]string, 0, len(stock.Quantities))
	for sku, q := range stock.Quantities {
		if !sound(sku) {
			ignoredSKUs.Inc()
			continue
		}
		if p.set(sku, q, r.revision) {
			changed = append(changed, sku)
		}
	}
	return changed
}

// sound tells whether snapshots and jobs can hold a SKU. Batches of the ingress have no other, and an admission
// policy refuses those of anybody else: the schema cannot.
func sound(sku string) bool {
	return sku != "" && (len(sku) <= inventoryv1alpha1.MaxSKULength || utf8.RuneCountInString(sku) <= inventoryv1alpha1.MaxSKULength)
}

// ForgetBatch notes that a batch is no longer stored.
func (s *Store) ForgetBatch(key types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal(key.Namespace).remove(key.Name)
}

// PutSnapshot takes in a stored snapshot. It keeps the object, which must not be used afterwards.
func (s *Store) PutSnapshot(snapshot *inventoryv1alpha1.InventorySnapshot) {
	s.put(keep(snapshot), false)
}

// put takes in a snapshot, which this process has written itself where own.
func (s *Store) put(stored *storedSnapshot, own bool) {
	key := stored.pool()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.location(key.Location).pool(key.PoolID)
	if !p.put(stored) {
		s.markUnfolded(key.Location)
	}
	if !own && s.listener != nil && s.listener.Leads(key.Location.Namespace) && p.stored[stored.Name] == stored {
		s.review(key, p, stored)
	}
}

// review asks the Folder to look at what a snapshot says is not in step, when it came by watch while this
// process leads: a request of the former leader may have landed late, and says what that one believed.
// The lock must be held.
func (s *Store) review(key PoolKey, p *pool, stored *storedSnapshot) {
	s.tick++
	for i := range stored.Channels {
		c := &stored.Channels[i]
		for _, sku := range c.Pending {
			p.touch(sku, s.tick)
		}
		for j := range c.Failures {
			p.touch(c.Failures[j].SKU, s.tick)
		}
		if len(c.Pending)+len(c.Failures) > 0 {
			s.markUnfolded(key.Location)
		}
	}
}

// RemoveSnapshot notes that a snapshot is no longer stored.
func (s *Store) RemoveSnapshot(snapshot *inventoryv1alpha1.InventorySnapshot) {
	key := LocationKey{Namespace: snapshot.Namespace, Name: snapshot.LocationName}
	s.mu.Lock()
	defer s.mu.Unlock()
	if loc := s.locations[key]; loc != nil {
		loc.pool(snapshot.PoolID).remove(snapshot.Name)
	}
}

// Touch notes that the sync state of SKUs changed, so that the fold writes it down.
func (s *Store) Touch(key PoolKey, skus ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	loc := s.locations[key.Location]
	if loc == nil || loc.pools[key.PoolID] == nil {
		return
	}
	s.tick++
	for _, sku := range skus {
		if p := loc.pools[key.PoolID]; p.known(sku) {
			p.touch(sku, s.tick)
		}
	}
	s.markUnfolded(key.Location)
}

// Forget drops a location whose objects are gone.
func (s *Store) Forget(key LocationKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.locations, key)
	delete(s.unfolded, key)
}

// Synced implements Reader.
func (s *Store) Synced() bool {
	select {
	case <-s.synced:
		return true
	default:
		return false
	}
}

// loaded notes that the initial load is done.
func (s *Store) loaded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.Synced() {
		close(s.synced)
	}
}

// WaitSynced waits for the initial load of the Follower; false where the context ends first.
func (s *Store) WaitSynced(ctx context.Context) bool {
	select {
	case <-s.synced:
		return true
	case <-ctx.Done():
		return false
	}
}

// Folded tells whether the snapshots of a location say everything that is known.
func (s *Store) Folded(key LocationKey) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	loc := s.locations[key]
	if loc == nil {
		return true
	}
	for _, p := range loc.pools {
		if p.overlay.len() > 0 {
			return false
		}
	}
	return true
}

// location returns the entry of a location, made if need be. The lock must be held.
func (s *Store) location(key LocationKey) *location {
	loc := s.locations[key]
	if loc == nil {
		loc = &location{sizes: s.sizes, pools: map[int64]*pool{}}
		s.locations[key] = loc
	}
	return loc
}

// markUnfolded asks the Folder to look at a location. The lock must be held.
func (s *Store) markUnfolded(key LocationKey) {
	s.unfolded[key] = struct{}{}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (l *location) pool(id int64) *pool {
	p := l.pools[id]
	if p == nil {
		p = newPool(l.sizes)
		l.pools[id] = p
	}
	return p
}

// known tells whether the pool has ever had the SKU.
func (p *pool) known(sku string) bool {
	_, ok := p.quantity(sku)
	return ok
}
