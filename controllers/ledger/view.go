package ledger

import (
	"slices"
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// PoolQuantity is the present quantity of a SKU in one inventory pool.
type PoolQuantity struct {
	PoolID   int64
	Quantity inventoryv1alpha1.Quantity
}

// ChannelState is where a SKU stands on one channel.
type ChannelState struct {
	Channel string
	State   inventoryv1alpha1.SyncState
	// Reason, Message, Attempts and NextAttemptTime are set in the states Retrying and Failed.
	Reason          string
	Message         string
	Attempts        int32
	NextAttemptTime *time.Time
}

// View is what is known of one SKU at one location.
type View struct {
	// Pools in ascending order of their ids; never empty.
	Pools []PoolQuantity
	// Channels that have the SKU, sorted by name.
	Channels []ChannelState
}

// Total is the quantity over all pools, in sale units.
func (v View) Total() int64 {
	var total int64
	for _, p := range v.Pools {
		total += int64(p.Quantity)
	}
	return total
}

// Reader answers reads of present stock, on every replica.
type Reader interface {
	// Synced reports whether the initial load is done; before, Lookup would report known SKUs as unknown.
	Synced() bool
	// Lookup returns what is known of a SKU at a location, or false where the location has never had it.
	Lookup(namespace, locationName, sku string) (View, bool)
}

// SnapshotChannelState returns where a SKU of a snapshot stands on a channel that the snapshot lists.
func SnapshotChannelState(c *inventoryv1alpha1.SnapshotChannel, sku string) ChannelState {
	if slices.Contains(c.Pending, sku) {
		return ChannelState{Channel: c.Name, State: inventoryv1alpha1.SyncPending}
	}
	for i := range c.Failures {
		if f := &c.Failures[i]; f.SKU == sku {
			return FailureState(c.Name, f)
		}
	}
	return ChannelState{Channel: c.Name, State: inventoryv1alpha1.SyncSynced}
}

// FailureState returns where a SKU stands whose last push failed.
func FailureState(channel string, f *inventoryv1alpha1.SKUFailure) ChannelState {
	state := ChannelState{Channel: channel, State: f.State, Reason: f.Reason, Message: f.Message, Attempts: f.Attempts}
	if f.NextAttemptTime != nil {
		state.NextAttemptTime = &f.NextAttemptTime.Time
	}
	return state
}
