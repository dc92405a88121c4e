package fold

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

func TestPick(t *testing.T) {
	t.Parallel()
	sizes := Sizes{Target: 6, SplitAbove: 9, MergeUpTo: 4}
	stored := func(from, to string, skus int) ledger.Range {
		return ledger.Range{From: from, To: to, Stored: true, Exact: true, SKUs: skus}
	}
	unwritten := func(r ledger.Range) ledger.Range {
		r.Unwritten = true
		return r
	}
	inexact := func(r ledger.Range) ledger.Range {
		r.Exact = false
		return r
	}
	type picked struct {
		From, To string
		OK       bool
	}
	for name, tc := range map[string]struct {
		ranges []ledger.Range
		want   picked
	}{
		"nothing":                         {nil, picked{}},
		"nothing stored, nothing known":   {[]ledger.Range{{}}, picked{}},
		"nothing stored yet":              {[]ledger.Range{unwritten(ledger.Range{})}, picked{"", "", true}},
		"all is well":                     {[]ledger.Range{stored("", "m", 3), stored("m", "", 2)}, picked{}},
		"the largest that is not split":   {[]ledger.Range{stored("", "", 9)}, picked{}},
		"too large":                       {[]ledger.Range{stored("", "", 10)}, picked{"", "", true}},
		"the second has changed":          {[]ledger.Range{stored("", "m", 3), unwritten(stored("m", "", 2))}, picked{"m", "", true}},
		"the last one has another range":  {[]ledger.Range{stored("", "m", 3), inexact(stored("m", "", 2))}, picked{"m", "", true}},
		"two that are small together":     {[]ledger.Range{stored("", "d", 3), stored("d", "m", 2), stored("m", "r", 2), stored("r", "", 3)}, picked{"d", "r", true}},
		"as many as go together":          {[]ledger.Range{stored("", "d", 5), stored("d", "m", 2), stored("m", "r", 1), stored("r", "", 1)}, picked{"d", "", true}},
		"a change is taken in by a merge": {[]ledger.Range{stored("", "d", 1), unwritten(stored("d", "m", 2)), stored("m", "", 5)}, picked{"", "m", true}},
		"what is not stored is no merge":  {[]ledger.Range{stored("", "d", 1), {From: "d", To: "m"}, stored("m", "", 1)}, picked{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got picked
			got.From, got.To, got.OK = sizes.pick(slices.Values(tc.ranges))
			if !got.OK {
				got = picked{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("picked (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPlan has a section of two snapshots, of which one is relied on by a range outside.
func TestPlan(t *testing.T) {
	t.Parallel()
	sizes := Sizes{Target: 3, SplitAbove: 4, MergeUpTo: 2}
	shared, own := &inventoryv1alpha1.InventorySnapshot{}, &inventoryv1alpha1.InventorySnapshot{}
	section := ledger.Section{From: "", To: "7", SKUs: map[string]inventoryv1alpha1.Quantity{}, Parts: []ledger.Part{
		{From: "", To: "3", Snapshot: shared}, {From: "3", To: "5", Snapshot: own, Alone: true}, {From: "5", To: "7", Snapshot: own, Alone: true},
	}}
	for i := range 7 {
		section.SKUs[strconv.Itoa(i)] = inventoryv1alpha1.Quantity(i)
	}
	got := sizes.plan(section)
	all, end := map[string]inventoryv1alpha1.Quantity{}, section.From
	for i, c := range got.chunks {
		if c.from != end || (c.reuse == own) != (i == 0) || c.reuse == shared {
			t.Errorf("chunk %d begins at %q and reuses %p, want from %q on, and the free snapshot once", i, c.from, c.reuse, end)
		}
		end = c.to
		for sku, q := range c.skus {
			if sku < c.from || sku >= c.to {
				t.Errorf("%q is in the chunk from %q to %q", sku, c.from, c.to)
			}
			all[sku] = q
		}
	}
	if len(got.chunks) != 3 || end != section.To || !maps.Equal(all, section.SKUs) || got.stateful {
		t.Errorf("%d chunks up to %q of %v, stateful %v; want 3 of all", len(got.chunks), end, all, got.stateful)
	}
}
