package resolve_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// catalog is a channel's items, by SKU.
type catalog struct {
	items map[string][]int
	err   error
	asked [][]string
}

func (c *catalog) lookup(_ context.Context, skus []string) (map[string][]int, error) {
	c.asked = append(c.asked, slices.Clone(skus))
	return c.items, c.err
}

// reasons returns the reason of each failure.
func reasons(failures map[string]*channel.Error) map[string]string {
	out := map[string]string{}
	for sku, err := range failures {
		out[sku] = string(err.Class) + "/" + string(err.Reason)
	}
	return out
}

func TestResolve(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakePassiveClock(time.Now())
	c := &catalog{items: map[string][]int{"A": {1}, "B": {2}, "TWICE": {3, 4}}}
	r := resolve.New(clock, 2, c.lookup)
	check := func(what string, wantAsked ...[]string) {
		t.Helper()
		c.asked = nil
		found, failures, err := r.Resolve(t.Context(), []string{"A", "GONE", "TWICE", "B"})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if diff := cmp.Diff(map[string]int{"A": 1, "B": 2}, found); diff != "" {
			t.Errorf("%s: found (-want +got):\n%s", what, diff)
		}
		want := map[string]string{"GONE": "Unmapped/UnknownSKU", "TWICE": "Unmapped/AmbiguousSKU"}
		if diff := cmp.Diff(want, reasons(failures)); diff != "" {
			t.Errorf("%s: failures (-want +got):\n%s", what, diff)
		}
		if diff := cmp.Diff(wantAsked, c.asked); diff != "" {
			t.Errorf("%s: lookups (-want +got):\n%s", what, diff)
		}
	}
	check("at first", []string{"A", "GONE"}, []string{"TWICE", "B"})
	check("from memory")
	clock.SetTime(clock.Now().Add(resolve.UnknownTTL + time.Second))
	check("what was not found is looked up again", []string{"GONE", "TWICE"})
	clock.SetTime(clock.Now().Add(resolve.FoundTTL))
	check("after a while everything is", []string{"A", "GONE"}, []string{"TWICE", "B"})
	r.Forget("B")
	check("what was forgotten is", []string{"B"})
}

// TestRename gives an item another SKU, and its SKU to another item.
func TestRename(t *testing.T) {
	t.Parallel()
	c := &catalog{items: map[string][]int{"OLD": {1}}}
	r := resolve.New(clocktesting.NewFakePassiveClock(time.Now()), 10, c.lookup)
	for _, step := range []struct {
		items map[string][]int
		sku   string
		want  int
	}{
		{c.items, "OLD", 1},
		{map[string][]int{"NEW": {1}, "OLD": {2}}, "NEW", 1},
		{map[string][]int{"NEW": {1}, "OLD": {2}}, "OLD", 2},
	} {
		c.items = step.items
		found, _, err := r.Resolve(t.Context(), []string{step.sku})
		if err != nil || found[step.sku] != step.want {
			t.Errorf("%s is item %d (%v), want %d", step.sku, found[step.sku], err, step.want)
		}
	}
}

// TestRenameWithinACall asks for the new SKU of an item together with the old one, which is remembered.
func TestRenameWithinACall(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		items        map[string][]int // after the renaming
		want         map[string]int
		wantFailures map[string]string
	}{
		"the old SKU is another item's": {map[string][]int{"NEW": {1}, "OLD": {2}}, map[string]int{"NEW": 1, "OLD": 2}, map[string]string{}},
		"the old SKU is no item's":      {map[string][]int{"NEW": {1}}, map[string]int{"NEW": 1}, map[string]string{"OLD": "Unmapped/UnknownSKU"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &catalog{items: map[string][]int{"OLD": {1}}}
			r := resolve.New(clocktesting.NewFakePassiveClock(time.Now()), 10, c.lookup)
			if _, _, err := r.Resolve(t.Context(), []string{"OLD"}); err != nil {
				t.Fatal(err)
			}
			c.items = tc.items
			found, failures, err := r.Resolve(t.Context(), []string{"OLD", "NEW"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, found); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantFailures, reasons(failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFailedLookupIsNotUnknown fails a lookup: nothing is remembered of it.
func TestFailedLookupIsNotUnknown(t *testing.T) {
	t.Parallel()
	c := &catalog{items: map[string][]int{"A": {1}}, err: errors.New("no answer")}
	r := resolve.New(clocktesting.NewFakePassiveClock(time.Now()), 10, c.lookup)
	if _, _, err := r.Resolve(t.Context(), []string{"A"}); !errors.Is(err, c.err) {
		t.Fatalf("error %v, want that of the lookup", err)
	}
	c.err = nil
	found, failures, err := r.Resolve(t.Context(), []string{"A"})
	if err != nil || found["A"] != 1 || len(failures) > 0 {
		t.Errorf("found %v, failures %v, error %v; want A", found, failures, err)
	}
}
