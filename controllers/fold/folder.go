package fold

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

const (
	// foldRetryMin and foldRetryMax bound the pause after a fold that failed; it doubles each time.
	foldRetryMin = time.Second
	foldRetryMax = time.Minute

	// foldWorkers is how many locations are folded at once, foldTurn how many snapshots of a location are
	// written before others get their turn.
	foldWorkers = 4
	foldTurn    = 16
)

// Options are what a Folder needs.
type Options struct {
	Store  *ledger.Store
	Client client.Client // writes
	Reader client.Reader // not cached
	States SyncState
	Clock  clock.WithTicker
	// Writes bounds the writes of snapshots.
	Writes *rate.Limiter
	// Sizes of snapshots; DefaultSizes where they are zero.
	Sizes Sizes
	// Held reports whether this process still leads; nil for always.
	Held func() bool
	// Owns reports which namespaces are this leader's; nil for all.
	Owns func(namespace string) bool
}

// Folder writes what the log has set into snapshots, on the leader only.
type Folder struct {
	stock    *ledger.Store
	sections ledger.Sections
	client   client.Client
	reader   client.Reader
	states   SyncState
	clock    clock.WithTicker
	writes   *rate.Limiter
	sizes    Sizes
	held     func() bool
	owns     func(namespace string) bool
	schedule *schedule
}

// New returns a folder.
func New(o Options) *Folder {
	f := &Folder{
		stock: o.Store, sections: o.Store.Sections(), client: o.Client, reader: o.Reader, states: o.States,
		clock: o.Clock, writes: o.Writes, sizes: o.Sizes, held: o.Held, owns: o.Owns, schedule: newSchedule(o.Clock),
	}
	if f.sizes == (Sizes{}) {
		f.sizes = DefaultSizes
	}
	if f.held == nil {
		f.held = func() bool { return true }
	}
	if f.owns == nil {
		f.owns = func(string) bool { return true }
	}
	return f
}

// Start folds until the context ends.
func (f *Folder) Start(ctx context.Context) error {
	f.schedule.reset()
	queue := workqueue.NewTypedRateLimitingQueueWithConfig(
		workqueue.NewTypedItemExponentialFailureRateLimiter[ledger.LocationKey](foldRetryMin, foldRetryMax),
		workqueue.TypedRateLimitingQueueConfig[ledger.LocationKey]{Clock: f.clock})
	var workers sync.WaitGroup
	defer workers.Wait()
	defer queue.ShutDown()
	for range foldWorkers {
		workers.Go(func() { f.work(ctx, queue) })
	}
	f.sections.MarkAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.sections.Wake():
		}
		for _, key := range f.sections.Take() {
			if f.owns(key.Namespace) {
				f.schedule.changed(key)
				queue.AddAfter(key, foldDelay)
			}
		}
	}
}

// work folds one location after the other, each for a turn.
func (f *Folder) work(ctx context.Context, queue workqueue.TypedRateLimitingInterface[ledger.LocationKey]) {
	for {
		key, shutdown := queue.Get()
		if shutdown {
			return
		}
		if wait := f.schedule.due(key); wait > 0 {
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
func (f *Folder) Fold(ctx context.Context, key ledger.LocationKey) error {
	_, err := f.turn(ctx, key, math.MaxInt)
	return err
}

// turn goes on with the pass over a location, or begins one, and reports whether it is complete. After
// about as many writes it is interrupted, so that a large location does not keep the others waiting.
func (f *Folder) turn(ctx context.Context, key ledger.LocationKey, writes int) (done bool, err error) {
	defer func() {
		if done || err != nil {
			f.schedule.end(key)
		}
	}()
	location := &inventoryv1alpha1.Location{}
	if err := f.client.Get(ctx, key, location); err != nil {
		return true, client.IgnoreNotFound(err) // without its Location, nothing is accepted for it
	}
	if location.DeletionTimestamp != nil {
		return true, nil // its snapshots are about to be deleted
	}
	p := f.schedule.pass(key, f.sections.Begin)
	if p == nil {
		return true, nil
	}
	for len(p.pools) > 0 {
		if writes <= 0 {
			return false, nil
		}
		n, err := f.foldPool(ctx, ledger.PoolKey{Location: key, PoolID: p.pools[0]}, p, writes)
		if err != nil {
			return false, err
		}
		writes -= n
	}
	skus, snapshotCount := f.sections.End(key, p.Revision)
	return true, f.patchStatus(ctx, location, p, skus, snapshotCount)
}

// foldPool goes on over the SKUs of a pass's first pool, rewrites the ranges that need it, and takes the
// pool off the pass at its end. It returns how many snapshots it wrote: about as many as it may at the most.
func (f *Folder) foldPool(ctx context.Context, key ledger.PoolKey, p *pass, most int) (writes int, err error) {
	for {
		pl, ok := f.next(key, p.from)
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
		if pl.To == "" {
			break
		}
		p.from = pl.To
	}
	for _, snapshot := range f.sections.Obsolete(key) {
		if err := f.wait(ctx); err != nil {
			return writes, err
		}
		err := f.client.Delete(ctx, snapshot, client.Preconditions{ResourceVersion: &snapshot.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return writes, fmt.Errorf("delete InventorySnapshot %s: %w", snapshot.Name, err)
		}
		f.stock.RemoveSnapshot(snapshot)
	}
	p.pools, p.from = p.pools[1:], ""
	return writes, nil
}

// next returns the first rewrite that is needed of a pool at or after a SKU.
func (f *Folder) next(key ledger.PoolKey, from string) (plan, bool) {
	from, to, some := f.sizes.pick(f.sections.Ranges(key, from))
	if !some {
		return plan{}, false
	}
	// What was true of these ranges may no longer be, but the section is so at one moment.
	section, known := f.sections.Read(key, from, to, planTargets*f.sizes.Target)
	if !known {
		return plan{}, false
	}
	return f.sizes.plan(section), true
}

// errNotHeld stops a fold whose leader may have been replaced.
var errNotHeld = errors.New("the Lease may be another's by now")

// wait takes a token of the write budget.
func (f *Folder) wait(ctx context.Context) error {
	if err := f.writes.Wait(ctx); err != nil {
		return fmt.Errorf("wait for the fold's write budget: %w", err)
	}
	if !f.held() {
		return errNotHeld
	}
	return nil
}
