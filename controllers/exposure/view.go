package exposure

import (
	"k8s.io/apimachinery/pkg/labels"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Location is a location that a channel sells from.
type Location struct {
	// Name is that of the object, Code its spec.code.
	Name, Code string
	// Labels decide which rules apply.
	Labels labels.Set
}

// View decides what a channel is told, for all who have to know: pushes, comparisons and reads. It is not
// changed, and safe for concurrent use.
type View struct {
	mode      inventoryv1alpha1.ChannelMode
	policy    *Policy
	locations []Location
	index     map[string]int // of the locations, by name
}

// NewView makes the view of a channel on the locations that it sells from, in any order. Another mode than
// Consolidated counts as LocationWise; a nil policy shows everything.
func NewView(mode inventoryv1alpha1.ChannelMode, policy *Policy, selected []Location) *View {
	v := &View{mode: mode, policy: policy, locations: selected, index: make(map[string]int, len(selected))}
	for i := range selected {
		v.index[selected[i].Name] = i
	}
	return v
}

// Told is what a channel is told of a SKU.
type Told struct {
	// Shown is the quantity: in LocationWise mode of one location, in Consolidated mode of all.
	Shown
	// LocationQuantity is what is shown of the one location, in either mode.
	LocationQuantity int64
}

// Tell returns what the channel is told of a SKU at a location: in Consolidated mode, of all of them on the
// occasion of that one. A location that the channel does not sell from, or not any more, shows nothing.
//
// Stock returns the present quantity of the SKU at a location that the channel sells from, over all pools
// that it sells; it is asked for those alone that count. False means that the channel is not told of the SKU at all.
func (v *View) Tell(sku, location string, stock func(location string) int64) (Told, bool) {
	if !v.policy.Pushes(sku) {
		return Told{Shown: Shown{Rule: UnselectedRule}}, false
	}
	here, selected := v.index[location]
	counting := v.locations
	if v.mode != inventoryv1alpha1.Consolidated && !v.policy.Joins() {
		counting = nil
		if selected {
			counting, here = v.locations[here:here+1], 0
		}
	}
	have := make([]Stock, len(counting))
	for i := range counting {
		l := &counting[i]
		have[i] = Stock{Name: l.Name, Code: l.Code, Labels: l.Labels, Quantity: stock(l.Name)}
	}
	at, total := v.policy.Show(sku, have)
	var told Told
	if selected {
		told = Told{at[here], at[here].Quantity}
	}
	if v.mode == inventoryv1alpha1.Consolidated {
		told.Shown = total
	}
	return told, true
}
