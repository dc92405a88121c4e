package channelsync

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// testPatience bounds every wait of a test; it is never waited for in a test that passes.
const testPatience = 30 * time.Second

// spot is a location and a SKU, as a channel sees them.
type spot struct{ location, sku string }

// shop is a connector that behaves as a small channel and lets the test decide on each call.
type shop struct {
	limits channel.Limits
	calls  chan channel.Batch // every call, before it is answered

	mu     sync.Mutex
	have   map[spot]int64
	answer func(channel.Batch) (channel.Result, error)
	hold   chan struct{} // calls wait until it is closed; nil to go on at once

	unreadable error // why the channel cannot be read back; nil if it can
}

func newShop() *shop {
	return &shop{
		limits: channel.Limits{BatchSize: 100, MaxParallel: 1},
		calls:  make(chan channel.Batch, 1000),
		have:   map[spot]int64{},
	}
}

func (s *shop) Limits() channel.Limits      { return s.limits }
func (s *shop) Probe(context.Context) error { return nil }

func (s *shop) Push(ctx context.Context, b channel.Batch) (channel.Result, error) {
	s.calls <- b
	s.mu.Lock()
	hold, answer := s.hold, s.answer
	s.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return channel.Result{}, ctx.Err()
		}
	}
	var result channel.Result
	if answer != nil {
		var err error
		if result, err = answer(b); err != nil {
			return channel.Result{}, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, it := range b.Items {
		if result.Failures[i] == nil {
			at := it.LocationCode
			if b.Mode == inventoryv1alpha1.Consolidated {
				at = ""
			}
			s.have[spot{at, it.SKU}] = it.Quantity
		}
	}
	return result, nil
}

func (s *shop) set(answer func(channel.Batch) (channel.Result, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answer
}

func (s *shop) holdUntil(ch chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hold = ch
}

func (s *shop) quantity(location, sku string) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.have[spot{location, sku}]
	return q, ok
}

// harness is a Runner with one channel, on the real API server. It does the reconciler's part.
type harness struct {
	*testing.T
	store  *ledger.Store
	tables *syncstate.Tables
	runner *Runner
	term   *Term
	shop   *shop
	ch     *inventoryv1alpha1.Channel
	rev    int
}

func newHarness(t *testing.T, mutate func(*inventoryv1alpha1.Channel)) *harness {
	t.Helper()
	return newHarnessWithClock(t, mutate, clock.RealClock{})
}

// newStoppedHarness has a clock that only the test moves.
func newStoppedHarness(t *testing.T, mutate func(*inventoryv1alpha1.Channel)) (*harness, *clocktesting.FakeClock) {
	t.Helper()
	c := clocktesting.NewFakeClock(time.Now())
	return newHarnessWithClock(t, mutate, c), c
}

func newHarnessWithClock(t *testing.T, mutate func(*inventoryv1alpha1.Channel), c clock.WithTicker) *harness {
	t.Helper()
	ch := &inventoryv1alpha1.Channel{
		ObjectMeta: metav1.ObjectMeta{Namespace: env.Namespace(t), Name: "shop"},
		Spec: inventoryv1alpha1.ChannelSpec{
			ClientRef: inventoryv1alpha1.NameRef{Name: "c"}, Type: inventoryv1alpha1.ChannelOmni,
			Omni: &inventoryv1alpha1.OmniChannel{URL: "http://127.0.0.1:1/"},
		},
	}
	if mutate != nil {
		mutate(ch)
	}
	env.Create(t, ch)
	b := &harness{T: t, store: ledger.NewStore(), shop: newShop(), ch: ch, term: &Term{Revision: 1}, rev: 1000}
	b.tables = syncstate.NewTables(b.store, env.Client, c)
	b.runner = New(Options{Stock: b.store, Tables: b.tables, Client: env.Client, Clock: c, Limits: Limits{
		RunItems: DefaultRunItems, IdleWindow: time.Millisecond, MaxWindow: 10 * time.Millisecond, RecordWindow: 10 * time.Millisecond,
	}})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = b.runner.Run(ctx, b.term) })
	t.Cleanup(func() { cancel(); running.Wait() })
	b.await("the Runner to run", b.runner.Running)
	return b
}

// await polls for a state that no event announces.
func (b *harness) await(what string, ok func() bool) {
	b.Helper()
	deadline := time.NewTimer(testPatience)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			b.Fatalf("waited in vain for %s", what)
		}
	}
}

// stepUntil moves the clock on until something has happened.
func (b *harness) stepUntil(c *clocktesting.FakeClock, step time.Duration, what string, ok func() bool) {
	b.Helper()
	b.await(what, func() bool {
		if ok() {
			return true
		}
		c.Step(step)
		return false
	})
}

// call waits for the next call that the channel gets.
func (b *harness) call() channel.Batch {
	b.Helper()
	select {
	case batch := <-b.shop.calls:
		return batch
	case <-time.After(testPatience):
		b.Fatal("waited in vain for a call")
		return channel.Batch{}
	}
}

// send applies a batch as if it had been stored.
func (b *harness) send(location string, pool int64, q map[string]inventoryv1alpha1.Quantity) {
	b.rev++
	b.store.ApplyBatch(&inventoryv1alpha1.InventoryBatch{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.ch.Namespace, Name: fmt.Sprintf("snap-%d", b.rev), ResourceVersion: strconv.Itoa(b.rev),
		},
		RequestCount: 1, Stock: []inventoryv1alpha1.LocationStock{{LocationName: location, PoolID: pool, Quantities: q}},
	})
}

// configure gives the lane its channel, selling from locations whose code is their name in capitals.
func (b *harness) configure(digest string, locations ...syncstate.Location) {
	b.Helper()
	b.configureWith(Config{Connector: b.shop, Digest: digest}, "sync", nil, locations...)
}

// configureWith stores the epoch of a configuration, as the reconciler does, and gives it to the lane.
func (b *harness) configureWith(cfg Config, digest string, policy *exposure.Policy, locations ...syncstate.Location) {
	b.Helper()
	cfg.Settings = &syncstate.Settings{
		Mode: cmp.Or(b.ch.Spec.Mode, inventoryv1alpha1.LocationWise), Pools: b.ch.Pools(), Exposure: policy, Digest: digest, Locations: locations,
	}
	affected, all := cfg.Settings.Affected(b.runner.Settings(b.ch))
	b.ch.Status.Epochs = syncstate.NextEpochs(b.ch, cfg.Settings.EpochDigest(), affected, all)
	cfg.Channel = b.ch.DeepCopy()
	if !b.runner.Configure(cfg) {
		b.Fatal("the configuration was not taken")
	}
}

// listed returns what snapshots say of SKUs on the channel.
func (b *harness) listed(location string, q quantities) []inventoryv1alpha1.SnapshotChannel {
	pool := ledger.PoolKey{Location: ledger.LocationKey{Namespace: b.ch.Namespace, Name: location}}
	return b.tables.SnapshotChannels(b.Context(), pool, b.store.Now(), q, nil, nil)
}

func (b *harness) report() Report {
	b.Helper()
	r, ok := b.runner.Report(client.ObjectKeyFromObject(b.ch))
	if !ok {
		b.Fatal("the channel has no lane")
	}
	return r
}

// settled waits until nothing is due.
func (b *harness) settled() {
	b.Helper()
	b.await("everything to be in step", func() bool { return b.report().Pending == 0 })
}

func (b *harness) want(location, sku string, want int64) {
	b.Helper()
	if got, ok := b.shop.quantity(location, sku); !ok || got != want {
		b.Errorf("the channel has %d of %s at %q (known: %v), want %d", got, sku, location, ok, want)
	}
}

// jobs returns the finished jobs of the channel, once there are n.
func (b *harness) jobs(n int) []inventoryv1alpha1.ChannelSyncJob {
	b.Helper()
	var finished []inventoryv1alpha1.ChannelSyncJob
	b.await(fmt.Sprintf("%d finished jobs", n), func() bool {
		list := &inventoryv1alpha1.ChannelSyncJobList{}
		if err := env.Client.List(b.Context(), list, client.InNamespace(b.ch.Namespace)); err != nil {
			b.Fatal(err)
		}
		finished = nil
		for _, j := range list.Items {
			if j.Finished() {
				finished = append(finished, j)
			}
		}
		return len(finished) >= n
	})
	return finished
}

func selected(name string) syncstate.Location {
	return syncstate.Location{Name: name, Code: "CODE-" + name, Selected: true}
}

func deselected(name string) syncstate.Location {
	return syncstate.Location{Name: name, Code: "CODE-" + name}
}
