package simulation

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers"
	"tallyman.dev/tallyman/controllers/budget"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// This file alone knows how a leader is put together.

// sizes make a dozen SKUs enough for splits and merges.
var sizes = fold.Sizes{Target: 4, SplitAbove: 6, MergeUpTo: 2}

// leader is what a process runs while it leads: the engine, and the reconcilers.
type leader struct {
	process        *process
	direct, cached *memory
	store          *ledger.Store
	tables         *syncstate.Tables
	runner         *channelsync.Runner

	channels, locations, jobs *reconciling
}

func newLeader(m *memory, market *market, p *process) *leader {
	direct, cached := m.of(p)
	l := &leader{process: p, direct: direct, cached: cached, store: ledger.NewStore()}
	l.tables = syncstate.NewTables(l.store, cached, clock.RealClock{})
	l.runner = channelsync.New(channelsync.Options{
		Stock: l.store, Tables: l.tables, Client: cached, Clock: clock.RealClock{}, Limits: channelsync.Limits{
			RunItems: 5, IdleWindow: 5 * time.Millisecond, MaxWindow: 50 * time.Millisecond, RecordWindow: time.Second,
		},
	})
	registry, err := channel.NewRegistry(channel.Registration{Type: inventoryv1alpha1.ChannelOmni, Factory: market.factory(p)})
	if err != nil {
		panic(err)
	}
	backpressure := ledger.NewBackpressure(l.store.Log(), logLimits, clock.RealClock{})
	l.channels = newReconciling(&controllers.ChannelReconciler{
		Client: cached, Runner: l.runner, Registry: registry, Recorder: silence{}, Clock: clock.RealClock{},
	})
	l.locations = newReconciling(&controllers.LocationReconciler{
		Client: cached, Store: l.store, Runner: l.runner, Backpressure: backpressure, Recorder: silence{}, Clock: clock.RealClock{},
	})
	l.jobs = newReconciling(&controllers.ChannelSyncJobReconciler{Client: cached, Runner: l.runner, Clock: clock.RealClock{}})
	return l
}

var logLimits = ledger.LogLimits{Batches: 1000, Bytes: 1 << 30}

// run leads until the context ends.
func (l *leader) run(ctx context.Context) {
	defer l.close()
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { l.followBatches(ctx) })
	running.Go(func() { l.followSnapshots(ctx) })
	for l.store.Load(ctx, l.direct, nil) != nil {
		if !pause(ctx, 10*time.Millisecond) {
			return
		}
	}
	writes := budget.New(40, nil, clock.RealClock{})
	running.Go(func() { _ = l.runner.Run(ctx, l.process.term()) })
	for _, r := range []manager.Runnable{
		fold.New(fold.Options{
			Store: l.store, Client: l.cached, Reader: l.direct, States: l.tables, Clock: clock.RealClock{}, Sizes: sizes, Held: l.process.held,
			Admit: func(ctx context.Context, namespace string) error { return writes.Wait(ctx, budget.Snapshot, namespace) },
		}),
		fold.NewTrimmer(fold.TrimmerOptions{
			Log: l.store.Log(), Client: l.cached, Clock: clock.RealClock{}, Retention: 500 * time.Millisecond, Keep: 3, Limits: logLimits,
		}),
	} {
		running.Go(func() { _ = r.Start(ctx) })
	}
	for !l.runner.Running() {
		if !pause(ctx, time.Millisecond) {
			return
		}
	}
	running.Go(func() { l.channels.run(ctx) })
	running.Go(func() { l.locations.run(ctx) })
	running.Go(func() { l.jobs.run(ctx) })
	running.Go(func() { l.followConfiguration(ctx) })
	running.Go(func() { l.followLanes(ctx) })
}

// followLanes has Channels reconciled whose lanes have something to report.
func (l *leader) followLanes(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.runner.Changed():
		}
		for _, key := range l.runner.TakeChanged() {
			l.channels.queue.AddAfter(reconcile.Request{NamespacedName: key}, 500*time.Millisecond)
		}
	}
}

func (l *leader) close() {
	for _, r := range []*reconciling{l.channels, l.locations, l.jobs} {
		r.queue.ShutDown()
	}
}

func (l *leader) followBatches(ctx context.Context) {
	watch(ctx, l.direct, func(s *inventoryv1alpha1.InventoryBatch, gone bool) {
		if gone {
			l.store.Log().Remove(client.ObjectKeyFromObject(s))
			return
		}
		l.store.ApplyBatch(s)
	})
}

func (l *leader) followSnapshots(ctx context.Context) {
	watch(ctx, l.direct, func(s *inventoryv1alpha1.InventorySnapshot, gone bool) {
		if gone {
			l.store.RemoveSnapshot(s)
			return
		}
		l.store.PutSnapshot(s)
	})
}

// followConfiguration asks for reconciliations as the reconcilers' own watches do.
func (l *leader) followConfiguration(ctx context.Context) {
	var following sync.WaitGroup
	defer following.Wait()
	channels, locations := specs{}, specs{}
	following.Go(func() {
		watch(ctx, l.direct, func(ch *inventoryv1alpha1.Channel, gone bool) {
			if channels.changed(ch, gone) {
				l.channels.add(ch)
			}
		})
	})
	following.Go(func() {
		watch(ctx, l.direct, func(location *inventoryv1alpha1.Location, gone bool) {
			l.locations.add(location)
			if locations.changed(location, gone) {
				l.addChannels(func(ch *inventoryv1alpha1.Channel) bool {
					return ch.Namespace == location.Namespace && ch.Spec.ClientRef == location.Spec.ClientRef
				})
			}
		})
	})
	following.Go(func() {
		watch(ctx, l.direct, func(secret *corev1.Secret, _ bool) {
			l.addChannels(func(ch *inventoryv1alpha1.Channel) bool {
				return ch.Namespace == secret.Namespace && ch.Spec.CredentialsSecretRef.Name == secret.Name
			})
		})
	})
	following.Go(func() {
		watch(ctx, l.direct, func(job *inventoryv1alpha1.ChannelSyncJob, _ bool) { l.jobs.add(job) })
	})
}

func (l *leader) addChannels(which func(*inventoryv1alpha1.Channel) bool) {
	for _, ch := range stored[*inventoryv1alpha1.Channel](l.cached) {
		if which(ch) {
			l.channels.add(ch)
		}
	}
}

// specs remember what objects were wanted to be.
type specs map[types.NamespacedName]string

// changed reports whether more than the status of an object has changed.
func (s specs) changed(obj client.Object, gone bool) bool {
	key := client.ObjectKeyFromObject(obj)
	if gone {
		delete(s, key)
		return true
	}
	is := fmt.Sprint(obj.GetUID(), obj.GetGeneration(), obj.GetLabels(), obj.GetAnnotations(), obj.GetDeletionTimestamp())
	was := s[key]
	s[key] = is
	return is != was
}

// reconciling runs a reconciler as controller-runtime does.
type reconciling struct {
	reconcile.Reconciler
	queue workqueue.TypedRateLimitingInterface[reconcile.Request]
}

func newReconciling(r reconcile.Reconciler) *reconciling {
	return &reconciling{r, workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[reconcile.Request]())}
}

func (r *reconciling) add(obj client.Object) {
	r.queue.Add(reconcile.Request{NamespacedName: client.ObjectKeyFromObject(obj)})
}

func (r *reconciling) run(ctx context.Context) {
	const workers = 4
	stop := context.AfterFunc(ctx, r.queue.ShutDown)
	defer stop()
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for r.next(ctx) {
			}
		})
	}
	running.Wait()
}

func (r *reconciling) next(ctx context.Context) bool {
	req, shutdown := r.queue.Get()
	if shutdown {
		return false
	}
	defer r.queue.Done(req)
	result, err := r.Reconcile(ctx, req)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		r.queue.AddRateLimited(req)
	case result.RequeueAfter > 0:
		r.queue.Forget(req)
		r.queue.AddAfter(req, result.RequeueAfter)
	default:
		r.queue.Forget(req)
	}
	return true
}

// silence records no events.
type silence struct{}

// Eventf implements events.EventRecorder.
func (silence) Eventf(_, _ runtime.Object, _, _, _, _ string, _ ...any) {}

// dueAfterRestart returns what a restart at this instant would find due for a channel from stored objects alone: the
// SKUs by name of the location.
func dueAfterRestart(ctx context.Context, m *memory, key types.NamespacedName) map[string]map[string]bool {
	still := m.snapshot()
	for _, ch := range stored[*inventoryv1alpha1.Channel](still) { // so that nothing is pushed
		ch.Spec.Suspend = new(true)
		still.objects["Channel"][client.ObjectKeyFromObject(ch)] = ch
	}
	ctx, stop := context.WithCancel(ctx)
	l := newLeader(still, newMarket(), &process{kill: stop})
	defer l.close()
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	if err := l.store.Load(ctx, l.cached, nil); err != nil {
		panic(err)
	}
	running.Go(func() { _ = l.runner.Run(ctx, &channelsync.Term{Revision: 1}) })
	for !l.runner.Running() {
		pause(ctx, time.Nanosecond)
	}
	_, _ = l.channels.Reconcile(ctx, reconcile.Request{NamespacedName: key})
	due := map[string]map[string]bool{}
	for _, location := range stored[*inventoryv1alpha1.Location](still) {
		if location.Namespace == key.Namespace {
			due[location.Name] = l.due(client.ObjectKeyFromObject(location), key.Name)
		}
	}
	return due
}

// due returns the SKUs of a location that a channel has to be told of. What a snapshot would say of it says so.
func (l *leader) due(location types.NamespacedName, channel string) map[string]bool {
	out := map[string]bool{}
	for _, id := range []int64{0, 1} { // the channel sells from some, of which any says all
		pool, skus := ledger.PoolKey{Location: location, PoolID: id}, all(0)
		listed := []inventoryv1alpha1.SnapshotChannel{{Name: channel}}
		for _, c := range l.tables.SnapshotChannels(context.Background(), pool, l.store.Now(), skus, listed, nil) {
			if c.Name != channel {
				continue
			}
			for _, sku := range c.Pending {
				out[sku] = true
			}
			for _, f := range c.Failures {
				out[f.SKU] = true
			}
		}
	}
	return out
}
