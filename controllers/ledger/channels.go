package ledger

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// States says where the SKUs of a slice stand on each channel, when the slice is written.
type States interface {
	// SliceChannels returns the channels to write into a slice of a pool that holds skus. Until
	// now, slices said previous (it may list other SKUs too); changed are SKUs that the log has set since.
	SliceChannels(pool PoolKey, skus map[string]inventoryv1alpha1.Quantity,
		previous []inventoryv1alpha1.SliceChannel, changed sets.Set[string]) []inventoryv1alpha1.SliceChannel
}

// KeepChannel carries the state of a channel over that nobody is in charge of at present: what
// changed is pending, the rest stays as it was.
func KeepChannel(previous inventoryv1alpha1.SliceChannel, skus map[string]inventoryv1alpha1.Quantity, changed sets.Set[string]) inventoryv1alpha1.SliceChannel {
	out := inventoryv1alpha1.SliceChannel{Name: previous.Name, LastSyncTime: previous.LastSyncTime}
	pending := sets.New[string]()
	for _, sku := range slices.Concat(previous.Pending, changed.UnsortedList()) {
		if _, listed := skus[sku]; listed {
			pending.Insert(sku)
		}
	}
	out.Pending = sets.List(pending)
	for _, f := range previous.Failures {
		if _, listed := skus[f.SKU]; listed && !pending.Has(f.SKU) {
			out.Failures = append(out.Failures, f)
		}
	}
	return out
}

// previousChannels merges what the slices of neighbouring segments say. Where only some of them
// list a channel, the SKUs of the others have never been given to it: they are pending.
func previousChannels(group []segment) []inventoryv1alpha1.SliceChannel {
	if len(group) == 1 {
		if group[0].slice == nil {
			return nil
		}
		return group[0].slice.Channels
	}
	var merged []inventoryv1alpha1.SliceChannel
	for _, name := range channelNames(group) {
		out := inventoryv1alpha1.SliceChannel{Name: name}
		for _, seg := range group {
			if seg.slice == nil {
				continue
			}
			out = mergeChannel(out, seg)
		}
		merged = append(merged, out)
	}
	return merged
}

func channelNames(group []segment) []string {
	names := sets.New[string]()
	for _, seg := range group {
		if seg.slice == nil {
			continue
		}
		for _, c := range seg.slice.Channels {
			names.Insert(c.Name)
		}
	}
	return sets.List(names)
}

func mergeChannel(into inventoryv1alpha1.SliceChannel, seg segment) inventoryv1alpha1.SliceChannel {
	i := slices.IndexFunc(seg.slice.Channels, func(c inventoryv1alpha1.SliceChannel) bool { return c.Name == into.Name })
	if i < 0 {
		for sku := range seg.stock() {
			into.Pending = append(into.Pending, sku)
		}
		return into
	}
	c := seg.slice.Channels[i]
	for _, sku := range c.Pending {
		if seg.holds(sku) {
			into.Pending = append(into.Pending, sku)
		}
	}
	for _, f := range c.Failures {
		if seg.holds(f.SKU) {
			into.Failures = append(into.Failures, f)
		}
	}
	if into.LastSyncTime.Before(c.LastSyncTime) {
		into.LastSyncTime = c.LastSyncTime
	}
	return into
}
