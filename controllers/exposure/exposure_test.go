package exposure_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
)

type (
	spec   = inventoryv1alpha1.Exposure
	rule   = inventoryv1alpha1.ExposureRule
	limits = inventoryv1alpha1.ExposureLimits
	skus   = []inventoryv1alpha1.SKUExpression
)

func stock(code string, quantity int64, region string) exposure.Stock {
	return exposure.Stock{Code: code, Quantity: quantity, Labels: labels.Set{"region": region}}
}

func TestShow(t *testing.T) {
	t.Parallel()
	north := &metav1.LabelSelector{MatchLabels: map[string]string{"region": "north"}}
	two := []exposure.Stock{stock("a", 10, "north"), stock("b", 6, "south")}
	for name, tc := range map[string]struct {
		spec  *spec
		stock []exposure.Stock
		want  []exposure.Shown
		total exposure.Shown
	}{
		"nothing": {nil, two, []exposure.Shown{{10, ""}, {6, ""}}, exposure.Shown{Quantity: 16}},
		"all limits in order": {
			&spec{Rules: []rule{{Name: "r", Limits: limits{SafetyStock: new(int64(3)), Percentage: new(int32(50)), Cap: new(int64(2)), ZeroBelow: new(int64(2))}}}},
			two,
			[]exposure.Shown{{2, "r"}, {0, "r"}},
			exposure.Shown{Quantity: 2, Rule: "r"},
		},
		"safety stock below zero": {
			&spec{Rules: []rule{{Name: "r", Limits: limits{SafetyStock: new(int64(7))}}}},
			two,
			[]exposure.Shown{{3, "r"}, {0, "r"}},
			exposure.Shown{Quantity: 3, Rule: "r"},
		},
		"the first rule that matches": {
			&spec{Rules: []rule{
				{Name: "other", SKUs: skus{"OTHER.*"}, Limits: limits{Cap: new(int64(0))}},
				{Name: "part of a word", SKUs: skus{"E|T"}, Limits: limits{Cap: new(int64(0))}},
				{Name: "north", SKUs: skus{"T.E"}, LocationSelector: north, Limits: limits{Cap: new(int64(4))}},
				{Name: "rest", Limits: limits{Percentage: new(int32(99))}},
			}},
			two,
			[]exposure.Shown{{4, "north"}, {5, "rest"}},
			exposure.Shown{Quantity: 9, Rule: "north, rest"},
		},
		"a rule without limits": {
			&spec{Rules: []rule{{Name: "all", LocationSelector: north}, {Name: "none", Limits: limits{Cap: new(int64(0))}}}},
			two,
			[]exposure.Shown{{10, ""}, {0, "none"}},
			exposure.Shown{Quantity: 10, Rule: "none"},
		},
		"the total takes from the lowest priority": {
			&spec{
				Total:      &limits{Cap: new(int64(8))},
				Priorities: []inventoryv1alpha1.LocationPriority{{Code: "b", Priority: new(int32(5))}},
			},
			two,
			[]exposure.Shown{{2, "total"}, {6, ""}},
			exposure.Shown{Quantity: 8, Rule: "total"},
		},
		"equal priorities by code": {
			&spec{Total: &limits{SafetyStock: new(int64(8))}},
			[]exposure.Stock{two[1], two[0]},
			[]exposure.Shown{{0, "total"}, {8, "total"}},
			exposure.Shown{Quantity: 8, Rule: "total"},
		},
		"a total after rules": {
			&spec{Rules: []rule{{Name: "r", Limits: limits{Cap: new(int64(5))}}}, Total: &limits{Cap: new(int64(100))}},
			two,
			[]exposure.Shown{{5, "r"}, {5, "r"}},
			exposure.Shown{Quantity: 10, Rule: "r"},
		},
		"not included": {
			&spec{IncludeSKUs: skus{"[0-9]+"}},
			two,
			[]exposure.Shown{{0, "unselected"}, {0, "unselected"}},
			exposure.Shown{Rule: "unselected"},
		},
		"excluded": {
			&spec{IncludeSKUs: skus{"TEE"}, ExcludeSKUs: skus{"T.*"}, UnselectedSKUs: inventoryv1alpha1.IgnoreUnselected},
			two,
			[]exposure.Shown{{0, "unselected"}, {0, "unselected"}},
			exposure.Shown{Rule: "unselected"},
		},
		"the largest quantity": {
			&spec{Rules: []rule{{Name: "r", Limits: limits{Percentage: new(int32(99))}}}},
			[]exposure.Stock{stock("a", 1<<62, "")},
			[]exposure.Shown{{1<<62/100*99 + 1<<62%100*99/100, "r"}},
			exposure.Shown{Quantity: 1<<62/100*99 + 1<<62%100*99/100, Rule: "r"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			policy, err := exposure.New(tc.spec)
			if err != nil {
				t.Fatal(err)
			}
			at, total := policy.Show("TEE", tc.stock)
			if diff := cmp.Diff(tc.want, at); diff != "" {
				t.Errorf("at each location (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.total, total); diff != "" {
				t.Errorf("in all (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSelection(t *testing.T) {
	t.Parallel()
	policy := func(s *spec) *exposure.Policy {
		p, err := exposure.New(s)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	zero := policy(&spec{ExcludeSKUs: skus{"X.*"}})
	ignore := policy(&spec{ExcludeSKUs: skus{"X.*"}, UnselectedSKUs: inventoryv1alpha1.IgnoreUnselected})
	var all *exposure.Policy
	for _, tc := range []struct {
		policy          *exposure.Policy
		sku             string
		selects, pushes bool
	}{
		{zero, "X1", false, true},
		{zero, "A", true, true},
		{ignore, "X1", false, false},
		{ignore, "A", true, true},
		{all, "X1", true, true},
	} {
		if got := tc.policy.Selects(tc.sku); got != tc.selects {
			t.Errorf("%s selected: %v", tc.sku, got)
		}
		if got := tc.policy.Pushes(tc.sku); got != tc.pushes {
			t.Errorf("%s pushed: %v", tc.sku, got)
		}
	}
	if all.Joins() || zero.Joins() || !policy(&spec{Total: &limits{Cap: new(int64(1))}}).Joins() {
		t.Error("only a total joins locations")
	}
	rules := policy(&spec{Rules: []rule{
		{Name: "n", LocationSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"region": "north"}}}, {Name: "all"},
	}})
	if north, south := rules.Matching(labels.Set{"region": "north"}), rules.Matching(nil); north != "11" || south != "01" || all.Matching(nil) != "" {
		t.Errorf("matching rules %s and %s, want 11 and 01", north, south)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]*spec{
		"spec.exposure.includeSkus[0]: error parsing regexp: missing closing ]: `[`":                         {IncludeSKUs: skus{"["}},
		"spec.exposure.excludeSkus[1]: error parsing regexp: unexpected ): `a)(b`":                           {ExcludeSKUs: skus{"x", "a)(b"}},
		"spec.exposure.rules[1].skus[0]: error parsing regexp: missing argument to repetition operator: `*`": {Rules: []rule{{Name: "a"}, {Name: "b", SKUs: skus{"*"}}}},
		`spec.exposure.rules[0].locationSelector: "Near" is not a valid label selector operator`: {Rules: []rule{{
			Name: "a", LocationSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "k", Operator: "Near"}}},
		}}},
	} {
		if _, err := exposure.New(s); fmt.Sprint(err) != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	if _, err := exposure.New(&spec{IncludeSKUs: skus{inventoryv1alpha1.SKUExpression(strings.Repeat("a", 255))}}); err != nil {
		t.Error(err)
	}
}
