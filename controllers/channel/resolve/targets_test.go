package resolve_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// batch is of items written as SKU and location.
func batch(mode inventoryv1alpha1.ChannelMode, items ...[2]string) channel.Batch {
	b := channel.Batch{Mode: mode}
	for _, it := range items {
		b.Items = append(b.Items, channel.Item{SKU: it[0], LocationCode: it[1]})
	}
	return b
}

// outcome is what became of each item, by its index: where it goes, or why it goes nowhere.
func outcome(targets []resolve.Target[int, int], failures map[int]*channel.Error) map[int]string {
	out := map[int]string{}
	for _, t := range targets {
		out[t.Index] = fmt.Sprintf("%s is %d at %q, %d", t.SKU, t.Found, t.Code, t.Location)
	}
	for i, err := range failures {
		if was, both := out[i]; both {
			out[i] = was + " and " + string(err.Reason)
			continue
		}
		out[i] = string(err.Class) + "/" + string(err.Reason)
	}
	return out
}

func TestTargets(t *testing.T) {
	t.Parallel()
	items := &catalog{items: map[string][]int{"A": {1}, "B": {2}, "TWICE": {3, 4}, "ODD": {99}}}
	locations := &catalog{items: map[string][]int{"DC-1": {10}, "10": {10}, "DC-2": {20}, "SUMS": {30}, "TWIN": {40, 50}}}
	even := func(id int) *channel.Error {
		if id == 99 {
			return channel.NewError(channel.Unmapped, "Unfit", "no stock")
		}
		return nil
	}
	explain := func(code string, found int) *channel.Error {
		return channel.NewError(channel.Unmapped, channel.Reason(fmt.Sprintf("Locations%d", found)), code)
	}
	byLocation := []([2]string){{"A", "DC-1"}, {"A", "DC-2"}, {"B", "NOWHERE"}, {"B", "TWIN"}, {"GONE", "DC-1"}, {"TWICE", "DC-1"}, {"ODD", "DC-1"}}
	cases := map[string]struct {
		change    func(*resolve.Targets[int, int])
		batch     channel.Batch
		want      map[int]string
		wantAsked [][]string // of items
	}{
		"at locations": {
			batch: batch(inventoryv1alpha1.LocationWise, byLocation...),
			want: map[int]string{
				0: `A is 1 at "DC-1", 10`, 1: `A is 1 at "DC-2", 20`, 2: "Unmapped/Locations0", 3: "Unmapped/Locations2",
				4: "Unmapped/UnknownSKU", 5: "Unmapped/AmbiguousSKU", 6: "Unmapped/Unfit",
			},
			wantAsked: [][]string{{"A", "GONE", "TWICE", "ODD"}},
		},
		"sums": {
			batch: batch(inventoryv1alpha1.Consolidated, [2]string{"A", "DC-1"}, [2]string{"B", "NOWHERE"}),
			want:  map[int]string{0: `A is 1 at "SUMS", 30`, 1: `B is 2 at "SUMS", 30`}, wantAsked: [][]string{{"A", "B"}},
		},
		"two codes for one location": {
			batch: batch(inventoryv1alpha1.LocationWise, [2]string{"A", "DC-1"}, [2]string{"B", "10"}, [2]string{"A", "10"}),
			want:  map[int]string{0: "Unmapped/AmbiguousLocation", 1: `B is 2 at "10", 10`, 2: "Unmapped/AmbiguousLocation"}, wantAsked: [][]string{{"A", "B"}},
		},
		"two codes for one location, the first is kept": {
			change: func(t *resolve.Targets[int, int]) { t.KeepFirst = true },
			batch:  batch(inventoryv1alpha1.LocationWise, [2]string{"A", "DC-1"}, [2]string{"A", "10"}),
			want:   map[int]string{0: `A is 1 at "DC-1", 10`, 1: "Unmapped/AmbiguousLocation"}, wantAsked: [][]string{{"A"}},
		},
		"SKUs as they are": {
			change: func(t *resolve.Targets[int, int]) { t.Items = nil },
			batch:  batch(inventoryv1alpha1.LocationWise, [2]string{"GONE", "DC-1"}, [2]string{"A", "NOWHERE"}),
			want:   map[int]string{0: `GONE is 0 at "DC-1", 10`, 1: "Unmapped/Locations0"},
		},
		"codes as they are": {
			change: func(t *resolve.Targets[int, int]) { t.Locations = nil },
			batch:  batch(inventoryv1alpha1.LocationWise, [2]string{"A", "NOWHERE"}, [2]string{"A", "10"}),
			want:   map[int]string{0: `A is 1 at "NOWHERE", 0`, 1: `A is 1 at "10", 0`}, wantAsked: [][]string{{"A"}},
		},
		"all at unknown locations": {
			batch: batch(inventoryv1alpha1.LocationWise, [2]string{"A", "NOWHERE"}),
			want:  map[int]string{0: "Unmapped/Locations0"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := &catalog{items: items.items}
			targets := resolve.Targets[int, int]{
				Items:     resolve.Anew(10, asked.lookup).Checked(even),
				Locations: resolve.Anew(10, (&catalog{items: locations.items}).lookup).Explained(explain), Sums: "SUMS",
			}
			if tc.change != nil {
				tc.change(&targets)
			}
			found, failures, err := targets.Resolve(t.Context(), tc.batch)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, outcome(found, failures)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantAsked, asked.asked); diff != "" {
				t.Errorf("SKUs looked up (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLookUpThatFails is never taken for "there is none".
func TestLookUpThatFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	b := batch(inventoryv1alpha1.LocationWise, [2]string{"A", "DC-1"})
	for name, of := range map[string][2]error{"items": {broken, nil}, "locations": {nil, broken}} {
		targets := resolve.Targets[int, int]{
			Items:     resolve.Anew(1, (&catalog{items: map[string][]int{"A": {1}}, err: of[0]}).lookup),
			Locations: resolve.Anew(1, (&catalog{items: map[string][]int{"DC-1": {1}}, err: of[1]}).lookup),
		}
		found, failures, err := targets.Resolve(t.Context(), b)
		if !errors.Is(err, broken) || len(found)+len(failures) != 0 {
			t.Errorf("%s: %v, %v, %v", name, found, failures, err)
		}
	}
}

// TestWhatIsRemembered looks up anew what was refused or forgotten, and nothing else.
func TestWhatIsRemembered(t *testing.T) {
	t.Parallel()
	items := &catalog{items: map[string][]int{"A": {1}, "ODD": {99}}}
	fit := false
	targets := resolve.Targets[int, resolve.Nowhere]{
		Items: resolve.New(clocktesting.NewFakePassiveClock(time.Now()), 10, items.lookup).Checked(func(id int) *channel.Error {
			if id == 99 && !fit {
				return channel.NewError(channel.Unmapped, "Unfit", "no stock")
			}
			return nil
		}),
	}
	b := batch(inventoryv1alpha1.Consolidated, [2]string{"A", ""}, [2]string{"ODD", ""})
	step := func(what string, wantTargets int, wantAsked ...[]string) []resolve.Target[int, resolve.Nowhere] {
		t.Helper()
		items.asked = nil
		found, failures, err := targets.Resolve(t.Context(), b)
		if err != nil || len(found) != wantTargets || len(found)+len(failures) != len(b.Items) {
			t.Fatalf("%s: %v, %v, %v", what, found, failures, err)
		}
		if diff := cmp.Diff(wantAsked, items.asked); diff != "" {
			t.Errorf("%s: lookups (-want +got):\n%s", what, diff)
		}
		return found
	}
	step("at first", 1, []string{"A", "ODD"})
	step("what was refused", 1, []string{"ODD"})
	fit = true
	found := step("put right", 2, []string{"ODD"})
	step("all known", 2)
	targets.Forget(found[0])
	step("forgotten", 2, []string{"A"})
}

func TestAgain(t *testing.T) {
	t.Parallel()
	items := &catalog{items: map[string][]int{"A": {1}, "B": {2}, "C": {3}}}
	targets := resolve.Targets[int, resolve.Nowhere]{Items: resolve.New(clocktesting.NewFakePassiveClock(time.Now()), 10, items.lookup)}
	b := batch(inventoryv1alpha1.Consolidated, [2]string{"A", ""}, [2]string{"B", ""}, [2]string{"C", ""})
	found, _, err := targets.Resolve(t.Context(), b)
	if err != nil || len(found) != 3 {
		t.Fatal(found, err)
	}
	items.items, items.asked = map[string][]int{"A": {1}, "B": {7}}, nil
	again, failures, err := targets.Again(t.Context(), b, found[1:])
	if err != nil || len(again) != 1 || again[0].Index != 1 || again[0].Found != 7 || again[0].SKU != "B" {
		t.Errorf("again %+v, %v, want B as 7, at index 1", again, err)
	}
	if len(failures) != 1 || failures[2] == nil || failures[2].Reason != "UnknownSKU" {
		t.Errorf("failures %v, want C as unknown, at index 2", failures)
	}
	if diff := cmp.Diff([][]string{{"B", "C"}}, items.asked); diff != "" {
		t.Errorf("lookups (-want +got):\n%s", diff)
	}
}

func TestBySKU(t *testing.T) {
	t.Parallel()
	targets := resolve.Targets[int, int]{}
	all, _, err := targets.Resolve(t.Context(), batch(inventoryv1alpha1.LocationWise, [2]string{"A", "1"}, [2]string{"B", "1"}, [2]string{"A", "2"}))
	if err != nil {
		t.Fatal(err)
	}
	var got [][]int
	for _, group := range resolve.BySKU(all) {
		var indexes []int
		for _, target := range group {
			indexes = append(indexes, target.Index)
		}
		got = append(got, indexes)
	}
	if diff := cmp.Diff([][]int{{0, 2}, {1}}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
