package simulation

import (
	"context"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/webhook/commit"
)

var (
	churns   = flag.Int("churns", 5, "how many stories of reconfiguration are simulated")
	askEvery = flag.Int("ask-every", 8, "one of how many calls is checked for that a restart would find its SKUs due")
)

// TestChurn simulates tenants that write and reconfigure while leaders, the API server and channels fail. What is done
// to whom follows from the seed; goroutines may take turns in another order when it is repeated. A failure prints the
// diary.
func TestChurn(t *testing.T) {
	t.Parallel()
	var done tally
	play(t, *churns, func(t *testing.T, seed uint64) { churn(t, seed, &done) })
	t.Logf("%d requests and calls; for a moment, %d calls left more shown than a total allows", done.steps, done.oversold)
}

// tally counts for many goroutines.
type tally struct {
	mu              sync.Mutex
	steps, oversold int
}

func (t *tally) add(w *world) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps += w.api.steps
	for _, s := range w.market.all() {
		t.steps += s.calls
		t.oversold += s.oversold
	}
}

func churn(t *testing.T, seed uint64, done *tally) {
	const rounds = 2
	chances := uint64(0)
	chance := func() *chance { // each actor's own, so that none of them changes another one's
		chances++
		return &chance{rand: rand.New(rand.NewPCG(seed, chances))}
	}
	w := newWorld(chance())
	w.settle("one", "alice", []int64{0, 1}, "WD", "STORE", "HUB")
	w.settle("one", "bob", []int64{0}, "WD", "STORE")
	w.settle("two", "carol", []int64{0, 1}, "WD", "STORE")
	for _, tenant := range w.tenants {
		tenant.channels = []string{"wise", "whole"}
		for _, name := range tenant.channels {
			tenant.openChannel(chance(), name)
		}
	}
	w.market.called = asking(t, w, chance())
	e := &election{world: w, chance: chance()}
	defer e.end()
	replica := newReplica(w.api)
	defer closeAll(t, []*commit.Writer{replica})
	for range rounds {
		ctx, calm := context.WithCancel(t.Context())
		var acting sync.WaitGroup
		for _, tenant := range w.tenants {
			writing, gardening := chance(), chance()
			acting.Go(func() { tenant.write(ctx, writing, replica) })
			acting.Go(func() { (&gardener{tenant, gardening}).work(ctx) })
		}
		weather := chance()
		acting.Go(func() { w.weather(ctx, weather) })
		w.api.setFaulty(true)
		e.hold(ctx)
		calm()
		acting.Wait()
		w.calmDown()
		w.note("peace")
		if err := w.comeRight(t.Context(), w.acknowledged); err != nil {
			t.Errorf("%v\n%s", err, w.story())
			break
		}
	}
	done.add(w)
}

// write stores batches until the context ends, each until it is acknowledged.
func (t *tenant) write(ctx context.Context, c *chance, replica *commit.Writer) {
	for pause(ctx, c.upTo(500*time.Millisecond)) {
		t.writing <- struct{}{}
		t.writeOne(c, replica)
		<-t.writing
	}
}

func (t *tenant) writeOne(c *chance, replica *commit.Writer) {
	var stock []inventoryv1alpha1.LocationStock
	for _, code := range t.codes {
		l, there := present[*inventoryv1alpha1.Location](t.api, t.location(code))
		if !there || l.DeletionTimestamp != nil || c.n(2) == 0 {
			continue
		}
		quantities := map[string]inventoryv1alpha1.Quantity{}
		for range 1 + c.n(5) {
			quantities[skus[c.n(len(skus))]] = inventoryv1alpha1.Quantity(c.n(10))
		}
		stock = append(stock, inventoryv1alpha1.LocationStock{
			LocationName: l.Name, PoolID: t.pools[c.n(len(t.pools))], Quantities: quantities,
		})
	}
	if len(stock) == 0 {
		return
	}
	for replica.Write(context.Background(), []commit.Commit{{Namespace: t.namespace, Stock: stock}})[0] != nil {
		pause(context.Background(), 100*time.Millisecond)
	}
	for _, s := range stock {
		t.acknowledge(poolKey{types.NamespacedName{Namespace: t.namespace, Name: s.LocationName}, s.PoolID}, s.Quantities)
	}
}

// weather has the API server refuse writes now and then.
func (w *world) weather(ctx context.Context, c *chance) {
	for pause(ctx, c.upTo(10*time.Second)) {
		w.note("the API server refuses writes")
		w.api.refuse(true)
		pause(ctx, c.upTo(2*time.Second))
		w.api.refuse(false)
	}
}

// asking returns what asks, before some calls, whether a restart would find their SKUs due.
func asking(t *testing.T, w *world, c *chance) func(*connector, channel.Batch) {
	return func(from *connector, batch channel.Batch) {
		key := client.ObjectKeyFromObject(from.channel)
		ch, there := present[*inventoryv1alpha1.Channel](w.api, key)
		if !there || ch.UID != from.channel.UID || !from.process.held() || c.n(*askEvery) > 0 {
			return // of a channel that is gone, nothing is due
		}
		assertDueAfterRestart(t, w, ch, batch)
	}
}

// assertDueAfterRestart wants every SKU of a call, which is about to be made, to be found due by a restart at this instant
// from the stored objects alone.
func assertDueAfterRestart(t *testing.T, w *world, ch *inventoryv1alpha1.Channel, batch channel.Batch) {
	if compare := ch.Spec.Compare; compare != nil {
		if last := ch.Status.LastCompareTime; last == nil || time.Since(last.Time) >= compare.Interval.Duration {
			return // a restart would compare, and find out as well
		}
	}
	due := dueAfterRestart(context.Background(), w.api, client.ObjectKeyFromObject(ch))
	for _, tenant := range w.tenants {
		if ch.Namespace != tenant.namespace || ch.Spec.ClientRef.Name != tenant.name {
			continue
		}
		for _, it := range batch.Items {
			if !tenant.due(ch, due, it) && !w.told(tenant, ch, it) {
				t.Errorf("channel %s is about to be told %d of %s at %q, which a restart would not find due\n%s",
					ch.Name, it.Quantity, it.SKU, it.LocationCode, w.story())
			}
		}
	}
}

// told reports whether an item tells a channel what it is to be shown: where nothing is due, it has been told so.
func (w *world) told(t *tenant, ch *inventoryv1alpha1.Channel, it channel.Item) bool {
	want, _ := t.shown(ch, w.logged())
	at := listing{it.LocationCode, it.SKU}
	if ch.Spec.Mode == inventoryv1alpha1.Consolidated {
		at.code = ""
	}
	q, known := want[at]
	return known && q == it.Quantity
}

// due reports whether an item is among what is due, by Location and SKU.
func (t *tenant) due(ch *inventoryv1alpha1.Channel, due map[string]map[string]bool, it channel.Item) bool {
	if policy, err := exposure.New(ch.Spec.Exposure); err != nil || !policy.Pushes(it.SKU) {
		return true // by now, nobody is told of it
	}
	if ch.Spec.Mode != inventoryv1alpha1.Consolidated {
		return due[t.location(it.LocationCode).Name][it.SKU]
	}
	for _, code := range t.codes {
		if due[t.location(code).Name][it.SKU] {
			return true
		}
	}
	return false
}
