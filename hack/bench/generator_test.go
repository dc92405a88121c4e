package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// drain returns the batches of a round, with senders taking turns.
func drain(l *Load, tenants, locationRound, round int) []batch {
	g := newGenerator(l, tenants, locationRound, round)
	var out []batch
	for n := 0; ; n++ {
		b, ok := g.batch(n % l.Senders)
		if !ok {
			return out
		}
		out = append(out, b)
	}
}

func TestFeedsSendEverySKUOnce(t *testing.T) {
	t.Parallel()
	for _, order := range []Order{Sorted, Shuffled} {
		l := &Load{Order: order, Catalogue: 1000, BatchSKUs: 300, Senders: 3, Locations: 2, FirstLocation: 1}
		seen := map[string]int{}
		for _, b := range drain(l, 2, 0, 0) {
			if len(b.skus) > 300 || b.location < 1 || b.location > 2 {
				t.Errorf("%s: a batch of %d SKUs for %v", order, len(b.skus), b.locationIndex)
			}
			for _, sku := range b.skus {
				seen[sku]++
			}
		}
		if len(seen) != 2*2*1000 {
			t.Errorf("%s: %d SKUs, want 4000", order, len(seen))
		}
		for sku, n := range seen {
			if n != 1 {
				t.Errorf("%s: %s came %d times", order, sku, n)
			}
		}
	}
}

func TestOnlySortedFeedsAreSorted(t *testing.T) {
	t.Parallel()
	for order, want := range map[Order]bool{Sorted: true, Shuffled: false} {
		l := &Load{Order: order, Catalogue: 1000, BatchSKUs: 100, Senders: 1, Locations: 1}
		var all []string
		for _, b := range drain(l, 1, 0, 0) {
			all = append(all, b.skus...)
		}
		if got := slices.IsSorted(all); got != want {
			t.Errorf("%s: sorted is %t, want %t", order, got, want)
		}
	}
}

func TestGeneratorIsDeterministic(t *testing.T) {
	t.Parallel()
	l := &Load{Order: Random, Catalogue: 1000, BatchSKUs: 3, Senders: 4, Locations: 5, Batches: 200}
	if diff := cmp.Diff(drain(l, 1, 0, 3), drain(l, 1, 0, 3), cmp.AllowUnexported(batch{}, locationIndex{})); diff != "" {
		t.Errorf("two runs of a round differ:\n%s", diff)
	}
	if cmp.Equal(drain(l, 1, 0, 3), drain(l, 1, 0, 4), cmp.AllowUnexported(batch{}, locationIndex{})) {
		t.Error("two rounds are the same")
	}
}

// TestQuantitiesGrow is what the tracker relies on: a SKU has one sender, and its quantities grow, over rounds too.
func TestQuantitiesGrow(t *testing.T) {
	t.Parallel()
	l := &Load{Order: Random, Catalogue: 40, BatchSKUs: 3, Senders: 4, Locations: 2, Batches: 300}
	last, senders := map[string]inventoryv1alpha1.Quantity{}, map[string]int{}
	for round := range 3 {
		for n, b := range drain(l, 1, round, round) {
			for i, sku := range b.skus {
				if slices.Contains(b.skus[:i], sku) {
					t.Errorf("%s comes twice in a batch", sku)
				}
				if b.quantity <= last[sku] {
					t.Errorf("%s went from %d to %d", sku, last[sku], b.quantity)
				}
				if owner, known := senders[sku]; known && owner != n%4 {
					t.Errorf("%s is sent by %d and by %d", sku, owner, n%4)
				}
				last[sku], senders[sku] = b.quantity, n%4
			}
		}
	}
}

func TestFreshLocations(t *testing.T) {
	t.Parallel()
	l := &Load{Order: Sorted, Catalogue: 10, BatchSKUs: 10, Senders: 1, Locations: 2, FirstLocation: 3, FreshLocations: true, Rounds: 2}
	for round, want := range map[int][]int{0: {3, 4}, 1: {5, 6}} {
		var got []int
		for _, b := range drain(l, 1, round, 7) {
			got = append(got, b.location)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("round %d (-want +got):\n%s", round, diff)
		}
	}
}

func TestSKUsHaveTwentyCharacters(t *testing.T) {
	t.Parallel()
	first, last := locationIndex{1, 2}.sku(3), locationIndex{999, 9999}.sku(maxCatalogue-1)
	if len(first) != 20 || len(last) != 20 || !strings.HasPrefix(first, "SKU0010002-") {
		t.Errorf("got %s and %s", first, last)
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	got := string(encode(batch{locationIndex{0, 7}, []string{"A", "B"}, 12}))
	const want = `{"locationCode":"loc-0007","products":[{"channelSkuCode":"A","quantity":12},{"channelSkuCode":"B","quantity":12}]}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
