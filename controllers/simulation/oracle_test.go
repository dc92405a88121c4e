package simulation

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kubelabels "k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
)

// What everything has to end with is told here from the Channels, the Locations and the quantities alone, with
// nothing of what keeps channels in step.

// differences tells why the snapshots and the shops are not yet what they must end with.
func (w *world) differences(truth stock) error {
	errs := w.foldErrors(truth)
	for _, t := range w.tenants {
		for _, ch := range stored[*inventoryv1alpha1.Channel](w.api) {
			if ch.Namespace != t.namespace || ch.Spec.ClientRef.Name != t.name || ch.Suspended() {
				continue
			}
			for _, err := range append(t.shopErrors(ch, truth), t.stateErrors(ch, truth)...) {
				errs = append(errs, fmt.Errorf("channel %s: %w", ch.Name, err))
			}
		}
	}
	return errors.Join(errs...)
}

// foldErrors compares what the snapshots say with the quantities.
func (w *world) foldErrors(truth stock) (errs []error) {
	folded := stock{}
	for _, s := range stored[*inventoryv1alpha1.InventorySnapshot](w.api) {
		key := poolKey{types.NamespacedName{Namespace: s.Namespace, Name: s.LocationName}, s.PoolID}
		if folded[key] == nil {
			folded[key] = map[string]int64{}
		}
		for sku, q := range s.SKUs {
			if _, twice := folded[key][sku]; twice {
				errs = append(errs, fmt.Errorf("two snapshots of %v hold %s", key, sku))
			}
			folded[key][sku] = int64(q)
		}
	}
	for key, want := range truth {
		if !maps.Equal(folded[key], want) {
			errs = append(errs, fmt.Errorf("the snapshots of %v say %v, want %v", key, folded[key], want))
		}
	}
	for key, have := range folded {
		if truth[key] == nil && len(have) > 0 {
			errs = append(errs, fmt.Errorf("the snapshots of %v say %v of a Location that is gone", key, have))
		}
	}
	return errs
}

// selling returns the Locations that a channel sells from, sorted by name.
func (t *tenant) selling(ch *inventoryv1alpha1.Channel) (out []*inventoryv1alpha1.Location) {
	selector := kubelabels.Everything()
	if s := ch.Spec.LocationSelector; s != nil {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(s); err != nil {
			panic(err)
		}
	}
	for _, l := range stored[*inventoryv1alpha1.Location](t.api) {
		if l.Namespace == t.namespace && l.Spec.ClientRef.Name == t.name && l.DeletionTimestamp == nil && selector.Matches(kubelabels.Set(l.Labels)) {
			out = append(out, l)
		}
	}
	return out
}

// shown returns what a channel has to be shown, and of which SKUs that is not said.
func (t *tenant) shown(ch *inventoryv1alpha1.Channel, truth stock) (want map[listing]int64, open map[string]bool) {
	policy, err := exposure.New(ch.Spec.Exposure)
	if err != nil {
		panic(err)
	}
	want, open = map[listing]int64{}, map[string]bool{}
	locations := t.selling(ch)
	for _, sku := range skus {
		if !policy.Pushes(sku) {
			open[sku] = true
			continue
		}
		there, known := stockOf(ch, locations, truth, sku)
		at, total := policy.Show(sku, there)
		if !policy.Selects(sku) {
			continue // nothing is to be shown, whether or not it ever was
		}
		for i, s := range there {
			switch {
			case !known[i]:
			case ch.Spec.Mode == inventoryv1alpha1.Consolidated:
				want[listing{"", sku}] = total.Quantity
			default:
				want[listing{s.Code, sku}] = at[i].Quantity
			}
		}
	}
	return want, open
}

// stockOf returns what locations have of a SKU, and whether they ever had it.
func stockOf(ch *inventoryv1alpha1.Channel, locations []*inventoryv1alpha1.Location, truth stock, sku string) ([]exposure.Stock, []bool) {
	out, known := make([]exposure.Stock, len(locations)), make([]bool, len(locations))
	for i, l := range locations {
		out[i] = exposure.Stock{Code: l.Spec.Code, Labels: l.Labels}
		for _, id := range ch.Pools() {
			q, has := truth[poolKey{types.NamespacedName{Namespace: l.Namespace, Name: l.Name}, id}][sku]
			out[i].Quantity += q
			known[i] = known[i] || has
		}
	}
	return out, known
}

// shopErrors compares what a shop lists with what it has to be shown: nothing of all else that it was ever told of.
func (t *tenant) shopErrors(ch *inventoryv1alpha1.Channel, truth stock) (errs []error) {
	want, open := t.shown(ch, truth)
	s := t.market.shop(ch.UID)
	have := s.copy()
	for l, q := range want {
		if got, told := have[l]; !told {
			errs = append(errs, fmt.Errorf("the shop was not told of %s, want %d", l, q))
		} else if got != q {
			errs = append(errs, fmt.Errorf("the shop has %d of %s, want %d", got, l, q))
		}
	}
	sums := map[string]int64{}
	for l, q := range have {
		sums[l.sku] += q
		if _, listed := want[l]; !listed && !open[l.sku] && q != 0 {
			errs = append(errs, fmt.Errorf("the shop has %d of %s, want none", q, l))
		}
	}
	if e := ch.Spec.Exposure; e != nil && e.Total != nil {
		for sku, sum := range sums {
			if !open[sku] && sum > *e.Total.Cap {
				errs = append(errs, fmt.Errorf("the shop has %d of %s in all, of which it may have %d", sum, sku, *e.Total.Cap))
			}
		}
	}
	return errs
}

// stateErrors wants snapshots to say Synced of everything that a channel sells, and nothing of what it does not.
func (t *tenant) stateErrors(ch *inventoryv1alpha1.Channel, truth stock) (errs []error) {
	sells := map[string]bool{}
	for _, l := range t.selling(ch) {
		sells[l.Name] = true
	}
	for _, s := range stored[*inventoryv1alpha1.InventorySnapshot](t.api) {
		if s.Namespace != t.namespace || len(s.SKUs) == 0 {
			continue
		}
		i := slices.IndexFunc(s.Channels, func(c inventoryv1alpha1.SnapshotChannel) bool { return c.Name == ch.Name })
		expected := sells[s.LocationName] && slices.Contains(ch.Pools(), s.PoolID)
		switch {
		case expected && i < 0:
			errs = append(errs, fmt.Errorf("snapshot %s [%q, %q) does not list it", s.Name, s.From, s.To))
		case !expected && i >= 0:
			errs = append(errs, fmt.Errorf("snapshot %s [%q, %q) still lists it", s.Name, s.From, s.To))
		case expected && len(s.Channels[i].Pending)+len(s.Channels[i].Failures) > 0:
			errs = append(errs, fmt.Errorf("snapshot %s [%q, %q) does not say that it is in step: %+v", s.Name, s.From, s.To, s.Channels[i]))
		}
	}
	return errs
}
