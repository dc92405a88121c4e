package simulation

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
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
	histories = flag.Int("histories", 300, "how many histories are simulated")
	first     = flag.Uint64("first-seed", 1, "seed of the first one")
)

func init() { log.SetLogger(logr.Discard()) } // faults are the point

// TestHistories simulates histories. A failure names its seed; goroutines may still take turns in
// another order when it is repeated.
func TestHistories(t *testing.T) {
	t.Parallel()
	const workers = 8
	seeds := make(chan uint64)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for seed := range seeds {
				t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
				})
			}
		})
	}
	for i := range uint64(*histories) {
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
	m := newMemory(c)
	for _, name := range locations {
		m.put(&inventoryv1alpha1.Location{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	}
	shops := []*shop{newShop(m, inventoryv1alpha1.LocationWise), newShop(m, inventoryv1alpha1.Consolidated)}
	recorder := history.New()
	replicas := []*commit.Writer{
		commit.New(commit.Options{Client: m, CreateTimeout: time.Second, ParallelSKUs: 2}),
		commit.New(commit.Options{Client: m, CreateTimeout: time.Second, ParallelSKUs: 2}),
	}
	var sending, leading sync.WaitGroup
	for n := range senders {
		sending.Go(func() { send(t, c, recorder, replicas[n%len(replicas)], n) })
	}
	calm, last := make(chan struct{}), make(chan context.CancelFunc, 1)
	leading.Go(func() { last <- disturb(c, m, shops, calm, &leading) })
	sending.Wait()
	close(calm)
	m.setFaulty(false)
	m.awaitLate()
	deadline := time.Now().Add(patience)
	err := differences(m, shops)
	for err != nil && time.Now().Before(deadline) {
		pause(t.Context(), time.Second)
		err = differences(m, shops)
	}
	if err != nil {
		t.Errorf("after %s of peace:\n%v", patience, err)
	}
	for _, location := range locations {
		for _, sku := range skus {
			recorder.Read(recorder.Begin(), register(location, sku), shops[0].quantity(location, sku, unset))
		}
	}
	if err := recorder.Check(); err != nil {
		t.Error(err)
	}
	(<-last)()
	leading.Wait()
	for _, w := range replicas {
		if err := w.Close(t.Context()); err != nil {
			t.Errorf("close a writer: %v", err)
		}
	}
	m.awaitLate()
}

// send puts batches one after the other, most of them through its own replica.
func send(t *testing.T, c *chance, r *history.Recorder, w *commit.Writer, sender int) {
	for n := range batches {
		var stock []inventoryv1alpha1.LocationStock
		values := map[string]int64{}
		from := c.n(len(locations))
		for _, location := range locations[from : from+1+c.n(len(locations)-from)] {
			quantities := map[string]inventoryv1alpha1.Quantity{}
			for range 1 + c.n(5) {
				sku, q := skus[c.n(len(skus))], sender*100+n
				if c.n(4) == 0 {
					q = c.n(3) // that come again: a quantity that does not change is special
				}
				quantities[sku], values[register(location, sku)] = inventoryv1alpha1.Quantity(q), int64(q)
			}
			stock = append(stock, inventoryv1alpha1.LocationStock{LocationName: location, PoolID: pool, Quantities: quantities})
		}
		began := r.Begin()
		err := w.Write(t.Context(), []commit.Commit{{Namespace: namespace, Stock: stock}})[0]
		r.Write(began, err == nil, values)
		pause(t.Context(), c.upTo(400*time.Millisecond))
	}
}

// disturb has one leader after the other, each cut off at a random time, until calm is closed. The last one
// stays; it is ended by what disturb returns.
func disturb(c *chance, m *memory, shops []*shop, calm <-chan struct{}, leading *sync.WaitGroup) context.CancelFunc {
	for {
		ctx, crash := context.WithCancel(context.Background())
		gone := make(chan struct{})
		leading.Go(func() {
			defer close(gone)
			lead(ctx, m, shops)
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
