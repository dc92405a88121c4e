package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/ledger"
)

const (
	namespace = "ns"
	pool      = int64(0)
)

var (
	locations = []string{"wd1", "wd2"}
	skus      = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}

	// sizes make a dozen SKUs enough for splits and merges.
	sizes = fold.Sizes{Target: 3, SplitAbove: 5, MergeUpTo: 2}
)

// register names a quantity of the history.
func register(location, sku string) string { return location + "/" + sku }

// shop is a channel. Its calls fail before or after they are carried out while the API server is faulty.
type shop struct {
	*memory
	channel *inventoryv1alpha1.Channel

	stocked sync.Mutex
	stock   map[string]int64 // by register, with an empty location in Consolidated mode
}

func newShop(m *memory, mode inventoryv1alpha1.ChannelMode) *shop {
	name := types.NamespacedName{Namespace: namespace, Name: "shop-" + string(mode)}
	return &shop{memory: m, stock: map[string]int64{}, channel: &inventoryv1alpha1.Channel{
		ObjectMeta: metav1.ObjectMeta{Namespace: name.Namespace, Name: name.Name, UID: types.UID(name.Name)},
		Spec:       inventoryv1alpha1.ChannelSpec{Mode: mode},
	}}
}

func (s *shop) Limits() channel.Limits {
	return channel.Limits{BatchSize: 4, MaxParallel: 2, OneLocationPerCall: true}
}

func (s *shop) Probe(context.Context) error { return nil }

// Push never carries a call out after its sender has gone: no channel without sequence numbers could
// then be kept right.
func (s *shop) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	fault := s.n(12)
	if !pause(ctx, s.upTo(50*time.Millisecond)) {
		if fault > 5 {
			s.take(batch)
		}
		return channel.Result{}, ctx.Err()
	}
	if faulty := s.isFaulty(); faulty && fault == 0 {
		return channel.Result{}, errLost
	} else if faulty && fault == 1 {
		s.take(batch)
		return channel.Result{}, errLost
	}
	s.take(batch)
	return channel.Result{}, nil
}

func (s *shop) take(batch channel.Batch) {
	s.stocked.Lock()
	defer s.stocked.Unlock()
	for _, it := range batch.Items {
		location := it.LocationCode
		if batch.Mode == inventoryv1alpha1.Consolidated {
			location = ""
		}
		s.stock[register(location, it.SKU)] = it.Quantity
	}
}

// quantity returns what the channel has; unset where it was never told.
func (s *shop) quantity(location, sku string, unset int64) int64 {
	s.stocked.Lock()
	defer s.stocked.Unlock()
	if q, ok := s.stock[register(location, sku)]; ok {
		return q
	}
	return unset
}

// leader is what a replica runs while it leads, but for the reconcilers, whose part here is small.
type leader struct {
	*memory
	shops   []*shop
	store   *ledger.Store
	planner *channelsync.Planner
}

// lead runs a leader until the context ends, which is as good as a crash: what is under way is cut off.
func lead(ctx context.Context, m *memory, shops []*shop) {
	store := ledger.NewStore()
	options := channelsync.Options{JobItems: 5, IdleWindow: 5 * time.Millisecond, MaxWindow: 50 * time.Millisecond}
	l := &leader{m, shops, store, &channelsync.Planner{Store: store, Client: m, Clock: clock.RealClock{}, Options: options}}
	var running sync.WaitGroup
	defer running.Wait()
	for store.Load(ctx, m, []string{namespace}) != nil {
		if !pause(ctx, 10*time.Millisecond) {
			return
		}
	}
	running.Go(func() { l.followBatches(ctx) })
	running.Go(func() { l.followSnapshots(ctx) })
	for _, r := range []manager.Runnable{
		l.planner,
		fold.New(fold.Options{Store: store, Client: m, Reader: m, States: l.planner, Clock: clock.RealClock{}, Writes: rate.NewLimiter(20, 5), Sizes: sizes}),
		fold.NewTrimmer(fold.TrimmerOptions{
			Log: store.Log(), Client: m, Clock: clock.RealClock{}, Retention: 500 * time.Millisecond, Keep: 3,
			Limits: ledger.LogLimits{Batches: 1000, Bytes: 1 << 30},
		}),
	} {
		running.Go(func() { _ = r.Start(ctx) })
	}
	for !l.planner.Started() {
		if !pause(ctx, time.Millisecond) {
			return
		}
	}
	l.configure()
	for pause(ctx, 500*time.Millisecond) {
		l.report()
	}
}

func (l *leader) followBatches(ctx context.Context) {
	watch(ctx, l.memory, func(s *inventoryv1alpha1.InventoryBatch, gone bool) {
		if gone {
			l.store.Log().Remove(client.ObjectKeyFromObject(s))
			return
		}
		l.store.ApplyBatch(s)
	})
}

func (l *leader) followSnapshots(ctx context.Context) {
	watch(ctx, l.memory, func(s *inventoryv1alpha1.InventorySnapshot, gone bool) {
		if gone {
			l.store.RemoveSnapshot(s)
			return
		}
		l.store.PutSnapshot(s)
	})
}

// configure does as the reconcilers of Channels and jobs do after a start.
func (l *leader) configure() {
	everything, err := exposure.New(nil)
	if err != nil {
		panic(err)
	}
	for _, s := range l.shops {
		l.mu.Lock()
		ch := s.channel.DeepCopy()
		l.mu.Unlock()
		cfg := channelsync.Config{Channel: ch, Connector: s, Digest: "d", SyncDigest: "s", Exposure: everything}
		for _, name := range locations {
			cfg.Locations = append(cfg.Locations, channelsync.Location{Name: name, Code: name, Selected: true})
		}
		l.planner.Configure(cfg)
	}
	for _, job := range stored[*inventoryv1alpha1.ChannelSyncJob](l.memory) {
		if job.Status.CompletionTime == nil {
			l.planner.Redo(types.NamespacedName{Namespace: namespace, Name: job.Spec.ChannelRef.Name}, job.Spec.Items)
		}
	}
}

// report does as the reconciler of Channels does now and then.
func (l *leader) report() {
	for _, s := range l.shops {
		report, _ := l.planner.Report(client.ObjectKeyFromObject(s.channel))
		l.mu.Lock()
		if report.Settled {
			s.channel.Status.SyncedConfig = report.SyncDigest
		}
		s.channel.Status.NextAttemptTime = nil
		if !report.NextAttempt.IsZero() {
			s.channel.Status.NextAttemptTime = &metav1.Time{Time: report.NextAttempt}
		}
		s.channel.Status.ConsecutiveFailures = &report.Failures
		l.mu.Unlock()
	}
}

// differences tells why the snapshots and the channels are not yet what they must end with.
func differences(m *memory, shops []*shop) error {
	folded, all := ledger.NewStore(), ledger.NewStore()
	var errs []error
	for _, snapshot := range stored[*inventoryv1alpha1.InventorySnapshot](m) {
		if snapshot.PendingCount > 0 {
			errs = append(errs, fmt.Errorf("%d SKUs of snapshot %s [%q, %q) of %s are pending: %+v",
				snapshot.PendingCount, snapshot.Name, snapshot.From, snapshot.To, snapshot.LocationName, snapshot.Channels))
		}
		folded.PutSnapshot(snapshot.DeepCopy())
	}
	if err := all.Load(context.Background(), m, []string{namespace}); err != nil {
		return err
	}
	for _, sku := range skus {
		var sum int64
		told := false
		for _, location := range locations {
			want, known := quantity(all, location, sku)
			if got, _ := quantity(folded, location, sku); got != want {
				errs = append(errs, fmt.Errorf("%s of %s: the snapshots say %d, with the log it is %d", sku, location, got, want))
			}
			if got := shops[0].quantity(location, sku, unset); got != want {
				errs = append(errs, fmt.Errorf("%s of %s: the channel has %d, want %d", sku, location, got, want))
			}
			if known {
				sum, told = sum+want, true
			}
		}
		if !told {
			sum = unset
		}
		if got := shops[1].quantity("", sku, unset); got != sum {
			errs = append(errs, fmt.Errorf("%s: the consolidated channel has %d, want %d", sku, got, sum))
		}
	}
	return errors.Join(errs...)
}

func quantity(s *ledger.Store, location, sku string) (int64, bool) {
	key := ledger.PoolKey{Location: ledger.LocationKey{Namespace: namespace, Name: location}, PoolID: pool}
	q, ok := s.Quantity(key, sku)
	if !ok {
		return unset, false
	}
	return int64(q), true
}
