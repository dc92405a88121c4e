package simulation

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/hack/history"
	"tallyman.dev/tallyman/webhook/commit"
)

const (
	unset   = history.Unset
	senders = 4
	batches = 6 // of each sender

	// patience is how long, in simulated time, everything may take to come right after the last fault: calls
	// pause for up to five minutes.
	patience = time.Hour
)

var (
	histories = flag.Int("histories", 40, "how many histories are simulated")
	first     = flag.Uint64("first-seed", 1, "seed of the first one")
)

func init() { log.SetLogger(logr.Discard()) } // faults are the point

// TestHistories simulates histories of one tenant that many write for. A failure names its seed; goroutines may
// still take turns in another order when it is repeated.
func TestHistories(t *testing.T) {
	t.Parallel()
	play(t, *histories, simulate)
}

// play plays stories with seeds one after the other, some at once, until one has failed.
func play(t *testing.T, n int, story func(t *testing.T, seed uint64)) {
	const workers = 8
	seeds := make(chan uint64)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for seed := range seeds {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { story(t, seed) })
				})
			}
		})
	}
	for i := range uint64(n) {
		if t.Failed() {
			break
		}
		seeds <- *first + i
	}
	close(seeds)
	running.Wait()
}

// BenchmarkHistories tells how many histories are simulated in a second.
func BenchmarkHistories(b *testing.B) {
	seed := *first
	for b.Loop() {
		seed++
		result := testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{
			Name: "history", F: func(t *testing.T) { synctest.Test(t, func(t *testing.T) { simulate(t, seed) }) },
		}})
		if !result {
			b.Fatalf("seed %d failed", seed)
		}
	}
}

// simulate lets senders put batches through two replicas while leaders come and go.
func simulate(t *testing.T, seed uint64) {
	c := &chance{rand: rand.New(rand.NewPCG(seed, 0))}
	w := newWorld(c)
	tenant := w.settle("ns", "c", []int64{0}, "WD1", "WD2")
	shops := []*shop{
		tenant.createChannel(c, "wise", inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise}),
		tenant.createChannel(c, "whole", inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.Consolidated}),
	}
	for _, s := range shops {
		s.mood = flaky
	}
	recorder := history.New()
	replicas := []*commit.Writer{newReplica(w.api), newReplica(w.api)}
	var sending, leading sync.WaitGroup
	for n := range senders {
		sending.Go(func() { send(t, c, recorder, replicas[n%len(replicas)], tenant, n) })
	}
	calm, last := make(chan struct{}), make(chan context.CancelFunc, 1)
	leading.Go(func() { last <- disturb(c, w, calm, &leading) })
	sending.Wait()
	close(calm)
	w.calmDown()
	if err := w.comeRight(t.Context(), w.logged); err != nil {
		t.Error(err)
	}
	for _, code := range tenant.codes {
		for _, sku := range skus {
			q, told := shops[0].quantity(listing{code, sku})
			if !told {
				q = unset
			}
			recorder.Read(recorder.Begin(), register(code, sku), q)
		}
	}
	if err := recorder.Check(); err != nil {
		t.Error(err)
		for _, code := range tenant.codes {
			for _, sku := range skus {
				if strings.Contains(err.Error(), " "+register(code, sku)+" ") {
					t.Log(w.trace(tenant.location(code), sku))
				}
			}
		}
	}
	(<-last)()
	leading.Wait()
	closeAll(t, replicas)
	w.api.awaitLate()
}

func newReplica(m *memory) *commit.Writer {
	return commit.New(commit.Options{Client: m, CreateTimeout: time.Second, ParallelSKUs: 2})
}

func closeAll(t *testing.T, replicas []*commit.Writer) {
	for _, r := range replicas {
		if err := r.Close(t.Context()); err != nil {
			t.Errorf("close a writer: %v", err)
		}
	}
}

// register names a quantity of the history.
func register(location, sku string) string { return location + "/" + sku }

// logged returns the quantities as somebody reads them who knows nothing: some batches' outcomes are unknown to those
// who sent them.
func (w *world) logged() stock {
	store := ledger.NewStore()
	if err := store.Load(context.Background(), w.api.snapshot(), nil); err != nil {
		panic(err)
	}
	out := stock{}
	for _, t := range w.tenants {
		for _, code := range t.codes {
			for _, id := range t.pools {
				key := ledger.PoolKey{Location: t.location(code), PoolID: id}
				quantities := map[string]int64{}
				for _, sku := range skus {
					if q, known := store.Quantity(key, sku); known {
						quantities[sku] = int64(q)
					}
				}
				if len(quantities) > 0 {
					out[poolKey{t.location(code), id}] = quantities
				}
			}
		}
	}
	return out
}

// send puts batches one after the other, most of them through its own replica.
func send(t *testing.T, c *chance, r *history.Recorder, w *commit.Writer, tenant *tenant, sender int) {
	for n := range batches {
		var stock []inventoryv1alpha1.LocationStock
		values := map[string]int64{}
		codes := tenant.codes
		from := c.n(len(codes))
		for _, code := range codes[from : from+1+c.n(len(codes)-from)] {
			quantities := map[string]inventoryv1alpha1.Quantity{}
			for range 1 + c.n(5) {
				sku, q := skus[c.n(len(skus))], sender*100+n
				if c.n(4) == 0 {
					q = c.n(3) // that come again: a quantity that does not change is special
				}
				quantities[sku], values[register(code, sku)] = inventoryv1alpha1.Quantity(q), int64(q)
			}
			stock = append(stock, inventoryv1alpha1.LocationStock{LocationName: tenant.location(code).Name, Quantities: quantities})
		}
		began := r.Begin()
		err := w.Write(t.Context(), []commit.Commit{{Namespace: tenant.namespace, Stock: stock}})[0]
		r.Write(began, err == nil, values)
		pause(t.Context(), c.upTo(400*time.Millisecond))
	}
}

// disturb has one leader after the other, each cut off at a random time, until calm is closed. The last one
// stays; it is ended by what disturb returns.
func disturb(c *chance, w *world, calm <-chan struct{}, leading *sync.WaitGroup) context.CancelFunc {
	for {
		ctx, crash := context.WithCancel(context.Background())
		gone := make(chan struct{})
		leading.Go(func() {
			defer close(gone)
			newLeader(w.api, w.market, &process{kill: crash}).run(ctx)
		})
		timer := time.NewTimer(c.upTo(1500 * time.Millisecond))
		select {
		case <-calm:
			timer.Stop()
			return crash
		case <-timer.C:
		}
		crash()
		<-gone
		pause(context.Background(), c.upTo(100*time.Millisecond))
	}
}
