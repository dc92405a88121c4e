package exposure

import (
	"cmp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/utils/ptr"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Stock is what a location has of a SKU, over all pools that the channel sells from.
type Stock struct {
	// Name is that of the Location: it orders those of one code.
	Name string
	// Code is spec.code of the Location, Labels are its labels.
	Code   string
	Labels labels.Set
	// Quantity in sale units, at least 0.
	Quantity int64
}

// Shown is what a channel is told.
type Shown struct {
	// Quantity in sale units.
	Quantity int64
	// Rule names what made it less than there is; empty where all is shown.
	Rule string
}

// Show returns what is shown of a SKU at each location, and in all.
func (p *Policy) Show(sku string, stock []Stock) (at []Shown, total Shown) {
	at = make([]Shown, len(stock))
	if !p.Selects(sku) {
		for i := range at {
			at[i].Rule = UnselectedRule
		}
		return at, Shown{Rule: UnselectedRule}
	}
	var made []string
	for i, s := range stock {
		at[i] = p.showAt(sku, s)
		total.Quantity += at[i].Quantity
		if at[i].Rule != "" && !slices.Contains(made, at[i].Rule) {
			made = append(made, at[i].Rule)
		}
	}
	slices.Sort(made)
	total.Rule = strings.Join(made, ", ")
	if p == nil {
		return at, total
	}
	if limited := limit(p.total, total.Quantity); limited < total.Quantity {
		total = Shown{limited, TotalRule}
		p.share(limited, stock, at)
	}
	return at, total
}

// showAt applies the first rule that matches.
func (p *Policy) showAt(sku string, s Stock) Shown {
	if p == nil {
		return Shown{Quantity: s.Quantity}
	}
	for i := range p.rules {
		r := &p.rules[i]
		if len(r.skus) > 0 && !matches(r.skus, sku) || !r.locations.Matches(s.Labels) {
			continue
		}
		if limited := limit(r.limits, s.Quantity); limited < s.Quantity {
			return Shown{limited, r.name}
		}
		break
	}
	return Shown{Quantity: s.Quantity}
}

// share divides a total among locations, the highest priority first.
func (p *Policy) share(left int64, stock []Stock, at []Shown) {
	order := make([]int, len(stock))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(
			cmp.Compare(p.priorities[stock[b].Code], p.priorities[stock[a].Code]),
			cmp.Compare(stock[a].Code, stock[b].Code),
			cmp.Compare(stock[a].Name, stock[b].Name),
		)
	})
	for _, i := range order {
		if at[i].Quantity > left {
			at[i] = Shown{left, TotalRule}
		}
		left -= at[i].Quantity
	}
}

// limit applies limits to a quantity; the result is from 0 to the quantity.
func limit(l inventoryv1alpha1.ExposureLimits, quantity int64) int64 {
	quantity = max(0, quantity-ptr.Deref(l.SafetyStock, 0))
	if l.Percentage != nil { // in this order nothing overflows
		share := int64(*l.Percentage)
		quantity = quantity/100*share + quantity%100*share/100
	}
	if l.Cap != nil {
		quantity = min(quantity, *l.Cap)
	}
	if l.ZeroBelow != nil && quantity < *l.ZeroBelow {
		return 0
	}
	return quantity
}
