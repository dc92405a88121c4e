package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// TestOrderWithFaults has senders that count up, each for a SKU of its own, and go on when they
// have been answered with success, by a different replica each time. Whatever happens to requests
// and answers, each number must be stored once, and in this order.
func TestOrderWithFaults(t *testing.T) {
	t.Parallel()
	const senders, rounds, replicas = 6, 15, 2
	ns := env.Namespace(t)
	var racers sync.WaitGroup
	writers := make([]*Writer, replicas)
	for i := range writers {
		wire, c := newWire(t)
		var faults []fault
		for range senders * rounds / 6 {
			faults = append(faults, pass, unanswered, pass, racing(&racers), lost, pass, twice)
		}
		wire.plan(faults...)
		writers[i] = New(Options{Client: c})
	}
	var running sync.WaitGroup
	for s := range senders {
		running.Go(func() {
			for n, turn := 1, s; n <= rounds; turn++ {
				c := of(ns, "loc", quantities{fmt.Sprint("sku-", s): inventoryv1alpha1.Quantity(n)})
				switch err := writers[turn%replicas].Write(context.Background(), []Commit{c})[0]; {
				case err == nil:
					n++
				case !errors.Is(err, ErrUnavailable):
					t.Errorf("sender %d, number %d: %v", s, n, err)
					return
				}
			}
		})
	}
	running.Wait()
	racers.Wait()

	want := map[string][]inventoryv1alpha1.Quantity{}
	for s := range senders {
		for n := range inventoryv1alpha1.Quantity(rounds) {
			sku := fmt.Sprint("sku-", s)
			want[sku] = append(want[sku], n+1)
		}
	}
	if diff := cmp.Diff(want, history(t, ns)); diff != "" {
		t.Errorf("numbers in the order of the log (-want +got):\n%s", diff)
	}
}

// history returns what was stored for each SKU, in the order of the log.
func history(t *testing.T, namespace string) map[string][]inventoryv1alpha1.Quantity {
	t.Helper()
	list := &inventoryv1alpha1.InventoryBatchList{}
	if err := env.Client.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
		t.Fatalf("list: %v", err)
	}
	slices.SortFunc(list.Items, func(a, b inventoryv1alpha1.InventoryBatch) int {
		order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
		if err != nil {
			t.Fatalf("%s and %s: %v", a.Name, b.Name, err)
		}
		return order
	})
	out := map[string][]inventoryv1alpha1.Quantity{}
	for _, s := range list.Items {
		for sku, q := range flat(&s) {
			out[sku] = append(out[sku], q)
		}
	}
	return out
}
