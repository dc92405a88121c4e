package commit

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// by has a commit come from a request of some sender.
func by(c Commit, request, client, credential string) Commit {
	c.RequestID, c.Sender = request, inventoryv1alpha1.BatchSender{Client: client, Credential: credential}
	return c
}

// TestRequestsKeepTheirEntries has four requests of three senders committed together.
func TestRequestsKeepTheirEntries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		wide := by(of("ns", "south", quantities{"a": 5, "d": 5}), "r3", "wms", "old")
		wide.Stock = append(wide.Stock, at("north", quantities{"a": 6})...)
		wide.Stock[1].PoolID = 7
		var answers []<-chan []error
		for _, c := range []Commit{
			by(of("ns", "north", quantities{"z": 1}), "r0", "wms", "old"), // is in flight while the others arrive
			by(of("ns", "north", quantities{"a": 1, "b": 1}), "r1", "wms", "old"),
			by(of("ns", "north", quantities{"a": 2}), "r2", "wms", "new"),
			wide,
			by(of("ns", "north", quantities{"a": 3}), "r4", "pos", "old"),
		} {
			answers = append(answers, write(t.Context(), w, c))
		}
		g.next(t).answer <- nil
		group := g.next(t)
		group.answer <- nil
		for _, a := range answers {
			wantSuccess(t, a)
		}
		wantRest(t, w)
		want := &inventoryv1alpha1.InventoryBatch{
			RequestCount: 4, LocationCount: 2, SKUCount: 7,
			Senders: []inventoryv1alpha1.BatchSender{{Client: "wms", Credential: "old"}, {Client: "wms", Credential: "new"}, {Client: "pos", Credential: "old"}},
			Requests: []inventoryv1alpha1.BatchRequest{
				{ID: "r1", Sender: 0, SKUCount: 2}, {ID: "r2", Sender: 1, SKUCount: 1}, {ID: "r3", Sender: 0, SKUCount: 3}, {ID: "r4", Sender: 2, SKUCount: 1},
			},
			Stock: []inventoryv1alpha1.LocationStock{
				{LocationName: "north", LocationUID: "uid-north", Request: 0, Quantities: quantities{"a": 1, "b": 1}},
				{LocationName: "north", LocationUID: "uid-north", Request: 1, Quantities: quantities{"a": 2}},
				{LocationName: "south", LocationUID: "uid-south", Request: 2, Quantities: quantities{"a": 5, "d": 5}},
				{LocationName: "north", LocationUID: "uid-north", PoolID: 7, Request: 2, Quantities: quantities{"a": 6}},
				{LocationName: "north", LocationUID: "uid-north", Request: 3, Quantities: quantities{"a": 3}},
			},
		}
		if diff := cmp.Diff(want, group.InventoryBatch, cmpopts.IgnoreFields(inventoryv1alpha1.InventoryBatch{}, "ObjectMeta")); diff != "" {
			t.Errorf("the batch (-want +got):\n%s", diff)
		}
	})
}

// TestRefusedRequestIsNotRecorded also shows that what is left is numbered anew.
func TestRefusedRequestIsNotRecorded(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	w := newWriter(t, Options{Client: env.Client})
	group := []*entry{}
	for i, q := range []quantities{{"a": 1}, skus(inventoryv1alpha1.MaxBatchSKUs + 1), {"a": 3}} { // the second is refused
		group = append(group, newEntry(new(by(of(ns, "wd", q), fmt.Sprintf("r%d", i), "wms", "s"))))
	}
	if errs := w.storeGroup(ns, group); errs[0] != nil || !errors.Is(errs[1], errRefused) || errs[2] != nil {
		t.Errorf("errors %v, want the second one refused", errs)
	}
	var got []string
	for _, b := range storedBatches(t, ns) {
		for _, s := range b.Stock {
			r := b.Requests[s.Request]
			got = append(got, fmt.Sprintf("%s %s %d", r.ID, b.Senders[r.Sender].Client, s.Quantities["a"]))
		}
	}
	if diff := cmp.Diff([]string{"r0 wms 1", "r2 wms 3"}, got, cmpopts.SortSlices(strings.Compare)); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

// TestRepetition sends a request with a key again: what it sets and what is stored may differ by what the cluster
// knew at each time.
func TestRepetition(t *testing.T) {
	t.Parallel()
	first := quantities{"a": 1, "b": 2}
	for name, tc := range map[string]struct {
		change func(*Commit)
		want   error
		has    []string // what an earlier attempt has stored, by the SKUs of this one
	}{
		"the same":              {func(*Commit) {}, nil, nil},
		"under another id":      {func(c *Commit) { c.RequestID = "another" }, nil, nil},
		"by another credential": {func(c *Commit) { c.Sender.Credential = "new" }, nil, nil},
		"fewer":                 {func(c *Commit) { c.Stock = at("wd", quantities{"b": 2}) }, nil, nil},
		"more":                  {func(c *Commit) { c.Stock = at("wd", quantities{"a": 1, "b": 2, "c": 3}) }, ErrKeyReused, []string{"a", "b"}},
		"another pool":          {func(c *Commit) { c.Stock[0].PoolID = 1 }, ErrKeyReused, nil},
		"a location made anew":  {func(c *Commit) { c.Stock[0].LocationUID = "later" }, ErrKeyReused, nil},
		"another body":          {func(c *Commit) { c.Digest = "e" }, ErrKeyReused, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t, Options{Client: env.Client})
			c := of(env.Namespace(t), "wd", first)
			c.Name, c.Digest = "idem", "d"
			if err := w.Write(t.Context(), []Commit{c})[0]; err != nil {
				t.Fatal(err)
			}
			c.Stock = at("wd", first)
			tc.change(&c)
			err := w.Write(t.Context(), []Commit{c})[0]
			if !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
			var has []string
			if repetition, ok := errors.AsType[*RepetitionError](err); ok {
				for _, sku := range []string{"a", "b", "c"} {
					if repetition.Has(c.Stock[0].LocationUID, c.Stock[0].PoolID, sku) {
						has = append(has, sku)
					}
				}
			} else if err != nil && c.Digest == "d" {
				t.Errorf("error %v, want a RepetitionError", err)
			}
			if diff := cmp.Diff(tc.has, has); diff != "" {
				t.Errorf("stored before (-want +got):\n%s", diff)
			}
			if n := len(storedBatches(t, c.Namespace)); n != 1 {
				t.Errorf("%d batches are stored, want 1", n)
			}
		})
	}
}

// longSKUs makes quantities of SKUs that take 1,500 bytes each.
func longSKUs(from, n int) quantities {
	out := quantities{}
	for i := range n {
		out[fmt.Sprintf("%s%05d", strings.Repeat("&", 249), from+i)] = 1
	}
	return out
}

// TestGroupFitsIntoAnObject stores a group that is as large as take makes it, on the real API server.
func TestGroupFitsIntoAnObject(t *testing.T) {
	t.Parallel()
	l := &lane{}
	for i := range 20 {
		c := of(env.Namespace(t), fmt.Sprintf("wd%d", i), longSKUs(0, 100))
		l.queue = append(l.queue, newEntry(&c))
	}
	group, taken, rest := l.take(DefaultBatchSKUs * 2)
	if len(group) != 6 || len(rest) != 14 {
		t.Errorf("%d of 20 batches of 150 kB go together, want 6", len(group))
	}
	batch := assemble(group[0].commit.Namespace, group)
	if batch.Bytes() > inventoryv1alpha1.MaxBatchBytes || batch.Bytes() < inventoryv1alpha1.MaxBatchBytes*4/5 || taken.skus != 600 {
		t.Errorf("the batch has %d SKUs and %d bytes, want 600 and nearly %d", taken.skus, batch.Bytes(), inventoryv1alpha1.MaxBatchBytes)
	}
	if err := env.Client.Create(t.Context(), batch); err != nil {
		t.Error(err)
	}
}

// TestLargestCommitFits has the longest names on a commit whose stock is as large as allowed.
func TestLargestCommitFits(t *testing.T) {
	t.Parallel()
	c := by(of("", "", longSKUs(0, 600)), strings.Repeat("r", 128), strings.Repeat("c", 253), strings.Repeat("s", 253))
	c.Namespace, c.Name, c.Digest = strings.Repeat("n", 63), strings.Repeat("b", 253), strings.Repeat("d", 64)
	c.Stock[0].LocationUID = types.UID(strings.Repeat("u", 36))
	c.Stock[0].LocationName = strings.Repeat("l", 63)
	for n := 0; c.Stock[0].Bytes()+len(`"":1,`)+255 <= MaxStockBytes; n++ {
		c.Stock[0].Quantities[fmt.Sprintf("%s%05d", strings.Repeat("x", 250), n)] = 1
	}
	batch := assemble(c.Namespace, []*entry{newEntry(&c)})
	if got := batch.Bytes(); got > inventoryv1alpha1.MaxBatchBytes || got < inventoryv1alpha1.MaxBatchBytes-1000 {
		t.Errorf("the batch takes %d bytes, want nearly %d", got, inventoryv1alpha1.MaxBatchBytes)
	}
}

// TestWaitingIsBoundedInBytes has room for three SKUs of a kilobyte and a half at a location and pool, and for many more
// short ones.
func TestWaitingIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		probe Commit
		want  error
	}{
		"as much again":        {of("ns", "1", longSKUs(2, 2)), ErrSaturated},
		"many short ones":      {of("ns", "1", skus(20)), nil},
		"elsewhere":            {of("ns", "2", longSKUs(0, 3)), nil},
		"in another namespace": {of("other", "1", longSKUs(0, 3)), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, g := newGate(Options{PendingBytes: 4 * 3 * 1800})
				held := write(t.Context(), w, of("ns", "1", longSKUs(0, 2)))
				waits(t, held)
				probe := write(t.Context(), w, tc.probe)
				if tc.want == nil {
					waits(t, probe)
				} else if errs := answered(t, probe); !errors.Is(errs[0], tc.want) {
					t.Errorf("error %v, want %v", errs[0], tc.want)
				}
				g.release()
				wantSuccess(t, held)
				wantRest(t, w)
			})
		})
	}
}
