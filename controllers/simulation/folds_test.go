package simulation

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/ledger"
)

var foldHistories = flag.Int("fold-histories", 1000, "how many histories of the log and its fold alone are played")

// steps is how much happens in such a history at the most.
const steps = 60

// TestFoldHistories plays histories of the log and its fold alone: batches, folds that split and merge, deletions,
// crashes, and leaders that do not know of each other. There is one goroutine for each, and no time passes, so there are
// thousands in a second, and a seed always plays the same but for the names of snapshots.
func TestFoldHistories(t *testing.T) {
	t.Parallel()
	const workers = 4
	seeds := make(chan uint64)
	var running sync.WaitGroup
	for range workers {
		running.Go(func() {
			for seed := range seeds {
				if err := playFolds(t.Context(), seed); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
			}
		})
	}
	for i := range uint64(*foldHistories) {
		if t.Failed() {
			break
		}
		seeds <- *first + i
	}
	close(seeds)
	running.Wait()
}

// folding is a leader that folds and trims, as far as it has heard of what happened.
type folding struct {
	store             *ledger.Store
	folder            *fold.Folder
	trimmer           *fold.Trimmer
	batches, snapshot int // events that its two watches have delivered
}

// folds is a history.
type folds struct {
	*memory
	leaders [2]*folding
	acked   map[string]inventoryv1alpha1.Quantity // the last word about each register
}

func playFolds(ctx context.Context, seed uint64) error {
	c := &chance{rand: rand.New(rand.NewPCG(seed, 0))}
	h := &folds{memory: newMemory(c), acked: map[string]inventoryv1alpha1.Quantity{}}
	h.instant = true
	for _, name := range locations {
		h.put(&inventoryv1alpha1.Location{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
	}
	for range c.n(steps) {
		if err := h.step(ctx); err != nil {
			return err
		}
	}
	return h.end(ctx)
}

const (
	namespace = "ns"
	pool      = int64(0)
)

var locations = []string{"wd1", "wd2"}

// step lets something happen.
func (h *folds) step(ctx context.Context) error {
	at := h.n(len(h.leaders))
	l := h.leaders[at]
	switch n := h.n(12); {
	case n < 4:
		h.write()
	case l == nil || n == 4:
		h.leaders[at] = h.lead(ctx) // the one before has crashed
	case n < 7:
		h.deliver(l, h.n(4))
	case n < 10:
		// What fails is told by what is lost, if something is.
		_ = l.folder.Fold(ctx, types.NamespacedName{Namespace: namespace, Name: locations[h.n(len(locations))]})
	case n == 10:
		_ = l.trimmer.Trim(ctx)
	default:
		h.catchUp(h.n(2))
		return h.check(ctx)
	}
	return nil
}

// write stores a batch, which is acknowledged with it.
func (h *folds) write() {
	s := &inventoryv1alpha1.InventoryBatch{
		ObjectMeta:   metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("batch-%d", h.revision), CreationTimestamp: metav1.Now()},
		RequestCount: 1,
	}
	from := h.n(len(locations))
	for _, location := range slices.Repeat(locations[from:from+1+h.n(len(locations)-from)], 1+h.n(2)) { // of one request or two
		stock := inventoryv1alpha1.LocationStock{LocationName: location, PoolID: pool, Quantities: map[string]inventoryv1alpha1.Quantity{}}
		for range 1 + h.n(5) {
			sku, q := skus[h.n(len(skus))], inventoryv1alpha1.Quantity(h.n(5))
			stock.Quantities[sku], h.acked[register(location, sku)] = q, q
		}
		s.Stock = append(s.Stock, stock)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.put(s)
}

// lead makes a leader that has read what there is; nil where it could not.
func (h *folds) lead(ctx context.Context) *folding {
	l := &folding{store: ledger.NewStore()}
	l.batches, l.snapshot = len(h.log), len(h.log)
	if l.store.Load(ctx, h, []string{namespace}) != nil {
		return nil
	}
	l.folder = fold.New(fold.Options{
		Store: l.store, Client: h, Reader: h, States: noChannels{}, Clock: clock.RealClock{}, Sizes: sizes,
	})
	l.trimmer = fold.NewTrimmer(fold.TrimmerOptions{
		Log: l.store.Log(), Client: h, Clock: clock.RealClock{}, Limits: ledger.LogLimits{Batches: 1000, Bytes: 1 << 30},
	})
	return l
}

// deliver has each watch of a leader deliver some of what it lags behind.
func (h *folds) deliver(l *folding, most int) {
	for range most {
		for ; l.batches < len(h.log); l.batches++ {
			e := h.log[l.batches]
			s, ok := e.obj.DeepCopyObject().(*inventoryv1alpha1.InventoryBatch)
			if !ok {
				continue
			}
			if e.gone {
				l.store.Log().Remove(client.ObjectKeyFromObject(s))
			} else {
				l.store.ApplyBatch(s)
			}
			l.batches++
			break
		}
		for ; l.snapshot < len(h.log); l.snapshot++ {
			e := h.log[l.snapshot]
			s, ok := e.obj.DeepCopyObject().(*inventoryv1alpha1.InventorySnapshot)
			if !ok {
				continue
			}
			if e.gone {
				l.store.RemoveSnapshot(s)
			} else {
				l.store.PutSnapshot(s)
			}
			l.snapshot++
			break
		}
	}
}

// check has somebody read everything, as after a crash of all: no acknowledged quantity may be missing.
func (h *folds) check(ctx context.Context) error {
	defer h.setFaulty(h.isFaulty())
	h.setFaulty(false)
	reader := h.lead(ctx)
	if reader == nil {
		return errors.New("nobody can read what is stored")
	}
	return h.compare(reader.store)
}

func (h *folds) compare(store *ledger.Store) error {
	is := map[string]inventoryv1alpha1.Quantity{}
	for _, location := range locations {
		key := ledger.PoolKey{Location: types.NamespacedName{Namespace: namespace, Name: location}, PoolID: pool}
		for _, sku := range skus {
			if q, known := store.Quantity(key, sku); known {
				is[register(location, sku)] = q
			}
		}
	}
	if maps.Equal(h.acked, is) {
		return nil
	}
	return fmt.Errorf("at revision %d (-acknowledged +stored):\n%s", h.revision, cmp.Diff(h.acked, is))
}

// end lets a leader tidy up, and wants snapshots that say everything by themselves.
func (h *folds) end(ctx context.Context) error {
	h.setFaulty(false)
	h.catchUp(len(h.delayed))
	l := h.lead(ctx)
	for range 3 { // what a pass deletes, or finds changed, is for the next one
		for _, name := range locations {
			if err := l.folder.Fold(ctx, types.NamespacedName{Namespace: namespace, Name: name}); err != nil {
				return fmt.Errorf("fold in peace: %w", err)
			}
		}
	}
	if err := l.trimmer.Trim(ctx); err != nil {
		return fmt.Errorf("trim in peace: %w", err)
	}
	if left := stored[*inventoryv1alpha1.InventoryBatch](h.memory); len(left) > 0 {
		return fmt.Errorf("%d batches are left", len(left))
	}
	return h.check(ctx)
}

// noChannels has nothing to say of any channel.
type noChannels struct{}

func (noChannels) SnapshotChannels(context.Context, ledger.PoolKey, uint64, map[string]inventoryv1alpha1.Quantity, []inventoryv1alpha1.SnapshotChannel, sets.Set[string]) []inventoryv1alpha1.SnapshotChannel {
	return nil
}

func (noChannels) Touched() <-chan struct{} { return nil }

func (noChannels) TakeTouched() map[ledger.PoolKey][]string { return nil }
