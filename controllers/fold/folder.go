package fold

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
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
	// Admit waits until a snapshot of a namespace may be written; nil for at once.
	Admit func(ctx context.Context, namespace string) error
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
	admit    func(ctx context.Context, namespace string) error
	sizes    Sizes
	held     func() bool
	owns     func(namespace string) bool
	schedule *schedule
}

// New returns a folder.
func New(o Options) *Folder {
	f := &Folder{
		stock: o.Store, sections: o.Store.Sections(), client: o.Client, reader: o.Reader, states: o.States,
		clock: o.Clock, admit: o.Admit, sizes: o.Sizes, held: o.Held, owns: o.Owns, schedule: newSchedule(o.Clock),
	}
	if f.sizes == (Sizes{}) {
		f.sizes = DefaultSizes
	}
	if f.admit == nil {
		f.admit = func(context.Context, string) error { return nil }
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
		case <-f.states.Touched():
			for pool, skus := range f.states.TakeTouched() {
				f.stock.Touch(pool, skus...)
			}
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
	if err := f.client.Get(ctx, key, location); apierrors.IsNotFound(err) {
		return true, f.purge(ctx, key) // without its Location, nothing is accepted for it
	} else if err != nil {
		return true, fmt.Errorf("get Location %s: %w", key, err)
	}
	if location.DeletionTimestamp != nil {
		return true, nil // its snapshots are about to be deleted
	}
	p := f.schedule.pass(key, f.sections.Begin)
	if p == nil {
		return true, nil
	}
	if err := f.disinherit(ctx, key, location.UID); err != nil {
		return false, err
	}
	p.uid = location.UID
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

// purge deletes the snapshots of a Location that is gone: a write that landed late may have left some behind. That it is
// gone is believed of an answer that is not cached.
func (f *Folder) purge(ctx context.Context, key ledger.LocationKey) error {
	stored := f.sections.Stored(key)
	if len(stored) == 0 {
		return nil
	}
	err := f.reader.Get(ctx, key, &inventoryv1alpha1.Location{})
	if !apierrors.IsNotFound(err) {
		return err //nolint:wrapcheck // nil, mostly: the cache is behind
	}
	for _, snapshot := range stored {
		if err := f.remove(ctx, snapshot); err != nil {
			return err
		}
	}
	f.stock.Forget(key)
	return nil
}

// disinherit deletes snapshots of an earlier Location of the name: a write that landed late may have left some behind, and
// the stock of one that is gone is nobody's.
func (f *Folder) disinherit(ctx context.Context, key ledger.LocationKey, uid types.UID) error {
	for _, snapshot := range f.sections.Stored(key) {
		if snapshot.LocationUID == "" || snapshot.LocationUID == uid {
			continue
		}
		if err := f.remove(ctx, snapshot); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a snapshot on which nothing relies.
func (f *Folder) remove(ctx context.Context, snapshot *inventoryv1alpha1.InventorySnapshot) error {
	if err := f.wait(ctx, snapshot.Namespace); err != nil {
		return err
	}
	err := f.client.Delete(ctx, snapshot, client.Preconditions{ResourceVersion: &snapshot.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete InventorySnapshot %s: %w", snapshot.Name, err)
	}
	f.stock.RemoveSnapshot(snapshot)
	return nil
}

// foldPool goes on over the SKUs of a pass's first pool, rewrites the ranges that need it, and takes the
// pool off the pass at its end. It returns how many snapshots it wrote: about as many as it may at the most.
func (f *Folder) foldPool(ctx context.Context, key ledger.PoolKey, p *pass, most int) (writes int, err error) {
	for {
		pl, ok := f.next(key, p.from)
		if !ok {
			break
		}
		pl.uid = p.uid
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
		if err := f.remove(ctx, snapshot); err != nil {
			return writes, err
		}
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
func (f *Folder) wait(ctx context.Context, namespace string) error {
	if err := f.admit(ctx, namespace); err != nil {
		return fmt.Errorf("wait for the budget of writes: %w", err)
	}
	if !f.held() {
		return errNotHeld
	}
	return nil
}
