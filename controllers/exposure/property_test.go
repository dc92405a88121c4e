package exposure_test

import (
	"testing"

	"pgregory.net/rapid"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
)

// drawLimits draws limits, each of which may be absent.
func drawLimits(t *rapid.T, name string) limits {
	maybe := func(field string, least, most int64) *int64 {
		return rapid.Ptr(rapid.Int64Range(least, most), true).Draw(t, name+"."+field)
	}
	return limits{
		SafetyStock: maybe("safetyStock", 0, 20),
		Percentage:  rapid.Ptr(rapid.Int32Range(0, 100), true).Draw(t, name+".percentage"),
		Cap:         maybe("cap", 0, 50),
		ZeroBelow:   maybe("zeroBelow", 1, 10),
	}
}

// drawPolicy draws two rules, of which the first is for some SKUs and locations only, and a total.
func drawPolicy(t *rapid.T) *exposure.Policy {
	total := drawLimits(t, "total")
	p, err := exposure.New(&spec{
		Rules: []rule{
			{Name: "some", SKUs: skus{"A.*"}, Limits: drawLimits(t, "some")},
			{Name: "all", Limits: drawLimits(t, "all")},
		},
		Total: &total,
		Priorities: []inventoryv1alpha1.LocationPriority{
			{Code: "b", Priority: new(rapid.Int32Range(-2, 2).Draw(t, "priority of b"))},
			{Code: "c", Priority: new(rapid.Int32Range(-2, 2).Draw(t, "priority of c"))},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func drawStock(t *rapid.T) []exposure.Stock {
	out := make([]exposure.Stock, rapid.IntRange(1, 3).Draw(t, "locations"))
	for i := range out {
		out[i] = stock(string(rune('a'+i)), rapid.Int64Range(0, 200).Draw(t, "quantity"), "")
	}
	return out
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		policy, have := drawPolicy(t), drawStock(t)
		sku := rapid.SampledFrom([]string{"A1", "B1"}).Draw(t, "SKU")
		at, total := policy.Show(sku, have)

		var sum int64
		for i, shown := range at {
			if shown.Quantity < 0 || shown.Quantity > have[i].Quantity {
				t.Errorf("location %s shows %d of %d", have[i].Code, shown.Quantity, have[i].Quantity)
			}
			if (shown.Rule == "") != (shown.Quantity == have[i].Quantity) {
				t.Errorf("location %s shows %d of %d by rule %q", have[i].Code, shown.Quantity, have[i].Quantity, shown.Rule)
			}
			sum += shown.Quantity
		}
		if sum != total.Quantity {
			t.Errorf("locations show %d together, the total is %d", sum, total.Quantity)
		}
		// More stock anywhere never shows less in all.
		more := append([]exposure.Stock(nil), have...)
		more[0].Quantity += rapid.Int64Range(1, 50).Draw(t, "more")
		if _, now := policy.Show(sku, more); now.Quantity < total.Quantity {
			t.Errorf("%d more shows %d instead of %d", more[0].Quantity-have[0].Quantity, now.Quantity, total.Quantity)
		}
		// The order of locations does not matter.
		last := len(have) - 1
		turned := append([]exposure.Stock{have[last]}, have[:last]...)
		if again, _ := policy.Show(sku, turned); again[0] != at[last] {
			t.Errorf("location %s shows %+v, and %+v in another order", have[last].Code, at[last], again[0])
		}
	})
}
