package fold_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/time/rate"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/hack/testenv"
)

type quantities = map[string]inventoryv1alpha1.Quantity

// keep leaves what snapshots say of channels as it is.
type keep struct{}

func (keep) SnapshotChannels(_ context.Context, _ ledger.PoolKey, _ uint64, skus map[string]inventoryv1alpha1.Quantity,
	previous []inventoryv1alpha1.SnapshotChannel, changed sets.Set[string],
) []inventoryv1alpha1.SnapshotChannel {
	out := make([]inventoryv1alpha1.SnapshotChannel, 0, len(previous))
	for _, was := range previous {
		pending := sets.New(was.Pending...).Union(changed)
		was.Pending = sets.List(pending.Intersection(sets.KeySet(skus)))
		was.Failures = slices.DeleteFunc(slices.Clone(was.Failures), func(f inventoryv1alpha1.SKUFailure) bool {
			_, listed := skus[f.SKU]
			return !listed || pending.Has(f.SKU)
		})
		out = append(out, was)
	}
	return out
}

func (keep) Touched() <-chan struct{} { return nil }

func (keep) TakeTouched() map[ledger.PoolKey][]string { return nil }

// harness is a Location on the API server.
type harness struct {
	*testing.T
	key ledger.LocationKey
}

func newHarness(t *testing.T) harness {
	t.Helper()
	ns := env.Namespace(t)
	env.Create(t, &inventoryv1alpha1.Location{
		ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "wd003"},
		Spec:       inventoryv1alpha1.LocationSpec{ClientRef: inventoryv1alpha1.NameRef{Name: "c"}, Code: "wd003"},
	})
	return harness{t, ledger.LocationKey{Namespace: ns, Name: "wd003"}}
}

// send stores an InventoryBatch as the ingress does.
func (p harness) send(pool int64, q quantities) {
	p.Helper()
	batch := testenv.Batch(inventoryv1alpha1.LocationStock{LocationName: p.key.Name, PoolID: pool, Quantities: q})
	batch.Namespace, batch.GenerateName = p.key.Namespace, "wd003-"
	env.Create(p, batch)
}

// load reads the ledger as a new leader does.
func (p harness) load() *ledger.Store {
	p.Helper()
	s := ledger.NewStore()
	if err := s.Load(p.Context(), env.Client, []string{p.key.Namespace}); err != nil {
		p.Fatalf("Load: %v", err)
	}
	return s
}

func (p harness) fold(s *ledger.Store, c client.Client) error {
	f := fold.New(fold.Options{Store: s, Client: c, Reader: c, States: keep{}, Clock: clock.RealClock{}})
	return f.Fold(p.Context(), p.key)
}

// stored reads the snapshots alone, and checks that they divide the SKUs among themselves.
func (p harness) stored(pool int64) quantities {
	p.Helper()
	list := &inventoryv1alpha1.InventorySnapshotList{}
	if err := env.Client.List(p.Context(), list, client.InNamespace(p.key.Namespace)); err != nil {
		p.Fatal(err)
	}
	items := slices.DeleteFunc(list.Items, func(s inventoryv1alpha1.InventorySnapshot) bool { return s.PoolID != pool })
	slices.SortFunc(items, func(a, b inventoryv1alpha1.InventorySnapshot) int { return strings.Compare(a.From, b.From) })
	out, end := quantities{}, ""
	for i, s := range items {
		if s.From != end || (i > 0 && end == "") {
			p.Errorf("snapshot %s starts at %q, but the one before ends at %q", s.Name, s.From, end)
		}
		end = s.To
		for sku, q := range s.SKUs {
			if sku < s.From || (s.To != "" && sku >= s.To) {
				p.Errorf("snapshot %s [%q, %q) holds %q", s.Name, s.From, s.To, sku)
			}
			out[sku] = q
		}
		if int(s.SKUCount) != len(s.SKUs) || len(s.SKUs) > 384 {
			p.Errorf("snapshot %s: skuCount %d, %d SKUs, want equal and at most 384", s.Name, s.SKUCount, len(s.SKUs))
		}
	}
	if end != "" {
		p.Errorf("the last snapshot ends at %q, want no end", end)
	}
	return out
}

// feed makes pages of a catalogue.
func feed(r *rand.Rand, skus, page int) []quantities {
	var pages []quantities
	for i := 0; i < skus; i += page {
		q := quantities{}
		for j := i; j < min(i+page, skus); j++ {
			q[fmt.Sprintf("SKU-%06d", j)] = inventoryv1alpha1.Quantity(r.IntN(1000))
		}
		pages = append(pages, q)
	}
	return pages
}

func TestFoldFullFeed(t *testing.T) {
	t.Parallel()
	for name, shuffled := range map[string]bool{"sorted": false, "shuffled": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newHarness(t)
			r := rand.New(rand.NewPCG(1, 2))
			pages, want := feed(r, 3000, 300), quantities{}
			if shuffled {
				r.Shuffle(len(pages), func(i, j int) { pages[i], pages[j] = pages[j], pages[i] })
			}
			s := p.load()
			for _, q := range pages {
				p.send(0, q)
				maps.Copy(want, q)
				if err := s.Load(t.Context(), env.Client, []string{p.key.Namespace}); err != nil {
					t.Fatal(err)
				}
				if err := p.fold(s, env.Client); err != nil {
					t.Fatalf("Fold: %v", err)
				}
			}
			if diff := cmp.Diff(want, p.stored(0)); diff != "" {
				t.Errorf("snapshots (-want +got):\n%s", diff)
			}
			location := &inventoryv1alpha1.Location{}
			if err := env.Client.Get(t.Context(), p.key, location); err != nil {
				t.Fatal(err)
			}
			if got := location.Status.SKUCount; got == nil || *got != 3000 {
				t.Errorf("status.skuCount = %v, want 3000", got)
			}
			if location.Status.LastBatchTime == nil || location.Status.FoldedRevision == "" {
				t.Errorf("status = %+v, want lastBatchTime and foldedRevision", location.Status)
			}
			if !s.Folded(p.key) {
				t.Error("the store still has something to fold")
			}
		})
	}
}

// TestFoldTellsTheLastChange compares what snapshots say with when their records were stored.
func TestFoldTellsTheLastChange(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	p.send(0, quantities{"A": 1})
	if err := p.fold(p.load(), env.Client); err != nil {
		t.Fatal(err)
	}
	batches, snapshots := &inventoryv1alpha1.InventoryBatchList{}, &inventoryv1alpha1.InventorySnapshotList{}
	for _, list := range []client.ObjectList{batches, snapshots} {
		if err := env.Client.List(t.Context(), list, client.InNamespace(p.key.Namespace)); err != nil {
			t.Fatal(err)
		}
	}
	if len(batches.Items) != 1 || len(snapshots.Items) != 1 {
		t.Fatalf("%d batches and %d snapshots, want one each", len(batches.Items), len(snapshots.Items))
	}
	if diff := cmp.Diff(&batches.Items[0].CreationTimestamp, snapshots.Items[0].LastChangeTime); diff != "" {
		t.Errorf("lastChangeTime (-want +got):\n%s", diff)
	}
}

var errCrash = errors.New("crash")

// crashing fails the n-th write, before or after the API server has executed it.
func crashing(n int64, after bool) client.Client {
	var count atomic.Int64
	write := func(do func() error) error {
		if count.Add(1) != n {
			return do()
		}
		if after {
			if err := do(); err != nil {
				return err
			}
		}
		return errCrash
	}
	return interceptor.NewClient(env.Client, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			return write(func() error { return c.Create(ctx, obj, opts...) })
		},
		Update: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.UpdateOption) error {
			return write(func() error { return c.Update(ctx, obj, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.DeleteOption) error {
			return write(func() error { return c.Delete(ctx, obj, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, obj client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return write(func() error { return c.SubResource(sub).Patch(ctx, obj, patch, opts...) })
		},
	})
}

// TestFoldSurvivesACrashAtEveryWrite cuts a fold that splits and merges off at each of its writes.
// What a new leader then makes of it must not depend on where that was.
func TestFoldSurvivesACrashAtEveryWrite(t *testing.T) {
	t.Parallel()
	for name, after := range map[string]bool{"before the write": false, "after the write": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := int64(1); ; n++ {
				p, want := newHarness(t), quantities{}
				send := func(q quantities) {
					p.send(0, q)
					maps.Copy(want, q)
				}
				r := rand.New(rand.NewPCG(3, 4))
				for _, page := range feed(r, 300, 300) {
					send(page)
				}
				if err := p.fold(p.load(), env.Client); err != nil {
					t.Fatalf("first Fold: %v", err)
				}
				// The second fold splits the only snapshot in three, and updates a few old SKUs.
				more := quantities{"SKU-000001": 7777, "SKU-000299": 8888}
				for i := range 400 {
					more[fmt.Sprintf("SKU-%06d", 300+i)] = inventoryv1alpha1.Quantity(i)
				}
				send(more)
				err := p.fold(p.load(), crashing(n, after))
				if err == nil {
					if n < 4 {
						t.Fatalf("the fold made %d writes only: it did not split", n-1)
					}
					return // every write has been cut off
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("write %d: Fold = %v, want a crash", n, err)
				}
				send(quantities{"SKU-000002": 1, "SKU-000400": 2, "SKU-000699": 3})
				for range 2 { // the second pass must find nothing to do
					if err := p.fold(p.load(), env.Client); err != nil {
						t.Fatalf("write %d: Fold after the crash: %v", n, err)
					}
				}
				if diff := cmp.Diff(want, p.stored(0)); diff != "" {
					t.Fatalf("crash at write %d: snapshots (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}

// TestFoldInTurns has a location with far more to fold than the write budget allows at once: another one's
// change must not wait for all of it.
func TestFoldInTurns(t *testing.T) {
	t.Parallel()
	large, small := newHarness(t), newHarness(t)
	s := ledger.NewStore()
	for _, p := range []harness{large, small} {
		if err := s.Load(t.Context(), env.Client, []string{p.key.Namespace}); err != nil {
			t.Fatal(err)
		}
	}
	const snapshotsOfLarge = 40
	for _, q := range feed(rand.New(rand.NewPCG(3, 4)), snapshotsOfLarge*256, 1000) {
		large.send(0, q)
	}
	if err := s.Load(t.Context(), env.Client, []string{large.key.Namespace}); err != nil {
		t.Fatal(err)
	}
	var written sync.Map // by location
	counting := interceptor.NewClient(env.Client, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			snapshot := obj.(*inventoryv1alpha1.InventorySnapshot)
			n, _ := written.LoadOrStore(snapshot.Namespace, new(atomic.Int32))
			if n.(*atomic.Int32).Add(1) == 4 && snapshot.Namespace == large.key.Namespace {
				small.send(0, quantities{"A": 1}) // while the large one is under way
				if err := s.Load(ctx, env.Client, []string{small.key.Namespace}); err != nil {
					t.Error(err)
				}
			}
			return c.Create(ctx, obj, opts...)
		},
	})
	limiter := rate.NewLimiter(50, 1)
	slowly := func(ctx context.Context, _ string) error { return limiter.Wait(ctx) }
	f := fold.New(fold.Options{Store: s, Client: counting, Reader: counting, States: keep{}, Clock: clock.RealClock{}, Admit: slowly})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.Start(ctx) }()
	small.await(func() bool { _, ok := written.Load(small.key.Namespace); return ok })
	n, _ := written.Load(large.key.Namespace)
	if got := n.(*atomic.Int32).Load(); got >= snapshotsOfLarge {
		t.Errorf("all %d snapshots of the large location were written before the small one's", got)
	}
	large.await(func() bool { return s.Folded(large.key) && s.Folded(small.key) })
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Start: %v", err)
	}
	if got := len(large.stored(0)); got != snapshotsOfLarge*256 {
		t.Errorf("%d SKUs are stored, want %d", got, snapshotsOfLarge*256)
	}
}

// await polls for what no event announces.
func (p harness) await(ok func() bool) {
	p.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			p.Fatal("waited in vain")
		}
	}
}

// TestFoldMergesSmallNeighbours starts from snapshots as a hand edit could leave them.
func TestFoldMergesSmallNeighbours(t *testing.T) {
	t.Parallel()
	p := newHarness(t)
	ends := []string{"", "d", "k", ""}
	for i, q := range []quantities{{"a": 1}, {"e": 2, "f": 3}, {"m": 4}} {
		sl := &inventoryv1alpha1.InventorySnapshot{
			ObjectMeta:   metav1.ObjectMeta{Namespace: p.key.Namespace, Name: fmt.Sprintf("s-%d", i)},
			LocationName: p.key.Name, From: ends[i], To: ends[i+1], SKUCount: int32(len(q)), SKUs: q,
		}
		if i == 1 { // its neighbours have never been given to the channel
			sl.Channels = []inventoryv1alpha1.SnapshotChannel{{Name: "shop"}}
		}
		env.Create(t, sl)
	}
	if err := p.fold(p.load(), env.Client); err != nil {
		t.Fatalf("Fold: %v", err)
	}
	if diff := cmp.Diff(quantities{"a": 1, "e": 2, "f": 3, "m": 4}, p.stored(0)); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
	list := &inventoryv1alpha1.InventorySnapshotList{}
	if err := env.Client.List(t.Context(), list, client.InNamespace(p.key.Namespace)); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 {
		t.Fatalf("%d snapshots are left, want 1", len(list.Items))
	}
	want := []inventoryv1alpha1.SnapshotChannel{{Name: "shop", Pending: []string{"a", "m"}}}
	if diff := cmp.Diff(want, list.Items[0].Channels); diff != "" {
		t.Errorf("channels (-want +got):\n%s", diff)
	}
}
