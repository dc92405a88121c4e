package channelsync

import (
	"testing"

	"k8s.io/apimachinery/pkg/labels"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// expose configures the lane with rules; digest changes with them, as the reconciler's does.
func (b *harness) expose(digest string, spec *inventoryv1alpha1.Exposure, locations ...syncstate.Location) {
	b.Helper()
	policy, err := exposure.New(spec)
	if err != nil {
		b.Fatal(err)
	}
	b.configureWith(Config{Connector: b.shop, Digest: digest}, digest, policy, locations...)
}

func capped(most int64) *inventoryv1alpha1.ExposureLimits {
	return &inventoryv1alpha1.ExposureLimits{Cap: &most}
}

func TestRulesDecideWhatIsPushed(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.send("wd", 0, quantities{"A": 10, "B": 10})
	keep := &inventoryv1alpha1.Exposure{Rules: []inventoryv1alpha1.ExposureRule{{
		Name: "keep three of A", SKUs: []inventoryv1alpha1.SKUExpression{"A"},
		Limits: inventoryv1alpha1.ExposureLimits{SafetyStock: new(int64(3))},
	}}}
	b.expose("1", keep, selected("wd"))
	b.settled()
	b.want("CODE-wd", "A", 7)
	b.want("CODE-wd", "B", 10)
	b.expose("2", nil, selected("wd")) // the rule goes: all is pushed again
	b.settled()
	b.want("CODE-wd", "A", 10)
}

// TestUnselectedSKUs begins with a channel that sells everything.
func TestUnselectedSKUs(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.send("wd", 0, quantities{"A": 10, "X1": 10})
	b.expose("1", nil, selected("wd"))
	b.settled()
	b.expose("2", &inventoryv1alpha1.Exposure{ExcludeSKUs: []inventoryv1alpha1.SKUExpression{"X.*"}}, selected("wd"))
	b.settled()
	b.want("CODE-wd", "X1", 0)
	b.want("CODE-wd", "A", 10)
	b.send("wd", 0, quantities{"A": 9, "X1": 8, "X2": 5})
	b.settled()
	b.want("CODE-wd", "A", 9)
	b.want("CODE-wd", "X1", 0)
	if _, known := b.shop.quantity("CODE-wd", "X2"); known {
		t.Error("the channel was told of a SKU that it does not sell")
	}
	ignore := &inventoryv1alpha1.Exposure{
		ExcludeSKUs: []inventoryv1alpha1.SKUExpression{"A"}, UnselectedSKUs: inventoryv1alpha1.IgnoreUnselected,
	}
	b.expose("3", ignore, selected("wd"))
	b.settled()
	b.want("CODE-wd", "A", 9) // left to people
	b.want("CODE-wd", "X2", 5)
}

// TestZeroOfAnUnknownSKU refuses SKUs that the channel does not have: that none of them is to be sold
// is true already.
func TestZeroOfAnUnknownSKU(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.shop.set(func(batch channel.Batch) (channel.Result, error) {
		out := channel.Result{Failures: map[int]*channel.Error{}}
		for i := range batch.Items {
			out.Failures[i] = channel.NewError(channel.Unmapped, "UnknownSKU", "no such SKU")
		}
		return out, nil
	})
	b.send("wd", 0, quantities{"A": 10, "X": 10})
	b.expose("1", &inventoryv1alpha1.Exposure{ExcludeSKUs: []inventoryv1alpha1.SKUExpression{"X"}}, selected("wd"))
	b.settled()
	if failed := b.report().Failed; failed != 1 {
		t.Errorf("%d SKUs failed, want A alone", failed)
	}
}

// TestTotalIsShared lets two locations share what may be shown in all.
func TestTotalIsShared(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.send("wd", 0, quantities{"A": 10})
	b.send("store", 0, quantities{"A": 10, "ONLY-HERE": 1})
	total := &inventoryv1alpha1.Exposure{
		Total:      capped(12),
		Priorities: []inventoryv1alpha1.LocationPriority{{Code: "CODE-wd", Priority: new(int32(1))}},
	}
	b.expose("1", total, selected("wd"), selected("store"))
	b.settled()
	b.want("CODE-wd", "A", 10)
	b.want("CODE-store", "A", 2)
	b.send("wd", 0, quantities{"A": 5}) // what the store may show changes with it
	b.settled()
	b.want("CODE-wd", "A", 5)
	b.want("CODE-store", "A", 7)
	b.send("store", 0, quantities{"ONLY-HERE": 2})
	b.settled()
	if _, known := b.shop.quantity("CODE-wd", "ONLY-HERE"); known {
		t.Error("the channel was told of a SKU at a location that has never had it")
	}
	b.expose("1", total, selected("store")) // the other is withdrawn, and its share is free
	b.settled()
	b.want("CODE-wd", "A", 0)
	b.want("CODE-store", "A", 10)
}

func TestTotalOfConsolidated(t *testing.T) {
	t.Parallel()
	b := newHarness(t, consolidated)
	b.send("wd", 0, quantities{"A": 10})
	b.send("store", 0, quantities{"A": 10})
	b.expose("1", &inventoryv1alpha1.Exposure{Total: capped(12)}, selected("wd"), selected("store"))
	b.settled()
	b.want("", "A", 12)
}

// TestLabelsDecideWhichRulesApply moves a location into a region that shows less.
func TestLabelsDecideWhichRulesApply(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.send("wd", 0, quantities{"A": 10})
	rules := &inventoryv1alpha1.Exposure{Rules: []inventoryv1alpha1.ExposureRule{{
		Name: "north", LocationSelector: labelSelector("region", "north"), Limits: *capped(4),
	}}}
	at := selected("wd")
	b.expose("1", rules, at)
	b.settled()
	b.want("CODE-wd", "A", 10)
	calls := len(b.shop.calls)
	at.Labels = labels.Set{"shift": "late"}
	b.expose("1", rules, at)
	b.settled()
	if n := len(b.shop.calls) - calls; n != 0 {
		t.Errorf("%d calls after a change of labels that no rule looks at", n)
	}
	at.Labels = labels.Set{"region": "north"}
	b.expose("1", rules, at)
	b.settled()
	b.want("CODE-wd", "A", 4)
}
