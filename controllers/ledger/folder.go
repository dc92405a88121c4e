package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

const (
	// foldDelay is how long a location must be quiet to be folded. A change waits for company, and for its
	// push: most SKUs are in step by then, so that one write says both.
	foldDelay = 300 * time.Millisecond

	// foldPatience is how long one that is never quiet waits at the most. Under load the same snapshots change
	// again and again, and each write takes in everything since the last one.
	foldPatience = 5 * time.Second

	// foldRetryMin and foldRetryMax bound the pause after a fold that failed; it doubles each time.
	foldRetryMin = time.Second
	foldRetryMax = time.Minute

	// foldWorkers is how many locations are folded at once, foldTurn how many snapshots of a location are
	// written before others get their turn.
	foldWorkers = 4
	foldTurn    = 16
)

// Folder writes what the log has set into snapshots, on the leader only.
type Folder struct {
	Store  *Store
	Client client.Client // writes
	Reader client.Reader // not cached
	States States
	Clock  clock.WithTicker
	// Writes bounds the writes of snapshots.
	Writes *rate.Limiter
	// Held tells whether this process still leads; nil for always.
	Held func() bool
	// Owns tells which namespaces are this leader's; nil for all.
	Owns func(namespace string) bool

	mu     sync.Mutex
	passes map[LocationKey]*foldPass // under way
	unrest map[LocationKey]unrest    // of locations that have changed since their last pass began
}

// Start folds until the context ends.
func (f *Folder) Start(ctx context.Context) error {
	f.mu.Lock()
	f.passes, f.unrest = map[LocationKey]*foldPass{}, map[LocationKey]unrest{}
	f.mu.Unlock()
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[LocationKey](foldRetryMin, foldRetryMax),
		workqueue.TypedRateLimitingQueueConfig[LocationKey]{Clock: f.Clock})
	var workers sync.WaitGroup
	defer workers.Wait()
	defer queue.ShutDown()
	for range foldWorkers {
		workers.Go(func() { f.work(ctx, queue) })
	}
	f.Store.unfoldAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.Store.wake:
		}
		for _, key := range f.Store.takeUnfolded() {
			if f.Owns == nil || f.Owns(key.Namespace) {
				f.changed(key)
				queue.AddAfter(key, foldDelay)
			}
		}
	}
}

// unrest is when a location has changed.
type unrest struct{ first, last time.Time }

// changed notes that a location has changed.
func (f *Folder) changed(key LocationKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.Clock.Now()
	u, known := f.unrest[key]
	if !known {
		u.first = now
	}
	u.last = now
	f.unrest[key] = u
}

// due is how long to wait until a location should be folded.
func (f *Folder) due(key LocationKey) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	u, known := f.unrest[key]
	if !known || f.passes[key] != nil {
		return 0
	}
	now := f.Clock.Now()
	return min(foldDelay-now.Sub(u.last), foldPatience-now.Sub(u.first))
}

// work folds one location after the other, each for a turn.
func (f *Folder) work(ctx context.Context, queue workqueue.TypedRateLimitingInterface[LocationKey]) {
	for {
		key, shutdown := queue.Get()
		if shutdown {
			return
		}
		if wait := f.due(key); wait > 0 {
			queue.AddAfter(key, wait)
			queue.Done(key)
			continue
		}
		done, err := f.turn(ctx, key, foldTurn)
		switch {
		case ctx.Err() != nil:
		case err != nil:
			foldErrors.Inc()
			log.FromContext(ctx).Error(err, "Fold failed, will retry", "location", key)
			queue.AddRateLimited(key)
		case !done:
			queue.Add(key) // the others first
		default:
			queue.Forget(key)
		}
		queue.Done(key)
	}
}

// Fold writes everything that is known of a location at the call into snapshots.
func (f *Folder) Fold(ctx context.Context, key LocationKey) error {
	_, err := f.turn(ctx, key, math.MaxInt)
	return err
}

// turn goes on with the pass over a location, or begins one, and tells whether it is complete. After
// about as many writes it is interrupted, so that a large location does not keep the others waiting.
func (f *Folder) turn(ctx context.Context, key LocationKey, writes int) (done bool, err error) {
	defer func() {
		if done || err != nil {
			f.drop(key)
		}
	}()
	location := &inventoryv1alpha1.Location{}
	if err := f.Client.Get(ctx, key, location); err != nil {
		return true, client.IgnoreNotFound(err) // without its Location, nothing is accepted for it
	}
	if location.DeletionTimestamp != nil {
		return true, nil // its snapshots are about to be deleted
	}
	pass := f.pass(key)
	if pass == nil {
		return true, nil
	}
	for len(pass.pools) > 0 {
		if writes <= 0 {
			return false, nil
		}
		n, err := f.foldPool(ctx, PoolKey{key, pass.pools[0]}, pass, writes)
		if err != nil {
			return false, err
		}
		writes -= n
	}
	skus, snapshotCount := f.Store.endFold(key, pass)
	return true, f.patchStatus(ctx, location, pass, skus, snapshotCount)
}

// pass returns the pass over a location that is under way, or a new one; nil where nothing is known of it.
func (f *Folder) pass(key LocationKey) *foldPass {
	f.mu.Lock()
	defer f.mu.Unlock()
	if pass := f.passes[key]; pass != nil {
		return pass
	}
	delete(f.unrest, key) // what comes from now on may be behind the pass
	pass := f.Store.beginFold(key)
	if pass == nil {
		return nil
	}
	if f.passes == nil {
		f.passes = map[LocationKey]*foldPass{}
	}
	f.passes[key] = pass
	return pass
}

func (f *Folder) drop(key LocationKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.passes, key)
}

// foldPool goes on over the SKUs of a pass's first pool, rewrites the ranges that need it, and takes the
// pool off the pass at its end. It returns how many snapshots it wrote: about as many as it may at the most.
func (f *Folder) foldPool(ctx context.Context, key PoolKey, pass *foldPass, most int) (writes int, err error) {
	for {
		pl, ok := f.Store.nextPlan(key, pass.from)
		if !ok {
			break
		}
		if writes >= most {
			return writes, nil
		}
		if err := f.write(ctx, pl); err != nil {
			return writes, err
		}
		writes += len(pl.chunks)
		if pl.to == "" {
			break
		}
		pass.from = pl.to
	}
	for _, snapshot := range f.Store.obsolete(key) {
		if err := f.wait(ctx); err != nil {
			return writes, err
		}
		err := f.Client.Delete(ctx, snapshot, client.Preconditions{ResourceVersion: &snapshot.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return writes, fmt.Errorf("delete InventorySnapshot %s: %w", snapshot.Name, err)
		}
		f.Store.RemoveSnapshot(snapshot)
	}
	pass.pools, pass.from = pass.pools[1:], ""
	return writes, nil
}

// errNotHeld stops a fold whose leader may have been replaced.
var errNotHeld = errors.New("the Lease may be another's by now")

// wait takes a token of the write budget.
func (f *Folder) wait(ctx context.Context) error {
	if err := f.Writes.Wait(ctx); err != nil {
		return fmt.Errorf("wait for the fold's write budget: %w", err)
	}
	if f.Held != nil && !f.Held() {
		return errNotHeld
	}
	return nil
}

// unfoldAll asks for a look at every location.
func (s *Store) unfoldAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.locations {
		s.markUnfolded(key)
	}
}

// takeUnfolded returns the locations to look at, once.
func (s *Store) takeUnfolded() []LocationKey {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := slices.Collect(maps.Keys(s.unfolded))
	clear(s.unfolded)
	return keys
}
