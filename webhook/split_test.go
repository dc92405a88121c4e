package webhook

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
	"tallyman.dev/tallyman/webhook/commit"
)

// TestPartsFitIntoObjects splits random requests, and has the largest names there are on what comes of them.
func TestPartsFitIntoObjects(t *testing.T) {
	t.Parallel()
	const requests = 20
	for seed := range uint64(requests) {
		chance := rand.New(rand.NewPCG(seed, 1))
		owner := &sender{tenant("ns", strings.Repeat("c", 253), 1, ""), strings.Repeat("s", 253)}
		b := newBatchBuilder(strings.Repeat("r", inventoryv1alpha1.MaxRequestIDLength))
		locations := 1 + chance.IntN(400)
		for n := range inventoryv1alpha1.MaxBatchSKUs {
			number := int64(1 + chance.IntN(locations))
			location := newLocation("ns", fmt.Sprintf("%063d", number), "c", "x", number)
			location.UID = "0d5f6c2e-8f0e-4b7a-9a3e-2f1d5c6b7a80"
			l := line{
				sku:      fmt.Sprintf("%d%s", n, strings.Repeat(string("&x\x01ü\u2028"[chance.IntN(5)]), chance.IntN(251))),
				quantity: inventoryv1alpha1.Quantity(chance.Int32()), locationID: number, pool: int64(chance.IntN(2)) << 60,
			}
			b.add(l, &target{location, l.pool}, owner)
		}
		if err := b.batch().name("key", nil); err != nil {
			t.Fatal(err)
		}
		commits, skus := b.batch().commits, 0
		for i, c := range commits {
			object := &inventoryv1alpha1.InventoryBatch{
				Senders:  []inventoryv1alpha1.BatchSender{c.Sender},
				Requests: []inventoryv1alpha1.BatchRequest{{ID: c.RequestID, Digest: c.Digest, SKUCount: inventoryv1alpha1.MaxBatchSKUs}},
				Stock:    c.Stock,
			}
			object.Namespace, object.Name = strings.Repeat("n", 63), c.Name
			raw, err := json.Marshal(object)
			if err != nil || len(raw) > inventoryv1alpha1.MaxBatchBytes || object.Bytes() > inventoryv1alpha1.MaxBatchBytes || len(c.Stock) > inventoryv1alpha1.MaxBatchStock {
				t.Errorf("seed %d: part %d has %d locations and pools, and takes %d bytes, by estimate %d; error %v",
					seed, i, len(c.Stock), len(raw), object.Bytes(), err)
			}
			for _, s := range c.Stock {
				skus += len(s.Quantities)
			}
		}
		if skus != inventoryv1alpha1.MaxBatchSKUs {
			t.Errorf("seed %d: %d SKUs are left of %d", seed, skus, inventoryv1alpha1.MaxBatchSKUs)
		}
	}
}

// TestPartsDependOnTheBodyAlone has locations that are known at one time, and not at another.
func TestPartsDependOnTheBodyAlone(t *testing.T) {
	t.Parallel()
	owner := &sender{tenant("ns", "c", 1, ""), "s"}
	// parts returns the names of the InventoryBatches by the SKUs that they hold.
	parts := func(known func(number int64) bool) map[string]string {
		b := newBatchBuilder("r")
		for n := range inventoryv1alpha1.MaxBatchSKUs {
			number := int64(n%3 + 1)
			l := line{sku: fmt.Sprintf("%d%s", n, strings.Repeat("&", 250)), quantity: 1, locationID: number}
			if !known(number) {
				l.fail(codeUnknownLocation, "no")
				b.add(l, nil, nil)
				continue
			}
			name := strings.Repeat("x", int(number)*20) // what a location is called does not matter either
			b.add(l, &target{newLocation("ns", name, "c", "x", number), 0}, owner)
		}
		if err := b.batch().name("key", []byte("body")); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for _, c := range b.batch().commits {
			for _, s := range c.Stock {
				for sku := range s.Quantities {
					out[sku] = c.Name
				}
			}
		}
		return out
	}
	all := parts(func(int64) bool { return true })
	if n := len(slices.Compact(slices.Sorted(func(yield func(string) bool) {
		for _, name := range all {
			if !yield(name) {
				return
			}
		}
	}))); n < 3 {
		t.Fatalf("%d parts, want at least three", n)
	}
	for unknown := range int64(3) {
		some := parts(func(number int64) bool { return number != unknown+1 })
		want := map[string]string{}
		for sku, name := range all {
			if _, there := some[sku]; there {
				want[sku] = name
			}
		}
		if diff := cmp.Diff(want, some); diff != "" || len(some) == 0 {
			t.Errorf("without location %d (-want +got):\n%.500s", unknown+1, diff)
		}
	}
}

// TestRepetitionAfterALocationWasDeclared sends a request with a key before and after one of its locations exists.
func TestRepetitionAfterALocationWasDeclared(t *testing.T) {
	t.Parallel()
	w := commit.New(commit.Options{Client: fake.NewClientBuilder().WithScheme(testenv.Scheme()).Build()})
	body := `[{"clientId":10000900,"clientSkuId":"A","quantity":1,"fulfillmentLocationId":1000901},{"clientId":10000900,"clientSkuId":"B","quantity":2,"fulfillmentLocationId":12}]`
	put := func(r *harness) string {
		t.Helper()
		r.opts.Writer = w
		c := call{body: body, header: map[string]string{"Idempotency-Key": "k"}}
		resp := r.do(t, c)
		got := text(t, resp)
		if resp.StatusCode != http.StatusOK || !strings.Contains(got, `{"failureSkus":["B"],"successSkus":["A"]`) {
			t.Errorf("status %d: %s; want 200 with A, not B", resp.StatusCode, got)
		}
		validate(t, c, resp, got)
		return got
	}
	if got := put(newHarness(t)); !strings.Contains(got, codeUnknownLocation) {
		t.Errorf("before: %s, want %s", got, codeUnknownLocation)
	}
	if got := put(newHarness(t, newLocation("ns", "late", "acme", "late", 12))); !strings.Contains(got, codeKeyReused) {
		t.Errorf("after: %s, want %s", got, codeKeyReused)
	}
}

// TestFirstPartDecides has the first of several parts fail, with a key and without.
func TestFirstPartDecides(t *testing.T) {
	t.Parallel()
	body := "[" + repeat(inventoryv1alpha1.MaxBatchStock+1,
		`{"clientId":10000900,"clientSkuId":"S%[1]d","quantity":1,"fulfillmentLocationId":1000901,"inventoryPoolId":%[1]d}`) + "]"
	for name, tc := range map[string]struct {
		key    string
		err    error
		status int
		parts  int
	}{
		"another body":           {"k", commit.ErrKeyReused, 422, 0},
		"not now":                {"k", commit.ErrUnavailable, 503, 0},
		"not now, without a key": {"", commit.ErrUnavailable, 200, 1},
		"refused":                {"k", http.ErrNotSupported, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t)
			r.writer.fail = func(c commit.Commit) error {
				if len(c.Stock) > 1 {
					return tc.err
				}
				return nil
			}
			resp := r.do(t, call{body: body, header: map[string]string{"Idempotency-Key": tc.key}})
			if got := text(t, resp); resp.StatusCode != tc.status || len(r.writer.commits) != tc.parts {
				t.Errorf("status %d with %d parts stored: %.200s; want %d with %d", resp.StatusCode, len(r.writer.commits), got, tc.status, tc.parts)
			}
		})
	}
}

// TestCommitsSayWhereTheyComeFrom has a request of two Clients that share a credential.
func TestCommitsSayWhereTheyComeFrom(t *testing.T) {
	t.Parallel()
	r := newHarness(t, tenant("ns", "second", 9, "d2", "other"), login("ns", "other", "acme", "pw"), newLocation("ns", "x", "second", "X", 1))
	body := `[{"clientId":10000900,"clientSkuId":"A","quantity":1,"fulfillmentLocationId":1000901},
		{"clientId":9,"clientSkuId":"A","quantity":2,"fulfillmentLocationId":1},
		{"clientId":10000900,"clientSkuId":"B","quantity":3,"fulfillmentLocationId":1000902}]`
	if resp := r.do(t, call{body: body, header: map[string]string{"authDomainName": "", requestIDHeader: "mine-1"}}); resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d: %s", resp.StatusCode, text(t, resp))
	}
	want := []commit.Commit{
		and(to("wd003", 0, quantities{"A": 1}), to("st12", 0, quantities{"B": 3})),
		from(to("x", 0, quantities{"A": 2}), "second", "other"),
	}
	want[0].RequestID, want[1].RequestID = "mine-1", "mine-1"
	if diff := cmp.Diff(want, r.writer.commits); diff != "" {
		t.Errorf("commits (-want +got):\n%s", diff)
	}
}
