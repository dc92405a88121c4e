package webhook

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
)

// shownBy tells what a Channel is to be told: quantities as the sync computes them.
type shownBy struct {
	inventory ledger.Reader
	channel   *inventoryv1alpha1.Channel
	policy    *exposure.Policy
	locations []inventoryv1alpha1.Location // that the channel sells from
}

// channelsOf returns the Channels of a Client by name. One whose spec cannot be read is left out: it
// is told nothing.
func (s *Server) channelsOf(ctx context.Context, namespace, clientName string) (map[string]*shownBy, error) {
	channels, locations := &inventoryv1alpha1.ChannelList{}, &inventoryv1alpha1.LocationList{}
	if err := s.opts.Reader.List(ctx, channels, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list Channels: %w", err)
	}
	if err := s.opts.Reader.List(ctx, locations, client.InNamespace(namespace)); err != nil {
		return nil, fmt.Errorf("list Locations: %w", err)
	}
	out := make(map[string]*shownBy, len(channels.Items))
	for i := range channels.Items {
		ch := &channels.Items[i]
		if ch.Spec.ClientRef.Name != clientName {
			continue
		}
		policy, err := exposure.New(ch.Spec.Exposure)
		if err != nil {
			continue
		}
		selected, err := selectedBy(ch, locations.Items)
		if err != nil {
			continue
		}
		out[ch.Name] = &shownBy{s.opts.Inventory, ch, policy, selected}
	}
	return out, nil
}

// selectedBy returns the locations that a Channel sells from.
func selectedBy(ch *inventoryv1alpha1.Channel, all []inventoryv1alpha1.Location) ([]inventoryv1alpha1.Location, error) {
	selector := labels.Everything()
	if ch.Spec.LocationSelector != nil {
		var err error
		if selector, err = metav1.LabelSelectorAsSelector(ch.Spec.LocationSelector); err != nil {
			return nil, fmt.Errorf("spec.locationSelector: %w", err)
		}
	}
	var out []inventoryv1alpha1.Location
	for i := range all {
		l := &all[i]
		if l.Spec.ClientRef == ch.Spec.ClientRef && l.DeletionTimestamp == nil && selector.Matches(labels.Set(l.Labels)) {
			out = append(out, *l)
		}
	}
	return out, nil
}

// quantity returns what the channel is to be told of a SKU: in LocationWise mode of that location, in
// Consolidated mode of all.
func (c *shownBy) quantity(locationName, sku string) exposure.Shown {
	stock, here := make([]exposure.Stock, len(c.locations)), -1
	for i := range c.locations {
		l := &c.locations[i]
		stock[i] = exposure.Stock{Code: l.Spec.Code, Labels: l.Labels, Quantity: c.stock(l, sku)}
		if l.Name == locationName {
			here = i
		}
	}
	at, total := c.policy.Show(sku, stock)
	switch {
	case c.channel.Spec.Mode == inventoryv1alpha1.Consolidated:
		return total
	case here < 0: // withdrawn
		return exposure.Shown{}
	}
	return at[here]
}

// stock sums the pools that the channel sells from.
func (c *shownBy) stock(l *inventoryv1alpha1.Location, sku string) int64 {
	view, _ := c.inventory.Lookup(l.Namespace, l.Name, sku)
	var sum int64
	for _, id := range c.channel.Pools() {
		for _, p := range view.Pools {
			if p.PoolID == id {
				sum += int64(p.Quantity)
			}
		}
	}
	return sum
}
