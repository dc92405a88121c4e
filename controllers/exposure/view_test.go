package exposure_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
)

// TestTell sells TEE from a with 10 and b with 5, but not from c.
func TestTell(t *testing.T) {
	t.Parallel()
	const locationWise, consolidated = inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated
	told := func(quantity int64, rule string, here int64) exposure.Told {
		return exposure.Told{Shown: exposure.Shown{Quantity: quantity, Rule: rule}, LocationQuantity: here}
	}
	capped := &spec{Rules: []rule{{Name: "few", Limits: limits{Cap: new(int64(7))}}}}
	total := &spec{Total: &limits{Cap: new(int64(12))}}
	ignored := &spec{ExcludeSKUs: skus{"TEE"}, UnselectedSKUs: inventoryv1alpha1.IgnoreUnselected}
	for name, tc := range map[string]struct {
		mode     inventoryv1alpha1.ChannelMode
		spec     *spec
		location string
		want     exposure.Told
		silent   bool
		asked    []string // whose stock counts
	}{
		"no mode is LocationWise":  {"", nil, "a", told(10, "", 10), false, []string{"a"}},
		"one location":             {locationWise, capped, "a", told(7, "few", 7), false, []string{"a"}},
		"the other":                {locationWise, capped, "b", told(5, "", 5), false, []string{"b"}},
		"a share":                  {locationWise, total, "b", told(2, "total", 2), false, []string{"a", "b"}},
		"not sold from":            {locationWise, capped, "c", told(0, "", 0), false, nil},
		"not sold from, of shares": {locationWise, total, "c", told(0, "", 0), false, []string{"a", "b"}},
		"all":                      {consolidated, capped, "b", told(12, "few", 5), false, []string{"a", "b"}},
		"all, shared":              {consolidated, total, "b", told(12, "total", 2), false, []string{"a", "b"}},
		"all without this one":     {consolidated, capped, "c", told(12, "few", 0), false, []string{"a", "b"}},
		"not sold":                 {locationWise, &spec{ExcludeSKUs: skus{"TEE"}}, "a", told(0, "unselected", 0), false, []string{"a"}},
		"left to people":           {locationWise, ignored, "a", told(0, "unselected", 0), true, nil},
		"left to people, all":      {consolidated, ignored, "a", told(0, "unselected", 0), true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy, err := exposure.New(tc.spec)
			if err != nil {
				t.Fatal(err)
			}
			view := exposure.NewView(tc.mode, policy, []exposure.Location{{Name: "b", Code: "B"}, {Name: "a", Code: "A"}})
			asked := map[string]int64{}
			got, ok := view.Tell("TEE", tc.location, func(location string) int64 {
				asked[location]++
				return map[string]int64{"a": 10, "b": 5, "c": 100}[location]
			})
			if diff := cmp.Diff(tc.want, got); diff != "" || ok == tc.silent {
				t.Errorf("told: %v (-want +got):\n%s", ok, diff)
			}
			if diff := cmp.Diff(tc.asked, slices.Sorted(maps.Keys(asked))); diff != "" {
				t.Errorf("stock that counts (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTellAsShown compares what a channel is told with what the policy shows of all its locations, of which some may
// have one code, in any order.
func TestTellAsShown(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy, have := drawPolicy(t), drawStock(t)
		sku := rapid.SampledFrom([]string{"A1", "B1"}).Draw(t, "SKU")
		locations, quantities := make([]exposure.Location, len(have)), map[string]int64{}
		for i := range have {
			have[i].Name = "name-" + have[i].Code
			have[i].Code = rapid.SampledFrom([]string{"b", "c"}).Draw(t, "code")
			locations[i] = exposure.Location{Name: have[i].Name, Code: have[i].Code}
			quantities[have[i].Name] = have[i].Quantity
		}
		at, total := policy.Show(sku, have)
		turned := rapid.Permutation(locations).Draw(t, "order")
		for i := range have {
			for _, mode := range []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated} {
				want := exposure.Told{Shown: at[i], LocationQuantity: at[i].Quantity}
				if mode == inventoryv1alpha1.Consolidated {
					want.Shown = total
				}
				view := exposure.NewView(mode, policy, turned)
				got, ok := view.Tell(sku, have[i].Name, func(location string) int64 { return quantities[location] })
				if got != want || !ok {
					t.Errorf("%s, %s: told %+v, %v, want %+v", mode, have[i].Name, got, ok, want)
				}
			}
		}
	})
}
