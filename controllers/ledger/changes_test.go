package ledger

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// changed is what Changes returns of the one pool that tests use, sorted.
func changed(t *testing.T, s *Store, since uint64) (skus []string, upto uint64, lost bool) {
	t.Helper()
	c := s.Changes(testNamespace, since)
	if len(c.Pools) > 1 || len(c.Pools) == 1 && c.Pools[0].Pool != testPool {
		t.Fatalf("changes of %+v, want one pool at the most", c.Pools)
	}
	if len(c.Pools) == 1 {
		skus = slices.Sorted(slices.Values(c.Pools[0].SKUs))
	}
	return skus, c.Upto, c.Lost
}

func TestChanges(t *testing.T) {
	t.Parallel()
	base := func(s *Store) { s.PutSnapshot(snapshot("s", 10, 10, "", "", quantities{"a": 1, "b": 1})) }
	other := func(version, revision int, q quantities) step {
		return func(s *Store) { s.PutSnapshot(snapshot("s", version, revision, "", "", q)) }
	}
	for name, tc := range map[string]struct {
		steps []step
		want  []string
	}{
		"nothing":                         {nil, nil},
		"a batch":                         {[]step{apply(20, quantities{"a": 2, "c": 3})}, []string{"a", "c"}},
		"a batch that changes nothing":    {[]step{apply(20, quantities{"a": 1})}, nil},
		"each SKU once":                   {[]step{apply(20, quantities{"a": 2}), apply(30, quantities{"a": 3, "b": 3})}, []string{"a", "b"}},
		"the same batch twice":            {[]step{apply(20, quantities{"a": 2}), apply(20, quantities{"a": 2})}, []string{"a"}},
		"an old batch that comes late":    {[]step{apply(9, quantities{"a": 2})}, nil},
		"a snapshot of another process":   {[]step{other(30, 25, quantities{"a": 1, "b": 2, "c": 3})}, []string{"b", "c"}},
		"a snapshot that lacks a SKU":     {[]step{other(30, 25, quantities{"a": 1})}, []string{"b"}},
		"a snapshot that says no more":    {[]step{other(30, 25, quantities{"a": 1, "b": 1})}, nil},
		"a snapshot below the overlay":    {[]step{apply(40, quantities{"a": 2}), other(50, 30, quantities{"a": 7, "b": 1})}, []string{"a"}},
		"a snapshot that wins":            {[]step{apply(40, quantities{"b": 2}), other(50, 45, quantities{"a": 7, "b": 2})}, []string{"a", "b"}},
		"an older version of a snapshot":  {[]step{other(9, 9, quantities{"a": 7, "b": 7})}, nil},
		"a snapshot that goes":            {[]step{func(s *Store) { s.RemoveSnapshot(snapshot("s", 10, 10, "", "", nil)) }}, []string{"a", "b"}},
		"a snapshot that was not there":   {[]step{func(s *Store) { s.RemoveSnapshot(snapshot("x", 10, 10, "", "", nil)) }}, nil},
		"a snapshot that covers a part":   {[]step{func(s *Store) { s.PutSnapshot(snapshot("t", 30, 25, "b", "", quantities{"b": 9})) }}, []string{"b"}},
		"a snapshot that became narrower": {[]step{func(s *Store) { s.PutSnapshot(snapshot("s", 30, 25, "", "b", quantities{"a": 1})) }}, []string{"b"}},
		"states alone":                    {[]step{func(s *Store) { s.Touch(testPool, "a") }}, nil},
		"the fold":                        {[]step{apply(20, quantities{"a": 2}), foldAll}, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore()
			base(s)
			defer s.Subscribe(nil).Close()
			since := s.Now()
			for _, do := range tc.steps {
				do(s)
			}
			got, upto, lost := changed(t, s, since)
			if diff := cmp.Diff(tc.want, got); diff != "" || lost {
				t.Errorf("lost %v, changes (-want +got):\n%s", lost, diff)
			}
			if again, _, lost := changed(t, s, upto); len(again) > 0 || lost {
				t.Errorf("after that: %q, lost %v; want nothing", again, lost)
			}
		})
	}
}

// foldAll writes a pool of few SKUs as the fold does.
func foldAll(s *Store) {
	section, _ := s.Sections().Read(testPool, "", "", 100)
	written := snapshot("s", 1000, int(section.Revision), "", "", section.SKUs)
	s.Sections().Written(written, section.Tick)
	s.Sections().End(testKey, section.Revision)
}

// TestChangesThatAreLost asks for what nobody kept.
func TestChangesThatAreLost(t *testing.T) {
	t.Parallel()
	page := func(revision int) *inventoryv1alpha1.InventoryBatch {
		q := quantities{}
		for i := range FeedSKUs / 4 {
			q[strconv.Itoa(i)] = inventoryv1alpha1.Quantity(revision)
		}
		return batch(revision, q)
	}
	s := NewStore()
	if _, _, lost := changed(t, s, 0); lost {
		t.Error("lost what never was")
	}
	s.ApplyBatch(batch(1, quantities{"a": 1}))
	if _, _, lost := changed(t, s, 0); !lost {
		t.Error("nobody subscribes, and the changes are there")
	}
	x := s.Subscribe(nil)
	began := s.Now()
	if _, _, lost := changed(t, s, 0); !lost {
		t.Error("what was before the subscription is there")
	}
	if _, _, lost := changed(t, s, began+1); !lost {
		t.Error("what is to come is there")
	}
	for revision := 2; revision <= 5; revision++ {
		s.ApplyBatch(page(revision))
	}
	if got, _, lost := changed(t, s, began); lost || len(got) != FeedSKUs/4 {
		t.Errorf("%d SKUs, lost %v; want all of a feed that is just full", len(got), lost)
	}
	s.ApplyBatch(page(6))
	if got, upto, lost := changed(t, s, began); !lost || len(got) > 0 || upto != s.Now() {
		t.Errorf("%d SKUs up to %d, lost %v; want nothing but the present tick", len(got), upto, lost)
	}
	if got, _, lost := changed(t, s, began+1); lost || len(got) != FeedSKUs/4 {
		t.Errorf("%d SKUs, lost %v; want what is left of the feed", len(got), lost)
	}
	x.Close()
	if len(s.feeds.namespaces) > 0 {
		t.Error("the feed is kept though nobody subscribes")
	}
	if _, _, lost := changed(t, s, began+1); !lost {
		t.Error("nobody subscribes any more, and the changes are there")
	}
}

func TestSubscriptions(t *testing.T) {
	t.Parallel()
	s := NewStore()
	elsewhere := s.Subscribe(func(ns string) bool { return ns != testNamespace })
	if s.ApplyBatch(batch(1, quantities{"a": 1})); len(s.feeds.namespaces) > 0 {
		t.Error("changes are kept of a namespace that nobody subscribes to")
	}
	one, began := s.Subscribe(nil), s.Now()
	s.ApplyBatch(batch(2, quantities{"a": 2}))
	two := s.Subscribe(nil)
	s.ApplyBatch(batch(3, quantities{"a": 3}))
	for x, want := range map[*Subscription][]string{elsewhere: {}, one: {testNamespace}, two: {testNamespace}} {
		if got := len(x.Wake()); got != len(want) {
			t.Errorf("%d signals, want %d", got, len(want))
		}
		for _, want := range [][]string{want, {}} {
			if diff := cmp.Diff(want, x.TakeChanged()); diff != "" {
				t.Errorf("namespaces (-want +got):\n%s", diff)
			}
		}
	}
	one.Release(testNamespace, s.Now())
	if _, _, lost := changed(t, s, began); lost {
		t.Error("a change is gone that not every subscriber has released")
	}
	two.Release(testNamespace, s.Now()-1)
	if got := len(s.feeds.namespaces[testNamespace].changes); got != 1 {
		t.Errorf("%d changes are kept, want 1", got)
	}
	if _, _, lost := changed(t, s, began); !lost {
		t.Error("a change is there that every subscriber has released")
	}
	if got, _, lost := changed(t, s, began+1); lost || !slices.Equal(got, []string{"a"}) {
		t.Errorf("%q, lost %v; want a", got, lost)
	}
	one.Close()
	elsewhere.Close()
	s.ApplyBatch(batch(4, quantities{"a": 4}))
	if len(one.TakeChanged())+len(elsewhere.TakeChanged()) > 0 || len(two.TakeChanged()) != 1 {
		t.Error("who is subscribed must hear, and nobody else")
	}
}

// TestFollowersKeepUp has subscribers follow several writers, and wants each of them to end with what is present.
func TestFollowersKeepUp(t *testing.T) {
	t.Parallel()
	const readers, writers, batches = 3, 3, 200
	s := NewStore()
	stop := make(chan struct{})
	var reading, writing sync.WaitGroup
	copies := make([]quantities, readers)
	for i := range readers {
		x, since := s.Subscribe(nil), s.Now()
		copies[i] = quantities{}
		catchUp := func() {
			c := s.Changes(testNamespace, since)
			if c.Lost {
				t.Error("lost changes")
			}
			for _, pool := range c.Pools {
				for _, sku := range pool.SKUs {
					copies[i][sku], _ = s.Quantity(pool.Pool, sku)
				}
			}
			since = c.Upto
			x.Release(testNamespace, since)
		}
		reading.Go(func() {
			defer x.Close()
			for {
				select {
				case <-x.Wake():
					for range x.TakeChanged() {
						catchUp()
					}
				case <-stop:
					catchUp()
					return
				}
			}
		})
	}
	for w := range writers {
		writing.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 0))
			for i := range batches {
				revision := 1 + i*writers + w
				s.ApplyBatch(batch(revision, quantities{strconv.Itoa(r.IntN(20)): inventoryv1alpha1.Quantity(revision)}))
			}
		})
	}
	writing.Wait()
	close(stop)
	reading.Wait()
	want := present(t, s)
	for i := range readers {
		if !maps.Equal(want, copies[i]) {
			t.Errorf("reader %d (-present +read):\n%s", i, cmp.Diff(want, copies[i]))
		}
	}
}
