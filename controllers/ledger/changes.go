package ledger

import "tallyman.dev/tallyman/controllers/coalesce"

// FeedSKUs is how many changes of SKUs are kept of a namespace for subscribers, the newest ones. It is what arrives
// within a second or so at the most that the log takes; see Changes.Lost for who comes later.
const FeedSKUs = 1 << 16

// Changes are SKUs of a namespace whose present quantity changed.
type Changes struct {
	// Pools that changed, each once.
	Pools []PoolChanges
	// Upto is the tick up to which Pools is complete: whoever asks next asks for what comes after it.
	Upto uint64
	// Lost reports that the feed does not reach back as far as was asked. Pools is empty then, and the reader has to read
	// all SKUs of the namespace anew, after this call; what changes meanwhile comes after Upto.
	Lost bool
}

// PoolChanges are SKUs of a pool whose present quantity changed, each once, in no particular order. What they are now is
// asked of the Store. One that is unknown there was in a snapshot that somebody deleted.
type PoolChanges struct {
	Pool PoolKey
	SKUs []string
}

// Now returns the present tick. Every change of present quantities has one of its own.
func (s *Store) Now() uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.feeds.tick
}

// Changes returns what changed in a namespace after a tick, by InventoryBatches or by snapshots that another process has
// written.
// It is known while somebody subscribes to the namespace; from before, and of more than the newest FeedSKUs changes, it is
// lost. Asking since 0 after a start is lost where anything has happened, so that a start is no special case.
func (s *Store) Changes(namespace string, since uint64) Changes {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := Changes{Upto: s.feeds.tick}
	out.Pools, out.Lost = s.feeds.since(namespace, since)
	return out
}

// Subscribe has the store keep what changes in namespaces, nil for all, and wake the subscriber, until it closes
// the subscription.
func (s *Store) Subscribe(owns func(namespace string) bool) *Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := &Subscription{store: s, owns: owns, began: s.feeds.tick, changed: coalesce.NewSet[string](), released: map[string]uint64{}}
	s.feeds.subscribers.Insert(x)
	return x
}

// alter changes the snapshots of a pool in a range, and finds out which present quantities that changes, where
// somebody wants to know: at rest snapshots only say what is present anyway. The lock must be held.
func (s *Store) alter(key PoolKey, p *pool, from, to string, change func()) {
	if !s.feeds.wanted(key.Location.Namespace) {
		change()
		return
	}
	if skus := p.altered(from, to, change); len(skus) > 0 {
		s.feeds.add(key, skus)
	}
}

// Subscription is a subscriber's part in the changes of a Store. It is safe for concurrent use.
type Subscription struct {
	store    *Store
	owns     func(namespace string) bool
	began    uint64 // tick after which changes are kept for it
	changed  *coalesce.Set[string]
	released map[string]uint64 // tick by namespace; guarded by the store's lock
}

// Wake gets a signal when a namespace has changed; one at the most waits to be received, however many there were.
func (x *Subscription) Wake() <-chan struct{} { return x.changed.Wake() }

// TakeChanged returns the namespaces that have changed since the last call.
func (x *Subscription) TakeChanged() []string { return x.changed.Take() }

// Release notes that the subscriber will not ask for changes of a namespace up to a tick any more. What every
// subscriber has released is not kept; one that never releases anything costs memory, up to FeedSKUs for a namespace.
func (x *Subscription) Release(namespace string, upto uint64) {
	x.store.mu.Lock()
	defer x.store.mu.Unlock()
	x.released[namespace] = max(x.released[namespace], upto)
	x.store.feeds.release(namespace)
}

// Close ends the subscription.
func (x *Subscription) Close() {
	x.store.mu.Lock()
	defer x.store.mu.Unlock()
	x.store.feeds.unsubscribe(x)
}
