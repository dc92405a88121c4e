package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
	"tallyman.dev/tallyman/webhook/commit"
)

// apiServer is a real API server that has the rigs' namespace.
func apiServer(t *testing.T) *testenv.Env {
	t.Helper()
	env, err := testenv.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stop the control plane: %v", err)
		}
	})
	env.Create(t, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "ns"}})
	return env
}

// newStoringHarness is a harness that takes the largest requests and stores them by a client.
func newStoringHarness(t *testing.T, c client.Client) *harness {
	t.Helper()
	r := newHarness(t)
	r.opts.MaxBatchSKUs = inventoryv1alpha1.MaxBatchSKUs
	w := commit.New(commit.Options{Client: c})
	t.Cleanup(func() { _ = w.Close(context.Background()) }) // nothing is under way at the end
	r.opts.Writer = w
	return r
}

// escaped is a request of SKUs whose characters each take six bytes where they are stored, and what it sets.
func escaped(n int) (body string, want quantities) {
	want = quantities{}
	items := make([]string, n)
	for i := range n {
		sku := fmt.Sprintf("%s%04d", strings.Repeat("&", 200), i)
		want[sku] = inventoryv1alpha1.Quantity(i)
		items[i] = fmt.Sprintf(`{"channelSkuCode":"%s","quantity":%d}`, sku, i)
	}
	return object(strings.Join(items, ",")), want
}

// storedParts returns the InventoryBatches that have stock, by name, and what they come to. No SKU may be there twice, and
// no object may be too large.
func storedParts(t *testing.T, env *testenv.Env) (parts map[string]int, total quantities) {
	t.Helper()
	list := &inventoryv1alpha1.InventoryBatchList{}
	if err := env.Client.List(t.Context(), list, client.InNamespace("ns")); err != nil {
		t.Fatal(err)
	}
	parts, total = map[string]int{}, quantities{}
	for i := range list.Items {
		b := &list.Items[i]
		raw, err := json.Marshal(b)
		if err != nil || len(raw) > 1<<20 {
			t.Errorf("%s takes %d bytes, want at most 1 MiB; error %v", b.Name, len(raw), err)
		}
		for _, s := range b.Stock {
			before := len(total)
			maps.Copy(total, s.Quantities)
			if len(total) != before+len(s.Quantities) {
				t.Errorf("%s has SKUs that another batch has, too", b.Name)
			}
			parts[b.Name] += len(s.Quantities)
		}
	}
	return parts, total
}

// TestRequestLargerThanAnObject sends what takes more as JSON than etcd allows in one object.
func TestRequestLargerThanAnObject(t *testing.T) {
	t.Parallel()
	env := apiServer(t)
	r := newStoringHarness(t, env.Client)
	body, want := escaped(inventoryv1alpha1.MaxBatchSKUs)
	resp := r.do(t, call{body: body})
	if got := text(t, resp); resp.StatusCode != http.StatusOK || !strings.Contains(got, `"failures":[]`) {
		t.Fatalf("status %d: %.300s; want 200 without failures", resp.StatusCode, got)
	}
	parts, got := storedParts(t, env)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stored (-want +got):\n%.1000s", diff)
	}
	if len(parts) < 2 {
		t.Errorf("stored in %d batches, want several", len(parts))
	}
}

// TestRepetitionFillsGaps has the second part of a request lost, and the request sent again, by a replica that knows
// nothing of the first.
func TestRepetitionFillsGaps(t *testing.T) {
	t.Parallel()
	env := apiServer(t)
	var fails atomic.Bool
	fails.Store(true)
	faulty := interceptor.NewClient(env.Client, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, obj client.Object, opts ...client.CreateOption) error {
			if b := obj.(*inventoryv1alpha1.InventoryBatch); strings.HasSuffix(b.Name, "-1") && len(b.Stock) > 0 && fails.Load() {
				return errors.New("connection reset by peer")
			}
			return c.Create(ctx, obj, opts...)
		},
	})
	body, want := escaped(inventoryv1alpha1.MaxBatchSKUs)
	put := func(id, body string) (int, productsAnswer, string) {
		t.Helper()
		resp := newStoringHarness(t, faulty).do(t, call{body: body, header: map[string]string{"Idempotency-Key": "k", requestIDHeader: id}})
		got := text(t, resp)
		var answer productsAnswer
		if err := json.Unmarshal([]byte(got), &answer); err != nil {
			t.Fatalf("%v: %.300s", err, got)
		}
		return resp.StatusCode, answer, got
	}
	status, first, raw := put("attempt-1", body)
	parts, got := storedParts(t, env)
	if status != http.StatusOK || len(parts) != 2 || len(first.SuccessProducts) != len(got) || len(first.SuccessProducts)+len(first.FailureProducts) != len(want) {
		t.Fatalf("first: status %d, %d succeed and %d fail, %v are stored: %.300s; want one of three parts to fail",
			status, len(first.SuccessProducts), len(first.FailureProducts), parts, raw)
	}
	for _, sku := range first.SuccessProducts {
		if _, stored := got[sku]; !stored {
			t.Fatalf("%s is told to be stored, and is not", sku)
		}
	}
	if first.Failures[0].Code != codeWriteFailed {
		t.Errorf("failure %+v, want %s", first.Failures[0], codeWriteFailed)
	}

	fails.Store(false)
	for _, id := range []string{"attempt-2", "attempt-3"} {
		if status, answer, raw := put(id, body); status != http.StatusOK || len(answer.Failures) > 0 || len(answer.SuccessProducts) != len(want) {
			t.Errorf("%s: status %d: %.300s; want 200 without failures", id, status, raw)
		}
		after, got := storedParts(t, env)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: stored (-want +got):\n%.1000s", id, diff)
		}
		if len(after) != 3 {
			t.Errorf("%s: parts %v, want three", id, slices.Sorted(maps.Keys(after)))
		}
		for name, skus := range parts {
			if after[name] != skus {
				t.Errorf("%s: part %s has %d SKUs, want %d as before", id, name, after[name], skus)
			}
		}
	}
	if status, _, raw := put("attempt-4", body+" "); status != http.StatusUnprocessableEntity || !strings.Contains(raw, codeKeyReused) {
		t.Errorf("another body: status %d: %.300s; want 422", status, raw)
	}
}
