package fold

import (
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// SyncState says where the SKUs of a snapshot stand on each channel, when the snapshot is written.
type SyncState interface {
	// SnapshotChannels returns the channels to write into a snapshot of a pool that holds skus. Until
	// now, snapshots said previous (it may list other SKUs too); changed are SKUs that the log has set since.
	SnapshotChannels(pool ledger.PoolKey, skus map[string]inventoryv1alpha1.Quantity,
		previous []inventoryv1alpha1.SnapshotChannel, changed sets.Set[string]) []inventoryv1alpha1.SnapshotChannel
}

// KeepChannel carries the state of a channel over that nobody is in charge of at present: what
// changed is pending, the rest stays as it was.
func KeepChannel(previous inventoryv1alpha1.SnapshotChannel, skus map[string]inventoryv1alpha1.Quantity, changed sets.Set[string]) inventoryv1alpha1.SnapshotChannel {
	out := inventoryv1alpha1.SnapshotChannel{Name: previous.Name, LastSyncTime: previous.LastSyncTime}
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

// previousChannels merges what the snapshots of neighbouring ranges say. Where only some of them
// list a channel, the SKUs of the others have never been given to it: they are pending.
func previousChannels(parts []ledger.Part) []inventoryv1alpha1.SnapshotChannel {
	if len(parts) == 1 {
		if parts[0].Snapshot == nil {
			return nil
		}
		return parts[0].Snapshot.Channels
	}
	parts = slices.DeleteFunc(slices.Clone(parts), func(part ledger.Part) bool { return part.Snapshot == nil })
	var merged []inventoryv1alpha1.SnapshotChannel
	for _, name := range channelNames(parts) {
		out := inventoryv1alpha1.SnapshotChannel{Name: name}
		for _, part := range parts {
			out = mergeChannel(out, part)
		}
		merged = append(merged, out)
	}
	return merged
}

func channelNames(parts []ledger.Part) []string {
	names := sets.New[string]()
	for _, part := range parts {
		for _, c := range part.Snapshot.Channels {
			names.Insert(c.Name)
		}
	}
	return sets.List(names)
}

func mergeChannel(into inventoryv1alpha1.SnapshotChannel, part ledger.Part) inventoryv1alpha1.SnapshotChannel {
	i := slices.IndexFunc(part.Snapshot.Channels, func(c inventoryv1alpha1.SnapshotChannel) bool { return c.Name == into.Name })
	if i < 0 {
		for sku := range part.Stored() {
			into.Pending = append(into.Pending, sku)
		}
		return into
	}
	c := part.Snapshot.Channels[i]
	for _, sku := range c.Pending {
		if part.Holds(sku) {
			into.Pending = append(into.Pending, sku)
		}
	}
	for _, f := range c.Failures {
		if part.Holds(f.SKU) {
			into.Failures = append(into.Failures, f)
		}
	}
	if into.LastSyncTime.Before(c.LastSyncTime) {
		into.LastSyncTime = c.LastSyncTime
	}
	return into
}
