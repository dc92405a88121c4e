package ledger

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

const (
	testNamespace = "ns"
	testLocation  = "wd003"
)

var (
	testKey  = LocationKey{Namespace: testNamespace, Name: testLocation}
	testPool = PoolKey{Location: testKey}
)

type quantities = map[string]inventoryv1alpha1.Quantity

func batch(revision int, q quantities) *inventoryv1alpha1.InventoryBatch {
	return &inventoryv1alpha1.InventoryBatch{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: testNamespace, Name: fmt.Sprintf("snap-%d", revision), ResourceVersion: strconv.Itoa(revision),
			CreationTimestamp: metav1.NewTime(time.Unix(int64(revision), 0)),
		},
		RequestCount: 1, Stock: []inventoryv1alpha1.LocationStock{{LocationName: testLocation, Quantities: q}},
	}
}

func snapshot(name string, version, revision int, from, to string, q quantities) *inventoryv1alpha1.InventorySnapshot {
	return &inventoryv1alpha1.InventorySnapshot{
		ObjectMeta:   metav1.ObjectMeta{Namespace: testNamespace, Name: name, ResourceVersion: strconv.Itoa(version)},
		LocationName: testLocation, Revision: strconv.Itoa(revision), From: from, To: to, SKUs: q,
	}
}

// present reads the whole pool through its segments and overlay.
func present(t *testing.T, s *Store) quantities {
	t.Helper()
	out := quantities{}
	s.Each(testPool, func(st StockedSKU) {
		if _, twice := out[st.SKU]; twice {
			t.Errorf("Each visited %q twice", st.SKU)
		}
		out[st.SKU] = 0
	})
	for sku := range out {
		q, known := s.Quantity(testPool, sku)
		if !known {
			t.Errorf("Quantity(%q) is unknown, though Each visited it", sku)
		}
		out[sku] = q
	}
	return out
}

// A step feeds the store with one event.
type step func(*Store)

func apply(revision int, q quantities) step {
	return func(s *Store) { s.ApplyBatch(batch(revision, q)) }
}

// applyEach applies a batch whose entries are all of the test's location and pool.
func applyEach(revision int, entries ...quantities) step {
	return func(s *Store) {
		b := batch(revision, nil)
		b.Stock = nil
		for _, q := range entries {
			b.Stock = append(b.Stock, inventoryv1alpha1.LocationStock{LocationName: testLocation, Quantities: q})
		}
		s.ApplyBatch(b)
	}
}

func put(sl *inventoryv1alpha1.InventorySnapshot) step { return func(s *Store) { s.PutSnapshot(sl) } }

func TestStoreQuantities(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps []step
		want  quantities
	}{
		"a batch without snapshots": {
			[]step{apply(10, quantities{"a": 1, "b": 2})},
			quantities{"a": 1, "b": 2},
		},
		"the newer batch wins, whatever the order of arrival": {
			[]step{apply(20, quantities{"a": 2}), apply(10, quantities{"a": 1, "b": 1})},
			quantities{"a": 2, "b": 1},
		},
		"what no snapshot could hold is left out": {
			[]step{apply(10, quantities{"": 1, strings.Repeat("é", 255): 2, strings.Repeat("é", 256): 3, "a": 4})},
			quantities{strings.Repeat("é", 255): 2, "a": 4},
		},
		"a snapshot that contains the batch wins over it": {
			[]step{put(snapshot("s", 30, 25, "", "", quantities{"a": 3})), apply(20, quantities{"a": 2})},
			quantities{"a": 3},
		},
		"a batch that the snapshot does not contain wins": {
			[]step{put(snapshot("s", 30, 25, "", "", quantities{"a": 3})), apply(40, quantities{"a": 4})},
			quantities{"a": 4},
		},
		"a snapshot event drops what it contains from the overlay only": {
			[]step{
				apply(10, quantities{"a": 1}), apply(20, quantities{"b": 2}),
				put(snapshot("s", 30, 10, "", "", quantities{"a": 1})),
			},
			quantities{"a": 1, "b": 2},
		},
		"an older version of a snapshot is ignored": {
			[]step{
				put(snapshot("s", 30, 25, "", "", quantities{"a": 3})),
				put(snapshot("s", 29, 15, "", "", quantities{"a": 1})),
			},
			quantities{"a": 3},
		},
		"a child that contains more wins over its parent": {
			[]step{
				put(snapshot("parent", 30, 20, "", "", quantities{"a": 1, "m": 1, "z": 1})),
				put(snapshot("child", 31, 25, "m", "", quantities{"m": 2, "z": 2})),
			},
			quantities{"a": 1, "m": 2, "z": 2},
		},
		"a child that was created late and contains less loses": {
			[]step{
				put(snapshot("good", 40, 35, "m", "", quantities{"m": 3})),
				put(snapshot("late", 50, 25, "m", "", quantities{"m": 2})),
			},
			quantities{"m": 3},
		},
		"a snapshot from another etcd counts as containing nothing": {
			[]step{
				put(snapshot("s", 30, 9000, "", "", quantities{"a": 1, "b": 1})),
				apply(40, quantities{"a": 4}),
			},
			quantities{"a": 4, "b": 1},
		},
		"a value that came and went again stays gone when its batches are replayed in part": {
			[]step{
				put(snapshot("s", 30, 5, "", "", quantities{"a": 1})),
				apply(40, quantities{"a": 2}), apply(50, quantities{"a": 1}), apply(40, quantities{"a": 2}),
			},
			quantities{"a": 1},
		},
		"the later of two entries of a batch wins": {
			[]step{applyEach(10, quantities{"a": 1, "b": 1}, quantities{"a": 2}, quantities{"c": 3})},
			quantities{"a": 2, "b": 1, "c": 3},
		},
		"the later of two entries of a batch wins with the snapshot's own quantity": {
			[]step{
				put(snapshot("s", 30, 5, "", "", quantities{"a": 1})),
				applyEach(40, quantities{"a": 2}, quantities{"a": 1}), applyEach(40, quantities{"a": 2}, quantities{"a": 1}),
			},
			quantities{"a": 1},
		},
		"the later of two entries of a batch wins when it is delivered again, out of order": {
			[]step{
				applyEach(50, quantities{"b": 5}), applyEach(40, quantities{"a": 2, "b": 2}, quantities{"a": 1, "b": 3}),
				func(s *Store) { s.Log().Remove(types.NamespacedName{Namespace: testNamespace, Name: "snap-40"}) },
				applyEach(40, quantities{"a": 2, "b": 2}, quantities{"a": 1, "b": 3}),
			},
			quantities{"a": 1, "b": 5},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore()
			for _, do := range tc.steps {
				do(s)
			}
			if diff := cmp.Diff(tc.want, present(t, s)); diff != "" {
				t.Errorf("quantities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOnlyChangesAreTold(t *testing.T) {
	t.Parallel()
	s := NewStore()
	s.PutSnapshot(snapshot("s", 5, 4, "", "", quantities{"a": 1}))
	subscription := s.Subscribe(nil)
	defer subscription.Close()
	var told [][]string
	apply := func(revision int, q quantities) {
		t.Helper()
		since := s.Now()
		s.ApplyBatch(batch(revision, q))
		changes := s.Changes(testNamespace, since)
		if changes.Lost {
			t.Error("changes are lost")
		}
		for _, c := range changes.Pools {
			told = append(told, c.SKUs)
		}
	}
	apply(10, quantities{"a": 1})
	apply(20, quantities{"a": 2})
	apply(20, quantities{"a": 2})
	apply(30, quantities{"a": 2})
	if diff := cmp.Diff([][]string{{"a"}}, told); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestReview has a snapshot come by watch that lists a SKU as pending: its leader looks whether that is so, and nobody else,
// who could never say that it is settled.
func TestReview(t *testing.T) {
	t.Parallel()
	for leads, want := range map[string]bool{testNamespace: true, "another": false} {
		t.Run(leads, func(t *testing.T) {
			t.Parallel()
			s := NewStore()
			subscription := s.Subscribe(func(namespace string) bool { return namespace == leads })
			defer subscription.Close()
			pending := snapshot("s", 5, 4, "", "", quantities{"a": 1})
			pending.Channels = []inventoryv1alpha1.SnapshotChannel{{Name: "shop", Pending: []string{"a"}}}
			s.PutSnapshot(pending)
			if waits := !s.Folded(testKey); waits != want {
				t.Errorf("a SKU waits for the fold: %v, want %v", waits, want)
			}
		})
	}
}

func TestPartitionCoversEverySKUOnce(t *testing.T) {
	t.Parallel()
	type want struct{ from, to, name string }
	for name, tc := range map[string]struct {
		stored []*inventoryv1alpha1.InventorySnapshot
		want   []want
	}{
		"nothing stored": {nil, []want{{"", "", ""}}},
		"a gap":          {[]*inventoryv1alpha1.InventorySnapshot{snapshot("x", 1, 1, "b", "c", nil)}, []want{{"", "b", ""}, {"b", "c", "x"}, {"c", "", ""}}},
		"two children over a parent": {
			[]*inventoryv1alpha1.InventorySnapshot{snapshot("p", 5, 1, "", "", nil), snapshot("l", 6, 2, "", "m", nil), snapshot("r", 7, 2, "m", "", nil)},
			[]want{{"", "m", "l"}, {"m", "", "r"}},
		},
		"a child in the middle leaves its parent on both sides": {
			[]*inventoryv1alpha1.InventorySnapshot{snapshot("p", 5, 1, "", "", nil), snapshot("c", 6, 2, "g", "m", nil)},
			[]want{{"", "g", "p"}, {"g", "m", "c"}, {"m", "", "p"}},
		},
		"equal revisions: the one written last": {
			[]*inventoryv1alpha1.InventorySnapshot{snapshot("old", 5, 2, "", "", nil), snapshot("new", 6, 2, "", "k", nil)},
			[]want{{"", "k", "new"}, {"k", "", "old"}},
		},
		"a merged snapshot over what it replaces": {
			[]*inventoryv1alpha1.InventorySnapshot{snapshot("left", 9, 3, "", "", nil), snapshot("right", 4, 2, "m", "", nil)},
			[]want{{"", "", "left"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool()
			for _, sl := range tc.stored {
				p.put(&storedSnapshot{InventorySnapshot: sl, revision: parseRevision(sl.Revision), version: parseRevision(sl.ResourceVersion)})
			}
			got := make([]want, 0, len(p.segments))
			for _, seg := range p.segments {
				w := want{from: seg.from, to: seg.to}
				if seg.snapshot != nil {
					w.name = seg.snapshot.Name
				}
				got = append(got, w)
			}
			if diff := cmp.Diff(tc.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("partition (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExpired(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		folded uint64
		now    int64
		keep   int
		want   []string
	}{
		"nothing folded":               {0, 330, 0, nil},
		"folded and old":               {25, 115, 100, []string{"snap-10"}},
		"folded, young, but too many":  {30, 31, 2, []string{"snap-10"}},
		"too many, but not folded yet": {10, 31, 0, []string{"snap-10"}},
		"a tombstone that has served":  {40, 400, 9, []string{"snap-10", "snap-20", "snap-30", "snap-40"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore()
			for _, revision := range []int{20, 10, 30} {
				s.ApplyBatch(batch(revision, quantities{"a": 1}))
			}
			tombstone := batch(40, nil)
			tombstone.RequestCount, tombstone.Stock = 0, nil
			s.ApplyBatch(tombstone)
			s.Sections().End(testKey, tc.folded)
			var got []string
			for _, key := range s.Log().Expired(time.Unix(tc.now, 0), 100*time.Second, tc.keep) {
				got = append(got, key.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("expired (-want +got):\n%s", diff)
			}
		})
	}
}

// TestExpiredShared has batches at 10, 20 and 30, of which the second holds stock of another location, too.
func TestExpiredShared(t *testing.T) {
	t.Parallel()
	other := LocationKey{Namespace: testNamespace, Name: "other"}
	for name, tc := range map[string]struct {
		folded, otherFolded uint64
		keep                int
		leave               bool // the first location
		want                []string
	}{
		"neither is folded":                  {0, 0, 0, false, nil},
		"one is folded":                      {30, 0, 0, false, []string{"snap-10", "snap-30"}},
		"both are folded":                    {30, 30, 0, false, []string{"snap-10", "snap-20", "snap-30"}},
		"one of them needs it":               {30, 30, 1, false, []string{"snap-10"}},
		"one leaves":                         {0, 30, 9, true, []string{"snap-10", "snap-20", "snap-30"}},
		"one leaves, the other is not there": {0, 0, 9, true, []string{"snap-10", "snap-30"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore()
			for _, revision := range []int{10, 20, 30} {
				one := batch(revision, quantities{"a": 1})
				if revision == 20 {
					one.Stock = append(one.Stock, inventoryv1alpha1.LocationStock{LocationName: other.Name, Quantities: quantities{"a": 2}})
				}
				s.ApplyBatch(one)
			}
			s.Sections().End(testKey, tc.folded)
			s.Sections().End(other, tc.otherFolded)
			if tc.leave {
				if left := s.Log().Leave(testKey); left != 3 {
					t.Errorf("%d batches hold stock of the location that leaves, want 3", left)
				}
			}
			var got []string
			for _, key := range s.Log().Expired(time.Unix(31, 0), time.Hour, tc.keep) {
				got = append(got, key.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("expired (-want +got):\n%s", diff)
			}
			if q, _ := s.Quantity(PoolKey{Location: other}, "a"); q != 2 {
				t.Errorf("the other location has %d, want 2", q)
			}
		})
	}
}

// TestBehind measures what is not folded of two locations that share a batch.
func TestBehind(t *testing.T) {
	t.Parallel()
	s := NewStore()
	other := LocationKey{Namespace: testNamespace, Name: "other"}
	for _, revision := range []int{10, 20, 30} {
		one := batch(revision, quantities{"a": 1})
		one.Stock = append(one.Stock, inventoryv1alpha1.LocationStock{LocationName: other.Name, Quantities: quantities{"a": 2}})
		s.ApplyBatch(one)
	}
	for _, step := range []struct {
		key    LocationKey
		folded uint64
		want   int
	}{{testKey, 10, 3}, {other, 20, 2}, {testKey, 30, 1}, {other, 30, 0}} {
		s.Sections().End(step.key, step.folded)
		if _, total, namespaces := s.log.sizes(); total.Batches != step.want || namespaces[testNamespace].Batches != step.want {
			t.Errorf("%s folded to %d: %d batches are behind, %d of the namespace, want %d",
				step.key.Name, step.folded, total.Batches, namespaces[testNamespace].Batches, step.want)
		}
	}
}
