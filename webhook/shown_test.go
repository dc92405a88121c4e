package webhook

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
)

// TestShownQuantities reads back what channels are to be told of A: wd003 has 5 in the common pool and 1
// in pool 2, STORE-12 has 3.
func TestShownQuantities(t *testing.T) {
	t.Parallel()
	channel := func(name string, change func(*inventoryv1alpha1.ChannelSpec)) *inventoryv1alpha1.Channel {
		c := &inventoryv1alpha1.Channel{ObjectMeta: meta("ns", name), Spec: inventoryv1alpha1.ChannelSpec{
			ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, Mode: inventoryv1alpha1.LocationWise,
		}}
		change(&c.Spec)
		return c
	}
	most := func(n int64) *inventoryv1alpha1.ExposureLimits { return &inventoryv1alpha1.ExposureLimits{Cap: &n} }
	going := channel("going", func(*inventoryv1alpha1.ChannelSpec) {})
	going.Finalizers, going.DeletionTimestamp = []string{"example.com/keep"}, &metav1.Time{Time: time.Unix(1_700_000_001, 0)}
	r := newHarness(t,
		channel("all", func(*inventoryv1alpha1.ChannelSpec) {}),
		channel("both pools", func(s *inventoryv1alpha1.ChannelSpec) { s.PoolIDs = []int64{0, 2} }),
		channel("capped", func(s *inventoryv1alpha1.ChannelSpec) {
			s.Exposure = &inventoryv1alpha1.Exposure{Rules: []inventoryv1alpha1.ExposureRule{{Name: "few", Limits: *most(2)}}}
		}),
		channel("shared", func(s *inventoryv1alpha1.ChannelSpec) {
			s.Exposure = &inventoryv1alpha1.Exposure{Total: most(4)} // STORE-12 comes first
		}),
		channel("consolidated", func(s *inventoryv1alpha1.ChannelSpec) { s.Mode = inventoryv1alpha1.Consolidated }),
		channel("elsewhere", func(s *inventoryv1alpha1.ChannelSpec) {
			s.LocationSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"region": "south"}}
		}),
		channel("left to people", func(s *inventoryv1alpha1.ChannelSpec) {
			s.Exposure = &inventoryv1alpha1.Exposure{
				ExcludeSKUs: []inventoryv1alpha1.SKUExpression{"A"}, UnselectedSKUs: inventoryv1alpha1.IgnoreUnselected,
			}
		}),
		channel("not sold", func(s *inventoryv1alpha1.ChannelSpec) {
			s.Exposure = &inventoryv1alpha1.Exposure{ExcludeSKUs: []inventoryv1alpha1.SKUExpression{"A"}}
		}),
		going,
		channel("not theirs", func(s *inventoryv1alpha1.ChannelSpec) { s.ClientRef.Name = "rival" }),
		channel("broken", func(s *inventoryv1alpha1.ChannelSpec) {
			s.Exposure = &inventoryv1alpha1.Exposure{IncludeSKUs: []inventoryv1alpha1.SKUExpression{"("}}
		}),
	)
	channels, err := r.channelsOf(t.Context(), "ns", "acme")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]exposure.Shown{}
	for name, c := range channels {
		shown, told := c.quantity("wd003", "A")
		if got[name] = shown; told == (name == "left to people") {
			t.Errorf("%s is told: %v", name, told)
		}
		answer := channelState{}
		answer.show(c, "wd003", "A")
		if answer.ExposureRule != shown.Rule || (answer.ShownQuantity != nil) != told || told && *answer.ShownQuantity != shown.Quantity {
			t.Errorf("%s is answered as %+v, want %+v, %v", name, answer, shown, told)
		}
	}
	want := map[string]exposure.Shown{
		"all":            {Quantity: 5},
		"both pools":     {Quantity: 6},
		"capped":         {Quantity: 2, Rule: "few"},
		"shared":         {Quantity: 1, Rule: "total"},
		"consolidated":   {Quantity: 8},
		"elsewhere":      {},
		"not sold":       {Rule: "unselected"},
		"left to people": {Rule: "unselected"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
