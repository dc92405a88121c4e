package commit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

// testPatience bounds every wait of a test; it is never waited for in a test that passes.
const testPatience = 30 * time.Second

type quantities = map[string]inventoryv1alpha1.Quantity

type creating struct {
	batch  *inventoryv1alpha1.InventoryBatch
	answer chan error
}

// gated is a client whose creates the test answers one by one.
func gated() (client.Client, chan creating) {
	seen := make(chan creating, 100)
	return interceptor.NewClient(env.Client, interceptor.Funcs{
		Create: func(ctx context.Context, _ client.WithWatch, obj client.Object, _ ...client.CreateOption) error {
			c := creating{obj.(*inventoryv1alpha1.InventoryBatch), make(chan error, 1)}
			seen <- c
			select {
			case err := <-c.answer:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		},
	}), seen
}

func newWriter(t *testing.T, opts Options) *Writer {
	t.Helper()
	w := New(opts)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = w.Close(ctx) // some tests leave creates behind on purpose
	})
	return w
}

// send writes one commit in the background.
func send(t *testing.T, w *Writer, c Commit) <-chan error {
	t.Helper()
	out := make(chan error, 1)
	go func() { out <- w.Write(context.Background(), []Commit{c})[0] }()
	return out
}

func receive[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(testPatience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// queued waits until n SKUs wait to be stored.
func queued(t *testing.T, w *Writer, n int) {
	t.Helper()
	deadline := time.Now().Add(testPatience)
	for {
		w.mu.Lock()
		used := w.budget.used.skus
		w.mu.Unlock()
		if used == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d SKUs are queued, want %d", used, n)
		}
	}
}

func one(location, sku string, q inventoryv1alpha1.Quantity) Commit {
	return of("ns", location, quantities{sku: q})
}

// TestGroupCommit checks that what arrives during a create goes together into the next.
func TestGroupCommit(t *testing.T) {
	t.Parallel()
	c, seen := gated()
	w := newWriter(t, Options{Client: c})
	var answers []<-chan error
	answers = append(answers, send(t, w, one("wd", "a", 1)))
	first := receive(t, "the first create", seen)
	for i := range 3 { // one after another, so that their order is known
		answers = append(answers, send(t, w, one("wd", "a", inventoryv1alpha1.Quantity(2+i))))
		queued(t, w, 2+i)
	}
	other := send(t, w, of("other", "wd", quantities{"a": 9})) // another lane does not wait
	second := receive(t, "the other lane's create", seen)
	if second.batch.Namespace != "other" {
		t.Fatalf("the second create is in %s, want other", second.batch.Namespace)
	}
	second.answer <- nil
	if err := receive(t, "the other lane", other); err != nil {
		t.Errorf("the other lane: %v", err)
	}
	first.answer <- nil
	third := receive(t, "the group's create", seen)
	if diff := cmp.Diff(quantities{"a": 4}, flat(third.batch)); diff != "" || third.batch.RequestCount != 3 {
		t.Errorf("the group has %d requests, want 3, and (-want +got):\n%s", third.batch.RequestCount, diff)
	}
	third.answer <- nil
	for i, a := range answers {
		if err := receive(t, "an answer", a); err != nil {
			t.Errorf("batch %d: %v", i, err)
		}
	}
	if err := w.Close(t.Context()); err != nil || len(w.lanes) != 0 || w.budget.used != (size{}) {
		t.Errorf("after all: %v, %d lanes, %+v; want nothing left", err, len(w.lanes), w.budget.used)
	}
	if err := w.Write(t.Context(), []Commit{one("wd", "a", 1)})[0]; !errors.Is(err, ErrUnavailable) {
		t.Errorf("after Close: %v, want ErrUnavailable", err)
	}
}

// TestTake looks at what goes into a batch of four SKUs, by the numbers of the batches.
func TestTake(t *testing.T) {
	t.Parallel()
	named := one("wd", "n", 1)
	named.Name, named.Digest = "idem-1", "d"
	big := of("ns", "wd", skus(5))
	both := one("wd", "x", 1)
	both.Stock = append(both.Stock, at("st", quantities{"x": 1})...)
	places := make([]Commit, inventoryv1alpha1.MaxBatchStock+1)
	for i := range places {
		places[i] = of("ns", strconv.Itoa(i), quantities{"a": 1})
	}
	for name, tc := range map[string]struct {
		queue    []Commit
		inFlight *Commit
		limit    int
		want     []int
	}{
		"nothing":                               {nil, nil, 4, nil},
		"all that fits":                         {[]Commit{one("wd", "a", 1), one("wd", "b", 1), one("st", "a", 1)}, nil, 4, []int{0, 1, 2}},
		"one that is too big goes":              {[]Commit{big}, nil, 4, []int{0}},
		"what does not fit waits":               {[]Commit{one("wd", "a", 1), big, one("wd", "b", 1)}, nil, 4, []int{0}},
		"a named one goes alone":                {[]Commit{named, one("wd", "b", 1)}, nil, 4, []int{0}},
		"and waits for those before it":         {[]Commit{one("wd", "b", 1), named}, nil, 4, []int{0}},
		"and holds up its place only":           {[]Commit{one("wd", "b", 1), named, one("wd", "c", 1), one("st", "c", 1)}, nil, 4, []int{0, 3}},
		"a SKU in flight waits":                 {[]Commit{one("wd", "a", 1), one("st", "a", 1)}, new(one("wd", "a", 0)), 4, []int{1}},
		"and nobody overtakes it":               {[]Commit{one("wd", "a", 1), one("wd", "b", 1), both, one("st", "c", 1)}, new(one("wd", "a", 0)), 4, nil},
		"half of the room where others want in": {[]Commit{one("wd", "a", 1), one("wd", "b", 1), one("wd", "c", 1), one("wd", "d", 1), one("st", "a", 1)}, nil, 4, []int{0, 1, 2, 4}},
		"all of it where nobody does":           {[]Commit{one("wd", "a", 1), one("wd", "b", 1), one("wd", "c", 1), one("wd", "d", 1), one("wd", "e", 1)}, nil, 4, []int{0, 1, 2, 3}},
		"too many locations":                    {places, nil, 1000, numbers(inventoryv1alpha1.MaxBatchStock)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &lane{}
			number := map[*entry]int{}
			for i := range tc.queue {
				e := newEntry(&tc.queue[i])
				number[e] = i
				l.queue = append(l.queue, e)
			}
			if tc.inFlight != nil {
				l.claim([]*entry{{commit: tc.inFlight}})
			}
			group, left, rest := l.take(tc.limit)
			var got []int
			for _, e := range group {
				got = append(got, number[e])
				left = left.minus(e.size)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("group (-want +got):\n%s", diff)
			}
			if left != (size{}) || len(group)+len(rest) != len(tc.queue) {
				t.Errorf("the size is off by %+v; %d entries are taken and %d left of %d", left, len(group), len(rest), len(tc.queue))
			}
		})
	}
}

func numbers(n int) []int {
	var out []int
	for i := range n {
		out = append(out, i)
	}
	return out
}

func TestSaturation(t *testing.T) {
	t.Parallel()
	c, seen := gated()
	w := newWriter(t, Options{Client: c, PendingSKUs: 8})
	fill := func(ns, location string, n int) (stuck []<-chan error) {
		for i := range n {
			before := w.budgetUsed()
			commit := one(location, strconv.Itoa(i), 1)
			commit.Namespace = ns
			stuck = append(stuck, send(t, w, commit))
			queued(t, w, before+1)
		}
		return stuck
	}
	turnedAway := func(ns, location string) {
		t.Helper()
		commit := one(location, "x", 1)
		commit.Namespace = ns
		if err := w.Write(t.Context(), []Commit{commit})[0]; !errors.Is(err, ErrSaturated) {
			t.Errorf("%s/%s: %v, want ErrSaturated", ns, location, err)
		}
	}
	stuck := fill("a", "l1", 2)
	turnedAway("a", "l1") // a quarter
	stuck = append(stuck, fill("a", "l2", 2)...)
	turnedAway("a", "l3") // a half
	stuck = append(stuck, fill("b", "l1", 2)...)
	stuck = append(stuck, fill("c", "l1", 2)...)
	turnedAway("d", "l1") // all
	go func() {
		for create := range seen {
			create.answer <- nil
		}
	}()
	for _, s := range stuck {
		if err := receive(t, "an answer", s); err != nil {
			t.Errorf("accepted, and then: %v", err)
		}
	}
	if err := w.Write(t.Context(), []Commit{one("l1", "x", 1)})[0]; err != nil {
		t.Errorf("after the rush: %v", err)
	}
}

func (w *Writer) budgetUsed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.budget.used.skus
}

func TestClassify(t *testing.T) {
	t.Parallel()
	kind := schema.GroupResource{Resource: "inventorybatches"}
	for name, tc := range map[string]struct {
		err  error
		want result
	}{
		"no error":        {nil, stored},
		"throttled":       {apierrors.NewTooManyRequests("", 1), notExecuted},
		"forbidden":       {apierrors.NewForbidden(kind, "x", errors.New("quota")), refused},
		"bad request":     {apierrors.NewBadRequest(""), refused},
		"no namespace":    {apierrors.NewNotFound(kind, "x"), refused},
		"taken":           {apierrors.NewAlreadyExists(kind, "x"), refused},
		"server time-out": {apierrors.NewTimeoutError("", 1), unknown},
		"internal error":  {apierrors.NewInternalError(errors.New("etcd")), unknown},
		"unavailable":     {apierrors.NewServiceUnavailable(""), unknown},
		"our own time":    {context.DeadlineExceeded, unknown},
		"connection lost": {errors.New("EOF"), unknown},
	} {
		if got := classify(tc.err); got != tc.want {
			t.Errorf("%s: classify = %s, want %s", name, got, tc.want)
		}
	}
}

// faulty breaks the first create of a name on the real API server.
func faulty(before, after func(*inventoryv1alpha1.InventoryBatch) error) client.Client {
	var once sync.Once
	return interceptor.NewClient(env.Client, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			batch, broken := obj.(*inventoryv1alpha1.InventoryBatch), error(nil)
			once.Do(func() {
				if before != nil {
					broken = before(batch)
					return
				}
				if broken = c.Create(ctx, obj, opts...); broken == nil {
					broken = after(batch)
				}
			})
			if broken != nil {
				return broken
			}
			return c.Create(ctx, obj, opts...)
		},
	})
}

func storedBatches(t *testing.T, ns string) []inventoryv1alpha1.InventoryBatch {
	t.Helper()
	list := &inventoryv1alpha1.InventoryBatchList{}
	if err := env.Client.List(t.Context(), list, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	return list.Items
}

var errLost = errors.New("connection reset by peer")

// TestUnknownOutcomes breaks the connection around a create on the real API server.
func TestUnknownOutcomes(t *testing.T) {
	t.Parallel()
	t.Run("the answer is lost", func(t *testing.T) {
		t.Parallel()
		ns := env.Namespace(t)
		w := newWriter(t, Options{Client: faulty(nil, func(*inventoryv1alpha1.InventoryBatch) error { return errLost })})
		c := one("wd", "a", 40)
		c.Namespace = ns
		if err := w.Write(t.Context(), []Commit{c})[0]; err != nil {
			t.Errorf("Write = %v, want success: it is stored", err)
		}
		if got := storedBatches(t, ns); len(got) != 1 || flat(&got[0])["a"] != 40 {
			t.Errorf("stored %+v, want one batch", got)
		}
	})
	t.Run("the request is late", func(t *testing.T) {
		t.Parallel()
		ns := env.Namespace(t)
		var late *inventoryv1alpha1.InventoryBatch
		w := newWriter(t, Options{Client: faulty(func(s *inventoryv1alpha1.InventoryBatch) error {
			late = s.DeepCopy()
			return context.DeadlineExceeded
		}, nil)})
		c := one("wd", "a", 40)
		c.Namespace = ns
		if err := w.Write(t.Context(), []Commit{c})[0]; !errors.Is(err, ErrUnavailable) {
			t.Errorf("Write = %v, want ErrUnavailable", err)
		}
		c.Stock[0].Quantities = quantities{"a": 41}
		if err := w.Write(t.Context(), []Commit{c})[0]; err != nil {
			t.Errorf("the repetition: %v", err)
		}
		if err := env.Client.Create(t.Context(), late); !apierrors.IsAlreadyExists(err) {
			t.Errorf("the late request: %v, want AlreadyExists: it must not land behind the repetition", err)
		}
	})
	t.Run("a key whose name is used up", func(t *testing.T) {
		t.Parallel()
		ns := env.Namespace(t)
		w := newWriter(t, Options{Client: faulty(func(*inventoryv1alpha1.InventoryBatch) error { return errLost }, nil)})
		c := one("wd", "a", 40)
		c.Namespace, c.Name, c.Digest = ns, "idem-x-0", "digest"
		if err := w.Write(t.Context(), []Commit{c})[0]; !errors.Is(err, ErrUnavailable) {
			t.Errorf("the first attempt: %v, want ErrUnavailable", err)
		}
		for range 2 {
			if err := w.Write(t.Context(), []Commit{c})[0]; err != nil {
				t.Errorf("a repetition: %v, want success", err)
			}
		}
		full := 0
		for _, s := range storedBatches(t, ns) {
			if !tombstone(&s) {
				full++
			}
		}
		if full != 1 {
			t.Errorf("stored %d times, want once", full)
		}
		c.Digest = "another"
		if err := w.Write(t.Context(), []Commit{c})[0]; !errors.Is(err, ErrKeyReused) {
			t.Errorf("another body: %v, want ErrKeyReused", err)
		}
	})
}

// TestOrder has many senders of one SKU, each of whom waits for its answer: the order of the
// records must be one in which no sender overtakes itself.
func TestOrder(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	replicas := []*Writer{newWriter(t, Options{Client: env.Client}), newWriter(t, Options{Client: env.Client})}
	const senders, rounds = 8, 10
	var running sync.WaitGroup
	for s := range senders {
		running.Go(func() {
			for n := range rounds {
				c := one("wd", fmt.Sprintf("sku-%d", s), inventoryv1alpha1.Quantity(n))
				c.Namespace = ns
				if err := replicas[(s+n)%2].Write(context.Background(), []Commit{c})[0]; err != nil {
					t.Errorf("sender %d, round %d: %v", s, n, err)
				}
			}
		})
	}
	running.Wait()
	newest := map[string]uint64{}
	final := quantities{}
	for _, s := range storedBatches(t, ns) {
		var revision uint64
		if _, err := fmt.Sscan(s.ResourceVersion, &revision); err != nil {
			t.Fatal(err)
		}
		for sku, q := range flat(&s) {
			if revision > newest[sku] {
				newest[sku], final[sku] = revision, q
			}
		}
	}
	for s := range senders {
		if sku := fmt.Sprintf("sku-%d", s); final[sku] != rounds-1 {
			t.Errorf("%s ends at %d, want %d", sku, final[sku], rounds-1)
		}
	}
}

// BenchmarkLoneCommit compares a batch at rest with a create of the same body.
func BenchmarkLoneCommit(b *testing.B) {
	body := quantities{}
	for i := range 300 {
		body[fmt.Sprintf("SKU-%010d", i)] = inventoryv1alpha1.Quantity(i)
	}
	b.Run("raw", func(b *testing.B) {
		ns := env.Namespace(b)
		for b.Loop() {
			s := testenv.Batch(at("wd", body)...)
			s.Namespace, s.GenerateName = ns, "raw-"
			if err := env.Client.Create(context.Background(), s); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("commit", func(b *testing.B) {
		w := New(Options{Client: env.Client})
		c := of(env.Namespace(b), "wd", body)
		for b.Loop() {
			if err := w.Write(context.Background(), []Commit{c})[0]; err != nil {
				b.Fatal(err)
			}
		}
	})
}
