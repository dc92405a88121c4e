package fold

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// write stores the snapshots of a plan: those that are created first, from the right, so that until
// the update that narrows the old snapshot, either says all of its range.
func (f *Folder) write(ctx context.Context, pl plan) error {
	for _, c := range slices.Backward(pl.chunks) {
		snapshot := f.render(ctx, pl, c)
		if pl.stateful && sameState(c.reuse, snapshot) {
			f.sections.Settle(pl.Pool, c.from, c.to, pl.Tick)
			continue
		}
		if err := f.wait(ctx, pl.Pool.Location.Namespace); err != nil {
			return err
		}
		if err := f.store(ctx, snapshot); err != nil {
			return err
		}
		f.sections.Written(snapshot, pl.Tick)
		snapshotWrites.Inc()
	}
	return nil
}

// render makes the object of a chunk.
func (f *Folder) render(ctx context.Context, pl plan, c chunk) *inventoryv1alpha1.InventorySnapshot {
	snapshot := &inventoryv1alpha1.InventorySnapshot{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pl.Pool.Location.Namespace,
			Name:      fmt.Sprintf("%s-%d-%s", pl.Pool.Location.Name, pl.Pool.PoolID, utilrand.String(8)),
		},
		LocationName: pl.Pool.Location.Name,
		PoolID:       pl.Pool.PoolID,
		From:         c.from,
		To:           c.to,
		Revision:     ledger.FormatRevision(pl.Revision),
		SKUCount:     int32(len(c.skus)), //nolint:gosec // at most Sizes.SplitAbove
		SKUs:         c.skus,
		LocationUID:  pl.uid,

		LastChangeTime: pl.changeTime(c),

		Channels: f.states.SnapshotChannels(ctx, pl.Pool, pl.Tick, c.skus, pl.previous, pl.Changed),
	}
	if c.reuse != nil {
		c.reuse.ObjectMeta.DeepCopyInto(&snapshot.ObjectMeta)
		if c.reuse.LocationUID != "" { // it never changes
			snapshot.LocationUID = c.reuse.LocationUID
		}
	}
	for _, ch := range snapshot.Channels {
		snapshot.PendingCount += int32(len(ch.Pending)) //nolint:gosec // at most Sizes.SplitAbove
		for _, failure := range ch.Failures {
			if failure.State == inventoryv1alpha1.SyncFailed {
				snapshot.FailedCount++
			} else {
				snapshot.PendingCount++
			}
		}
	}
	return snapshot
}

// store creates or updates a snapshot. The update carries the resourceVersion, so that a former leader
// cannot overwrite what its successor wrote.
func (f *Folder) store(ctx context.Context, snapshot *inventoryv1alpha1.InventorySnapshot) error {
	if snapshot.ResourceVersion == "" {
		if err := f.client.Create(ctx, snapshot); err != nil {
			return fmt.Errorf("create InventorySnapshot %s: %w", snapshot.Name, err)
		}
		return nil
	}
	err := f.client.Update(ctx, snapshot)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// Somebody else writes snapshots. This one alone must not be read anew: what it no longer has may be in
		// others that the watch has not delivered yet, and would be missing from what is written next.
		err = errors.Join(err, f.stock.Load(ctx, f.reader, []string{snapshot.Namespace}))
	}
	if err != nil {
		return fmt.Errorf("update InventorySnapshot %s: %w", snapshot.Name, err)
	}
	return nil
}

// patchStatus moves foldedRevision and the counts on, where they changed.
func (f *Folder) patchStatus(ctx context.Context, location *inventoryv1alpha1.Location, p *pass, skus, snapshotCount int) error {
	want := location.Status.DeepCopy()
	if p.Revision > 0 {
		want.FoldedRevision = ledger.FormatRevision(p.Revision)
	}
	if !p.LastBatch.IsZero() {
		want.LastBatchTime = &metav1.Time{Time: p.LastBatch}
	}
	want.SKUCount, want.SnapshotCount = new(int32(skus)), new(int32(snapshotCount)) //nolint:gosec // far below 2^31
	if equality.Semantic.DeepEqual(want, &location.Status) {
		return nil
	}
	// Only the fold's own fields: conditions belong to the Location's reconciler.
	patch, err := json.Marshal(map[string]any{"status": inventoryv1alpha1.LocationStatus{
		FoldedRevision: want.FoldedRevision,
		LastBatchTime:  want.LastBatchTime,
		SKUCount:       want.SKUCount,
		SnapshotCount:  want.SnapshotCount,
	}})
	if err != nil {
		return err
	}
	if err := f.client.Status().Patch(ctx, location, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("patch status of Location %s: %w", location.Name, err)
	}
	return nil
}

// sameState reports whether a snapshot that was not changed by the log need not be written either.
func sameState(stored, next *inventoryv1alpha1.InventorySnapshot) bool {
	if len(stored.Channels) != len(next.Channels) {
		return false
	}
	for i := range next.Channels {
		a, b := stored.Channels[i], next.Channels[i]
		a.LastSyncTime, b.LastSyncTime = nil, nil
		if !equality.Semantic.DeepEqual(a, b) {
			return false
		}
	}
	return true
}
