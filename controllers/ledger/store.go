package ledger

import (
	"context"
	"math"
	"sync"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/coalesce"
)

// Store is the present stock of all locations. It is safe for concurrent use.
type Store struct {
	log      *Log
	unfolded *coalesce.Set[LocationKey] // locations that the fold has to look at
	synced   chan struct{}              // closed when both kinds have been listed once

	mu        sync.RWMutex
	locations locations
	feeds     feeds // what has changed, and when
}

// locations is the present stock of locations, guarded by the store's lock.
type locations map[LocationKey]location

// location is the present stock of one location, by pool.
type location map[int64]*pool

// location returns the pools of a location, made if need be.
func (l locations) location(key LocationKey) location {
	loc := l[key]
	if loc == nil {
		loc = location{}
		l[key] = loc
	}
	return loc
}

// pool returns a pool; nil where nothing is known of it.
func (l locations) pool(key PoolKey) *pool { return l[key.Location][key.PoolID] }

// pool returns a pool of the location, made if need be.
func (l location) pool(id int64) *pool {
	p := l[id]
	if p == nil {
		p = newPool()
		l[id] = p
	}
	return p
}

// NewStore returns an empty store.
func NewStore() *Store {
	return &Store{
		log:       newLog(),
		unfolded:  coalesce.NewSet[LocationKey](),
		synced:    make(chan struct{}),
		locations: locations{},
		feeds:     newFeeds(),
	}
}

// Sections returns the store as the fold sees it.
func (s *Store) Sections() Sections { return Sections{s} }

// Log returns the log that the store follows.
func (s *Store) Log() *Log { return s.log }

// ApplyBatch applies an InventoryBatch. They may come twice and in any order; of two entries of one for a SKU, the
// later counts.
func (s *Store) ApplyBatch(batch *inventoryv1alpha1.InventoryBatch) {
	if batch.DeletionTimestamp != nil {
		return // on its way out: its revision is no longer that of its creation
	}
	revision := parseRevision(batch.ResourceVersion)
	s.mu.Lock()
	defer s.mu.Unlock()
	// Under the store's lock: who knows of the record must find its quantities, once the store is unlocked.
	if !s.log.add(batch) {
		return
	}
	for i := range batch.Stock {
		stock := &batch.Stock[i]
		key := PoolKey{LocationKey{Namespace: batch.Namespace, Name: stock.LocationName}, stock.PoolID}
		changed := s.locations.location(key.Location).pool(stock.PoolID).apply(stock.Quantities, revision)
		if len(changed) > 0 {
			s.feeds.add(key, changed)
		}
		s.unfolded.Add(key.Location)
	}
}

// PutSnapshot takes in a stored snapshot. It keeps the object, which must not be used afterwards.
func (s *Store) PutSnapshot(snapshot *inventoryv1alpha1.InventorySnapshot) { s.put(keep(snapshot)) }

// put takes in a snapshot that the API server has reported.
func (s *Store) put(stored *storedSnapshot) {
	key := stored.pool()
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.locations.location(key.Location).pool(key.PoolID)
	if !s.take(key, p, stored) {
		return
	}
	if skus := stored.claims(); len(skus) > 0 && s.feeds.wanted(key.Location.Namespace) {
		// The fold has to look whether that is so: a request of the former leader may have landed late, and says what
		// that one believed.
		tick := s.feeds.next()
		for _, sku := range skus {
			p.touch(sku, tick)
		}
		s.unfolded.Add(key.Location)
	}
}

// take takes in a snapshot, and reports whether it was news. The lock must be held.
func (s *Store) take(key PoolKey, p *pool, stored *storedSnapshot) (news bool) {
	if !p.isNews(stored) {
		return false
	}
	from, to := p.reach(stored)
	s.alter(key, p, from, to, func() {
		if tidy := p.put(stored); !tidy {
			s.unfolded.Add(key.Location)
		}
	})
	return true
}

// RemoveSnapshot notes that a snapshot is no longer stored.
func (s *Store) RemoveSnapshot(snapshot *inventoryv1alpha1.InventorySnapshot) {
	s.remove(snapshot, math.MaxUint64)
}

// remove drops a snapshot, unless a later version than the given one is known.
func (s *Store) remove(snapshot *inventoryv1alpha1.InventorySnapshot, version uint64) {
	key := PoolKey{LocationKey{Namespace: snapshot.Namespace, Name: snapshot.LocationName}, snapshot.PoolID}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.locations.pool(key)
	if p == nil {
		return
	}
	if gone := p.stored[snapshot.Name]; gone != nil && gone.version <= version {
		s.alter(key, p, gone.From, gone.To, func() { p.remove(gone) })
	}
}

// Touch notes that the sync state of SKUs changed, so that the fold writes it down.
func (s *Store) Touch(key PoolKey, skus ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.locations.pool(key)
	if p == nil {
		return
	}
	tick := s.feeds.next()
	for _, sku := range skus {
		if _, known := p.quantity(sku); known {
			p.touch(sku, tick)
		}
	}
	s.unfolded.Add(key.Location)
}

// Forget drops a location whose objects are gone. Its SKUs do not count as changed: nobody sells from it any more.
func (s *Store) Forget(key LocationKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.locations, key)
	s.log.forget(key)
	s.unfolded.Drop(key)
}

// report notes up to which revision a Location's status says that it is folded.
func (s *Store) report(key LocationKey, folded uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.report(key, folded)
	for _, p := range s.locations.location(key) {
		p.repeats.drop(folded)
	}
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

// WaitSynced waits for the initial load of the Reflector; false where the context ends first.
func (s *Store) WaitSynced(ctx context.Context) bool {
	select {
	case <-s.synced:
		return true
	case <-ctx.Done():
		return false
	}
}
