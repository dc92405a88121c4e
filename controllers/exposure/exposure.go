// Package exposure decides which Locations a channel sells from, and how much of their stock it is shown. It only
// computes: the same stock and rules always give the same quantities. It knows the API, and neither the ledger nor who asks.
package exposure

import (
	"fmt"
	"regexp"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Names of what makes a quantity besides the rules.
const (
	// TotalRule stands for spec.exposure.total.
	TotalRule = "total"
	// UnselectedRule stands for includeSkus and excludeSkus.
	UnselectedRule = "unselected"
)

// Policy is spec.exposure of a Channel, made ready. Nil shows everything.
type Policy struct {
	include, exclude []*regexp.Regexp
	ignore           bool
	rules            []rule
	total            inventoryv1alpha1.ExposureLimits
	priorities       map[string]int32
}

type rule struct {
	name      string
	skus      []*regexp.Regexp // nil for all
	locations labels.Selector
	limits    inventoryv1alpha1.ExposureLimits
}

// New reads spec.exposure. Its error names the field.
func New(spec *inventoryv1alpha1.Exposure) (*Policy, error) {
	if spec == nil {
		return nil, nil //nolint:nilnil // nil is a Policy that shows everything
	}
	p := &Policy{
		ignore: spec.UnselectedSKUs == inventoryv1alpha1.IgnoreUnselected, total: ptr.Deref(spec.Total, inventoryv1alpha1.ExposureLimits{}),
		priorities: make(map[string]int32, len(spec.Priorities)),
	}
	for _, l := range spec.Priorities {
		p.priorities[l.Code] = ptr.Deref(l.Priority, 0)
	}
	var err error
	if p.include, err = compile("spec.exposure.includeSkus", spec.IncludeSKUs); err != nil {
		return nil, err
	}
	if p.exclude, err = compile("spec.exposure.excludeSkus", spec.ExcludeSKUs); err != nil {
		return nil, err
	}
	for i := range spec.Rules {
		r, err := newRule(fmt.Sprintf("spec.exposure.rules[%d]", i), &spec.Rules[i])
		if err != nil {
			return nil, err
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

func newRule(field string, spec *inventoryv1alpha1.ExposureRule) (rule, error) {
	r := rule{name: spec.Name, limits: spec.Limits, locations: labels.Everything()}
	var err error
	if r.skus, err = compile(field+".skus", spec.SKUs); err != nil {
		return r, err
	}
	if spec.LocationSelector != nil {
		if r.locations, err = metav1.LabelSelectorAsSelector(spec.LocationSelector); err != nil {
			return r, fmt.Errorf("%s.locationSelector: %w", field, err)
		}
	}
	return r, nil
}

// compile makes expressions that match from end to end.
func compile(field string, expressions []inventoryv1alpha1.SKUExpression) ([]*regexp.Regexp, error) {
	out := make([]*regexp.Regexp, len(expressions))
	for i, e := range expressions {
		if _, err := regexp.Compile(string(e)); err != nil { // as it is written, for the message
			return nil, fmt.Errorf("%s[%d]: %w", field, i, err)
		}
		out[i] = regexp.MustCompile(`^(?:` + string(e) + `)$`)
	}
	return out, nil
}

func matches(expressions []*regexp.Regexp, sku string) bool {
	for _, e := range expressions {
		if e.MatchString(sku) {
			return true
		}
	}
	return false
}

// Selects reports whether the channel sells a SKU.
func (p *Policy) Selects(sku string) bool {
	return p == nil || (len(p.include) == 0 || matches(p.include, sku)) && !matches(p.exclude, sku)
}

// Pushes reports whether the channel is told of a SKU: of those that it does not sell, only
// where they are pushed as zero.
func (p *Policy) Pushes(sku string) bool { return p == nil || !p.ignore || p.Selects(sku) }

// Joins reports whether a location's stock of a SKU decides what is shown at others.
func (p *Policy) Joins() bool {
	return p != nil && p.total != (inventoryv1alpha1.ExposureLimits{})
}

// Matching identifies the rules whose selectors match a location's labels: while it stays the same,
// the labels change nothing that is shown.
func (p *Policy) Matching(location labels.Set) string {
	if p == nil {
		return ""
	}
	out := make([]byte, len(p.rules))
	for i, r := range p.rules {
		out[i] = '0'
		if r.locations.Matches(location) {
			out[i] = '1'
		}
	}
	return string(out)
}
