package webhook

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
)

// shownBy says what a Channel is to be told, as its pushes do.
type shownBy struct {
	inventory ledger.Reader
	channel   *inventoryv1alpha1.Channel
	view      *exposure.View
}

// channelsOf returns the Channels of a Client by name. One that is told nothing is left out: its spec cannot be
// read, or it is being deleted.
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
		if ch.Spec.ClientRef.Name != clientName || ch.DeletionTimestamp != nil {
			continue
		}
		if view, err := viewOf(ch, locations.Items); err == nil {
			out[ch.Name] = &shownBy{s.opts.Inventory, ch, view}
		}
	}
	return out, nil
}

// viewOf returns what a Channel sells, of the Locations of its namespace. Its error names the field of the spec
// that cannot be read.
func viewOf(ch *inventoryv1alpha1.Channel, all []inventoryv1alpha1.Location) (*exposure.View, error) {
	policy, err := exposure.New(ch.Spec.Exposure)
	if err != nil {
		return nil, err
	}
	selection, err := exposure.Select(ch)
	if err != nil {
		return nil, err
	}
	var selected []exposure.Location
	for i := range all {
		if l := &all[i]; selection.Includes(l) {
			selected = append(selected, exposure.Location{Name: l.Name, Code: l.Spec.Code, Labels: l.Labels})
		}
	}
	return exposure.NewView(ch.Spec.Mode, policy, selected), nil
}

// quantity returns what the channel is to be told of a SKU at a location; false where it is not told of it.
func (c *shownBy) quantity(locationName, sku string) (exposure.Shown, bool) {
	told, ok := c.view.Tell(sku, locationName, func(location string) int64 { return c.stock(location, sku) })
	return told.Shown, ok
}

// stock sums the pools that the channel sells from.
func (c *shownBy) stock(location, sku string) int64 {
	found, _ := c.inventory.Lookup(c.channel.Namespace, location, sku)
	var sum int64
	for _, id := range c.channel.Pools() {
		for _, p := range found.Pools {
			if p.PoolID == id {
				sum += int64(p.Quantity)
			}
		}
	}
	return sum
}
