package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

const (
	// snapshotSKUs is what the fold aims at when it splits snapshots.
	snapshotSKUs = 256

	// fillers is how many snapshots are created at once.
	fillers = 16

	// filledRevision says that a snapshot contains what came up to it: nothing that is in the log.
	filledRevision = "1"
)

// fill creates the snapshots of locations that have none yet.
func (st *scenarioRun) fill(ctx context.Context, step string, r *Residents) error {
	epochs, err := st.epochs(ctx)
	if err != nil {
		return err
	}
	began, created := st.clock.Now(), 0
	group, creating := errgroup.WithContext(ctx)
	group.SetLimit(fillers)
	for location := st.filled; location < st.filled+r.Locations; location++ {
		for tenant := range st.Tenants.Count {
			p := locationIndex{tenant, location}
			st.stocked[p] = r.PerLocation
			for first := 0; first < r.PerLocation; first += snapshotSKUs {
				created++
				group.Go(func() error {
					if err := st.cluster.admin.Create(creating, st.snapshot(p, first, r.PerLocation, epochs)); err != nil {
						return fmt.Errorf("create a snapshot: %w", err)
					}
					return nil
				})
			}
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	st.filled += r.Locations
	seconds := st.clock.Since(began).Seconds()
	st.say("%s: %d snapshots in %.0f s", step, created, seconds)
	st.add(one(step, "snapshots_per_second", float64(created)/seconds))
	return nil
}

// snapshot is the snapshot of a location that begins with the first-th of so many SKUs. The names of SKUs sort by number.
func (st *scenarioRun) snapshot(p locationIndex, first, total int, epochs map[types.NamespacedName]int64) *inventoryv1alpha1.InventorySnapshot {
	end := min(first+snapshotSKUs, total)
	out := &inventoryv1alpha1.InventorySnapshot{
		ObjectMeta:   metav1.ObjectMeta{Namespace: p.namespace(), Name: fmt.Sprintf("%s-0-%s", p.name(), utilrand.String(8))},
		LocationName: p.name(),
		Revision:     filledRevision,
		SKUCount:     int32(end - first),
		SKUs:         make(map[string]inventoryv1alpha1.Quantity, end-first),
	}
	for i := first; i < end; i++ {
		out.SKUs[p.sku(i)] = 0 // less than whatever is sent
	}
	if first > 0 {
		out.From = p.sku(first)
	}
	if end < total {
		out.To = p.sku(end)
	}
	now := metav1.NewTime(st.clock.Now())
	for n := range st.Tenants.Channels {
		out.Channels = append(out.Channels, inventoryv1alpha1.SnapshotChannel{
			Name: channelName(n), LastSyncTime: &now, Epoch: epochs[types.NamespacedName{Namespace: p.namespace(), Name: channelName(n)}],
		})
	}
	return out
}

// epochs returns the number of the present epoch of each channel: only what was told in it is in step. They are
// stored when managers run for the first time.
func (st *scenarioRun) epochs(ctx context.Context) (map[types.NamespacedName]int64, error) {
	list := &inventoryv1alpha1.ChannelList{}
	if err := st.cluster.admin.List(ctx, list); err != nil {
		return nil, fmt.Errorf("list channels: %w", err)
	}
	out := map[types.NamespacedName]int64{}
	for i := range list.Items {
		ch := &list.Items[i]
		if len(ch.Status.Epochs) == 0 {
			return nil, fmt.Errorf("channel %s has no epoch: managers must have run before", ch.Name)
		}
		out[client.ObjectKeyFromObject(ch)] = ch.Status.Epochs[len(ch.Status.Epochs)-1].Number
	}
	return out, nil
}
