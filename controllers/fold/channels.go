package fold

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// SyncState says where the SKUs of a snapshot stand on each channel.
type SyncState interface {
	// SnapshotChannels returns the channels to write into a snapshot of a pool that holds skus, as they were at
	// a tick of the ledger. Until now, snapshots said previous (it may list other SKUs too); changed are SKUs
	// that the log has set since.
	SnapshotChannels(ctx context.Context, pool ledger.PoolKey, tick uint64, skus map[string]inventoryv1alpha1.Quantity,
		previous []inventoryv1alpha1.SnapshotChannel, changed sets.Set[string]) []inventoryv1alpha1.SnapshotChannel
	// Touched receives when snapshots have to say something else of SKUs; TakeTouched returns which, once.
	Touched() <-chan struct{}
	TakeTouched() map[ledger.PoolKey][]string
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
	if into.Epoch == 0 || c.Epoch < into.Epoch { // what is said of all of them holds in the earliest
		into.Epoch = c.Epoch
	}
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
