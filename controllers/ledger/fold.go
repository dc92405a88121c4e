package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

const (
	// foldDelay is how long a change at rest waits for company, and for its push: most SKUs are in
	// step by then, so that one write says both.
	foldDelay = 300 * time.Millisecond

	// foldRetry is the pause after a fold that failed.
	foldRetry = time.Second
)

// Folder writes what the log has set into slices, on the leader only.
type Folder struct {
	Store  *Store
	Client client.Client // writes, and reads that must not be cached
	States States
	Clock  clock.WithTicker
	// Writes bounds the writes of slices.
	Writes *rate.Limiter
}

// Start folds until the context ends.
func (f *Folder) Start(ctx context.Context) error {
	f.Store.unfoldAll()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.Store.wake:
		}
		if !f.pause(ctx, foldDelay) {
			return nil
		}
		for _, key := range f.Store.takeUnfolded() {
			if err := f.Fold(ctx, key); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				foldErrors.Inc()
				log.FromContext(ctx).Error(err, "Fold failed, will retry", "location", key)
				f.Store.retryFold(key)
				if !f.pause(ctx, foldRetry) {
					return nil
				}
			}
		}
	}
}

// Fold writes everything that is known of a location at the call into slices.
func (f *Folder) Fold(ctx context.Context, key LocationKey) error {
	location := &inventoryv1alpha1.Location{}
	if err := f.Client.Get(ctx, key, location); err != nil {
		return client.IgnoreNotFound(err) // without its Location, nothing is accepted for it
	}
	if location.DeletionTimestamp != nil {
		return nil // its slices are about to be deleted
	}
	pass, known := f.Store.beginFold(key)
	if !known {
		return nil
	}
	for _, id := range pass.pools {
		if err := f.foldPool(ctx, PoolKey{key, id}); err != nil {
			return err
		}
	}
	skus, sliceCount := f.Store.endFold(key, pass)
	return f.patchStatus(ctx, location, pass, skus, sliceCount)
}

// foldPool goes once over all SKUs of a pool and rewrites the ranges that need it.
func (f *Folder) foldPool(ctx context.Context, key PoolKey) error {
	for from := ""; ; {
		pl, ok := f.Store.nextPlan(key, from)
		if !ok {
			break
		}
		if err := f.write(ctx, pl); err != nil {
			return err
		}
		if pl.to == "" {
			break
		}
		from = pl.to
	}
	for _, slice := range f.Store.obsolete(key) {
		if err := f.wait(ctx); err != nil {
			return err
		}
		err := f.Client.Delete(ctx, slice, client.Preconditions{ResourceVersion: &slice.ResourceVersion})
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("delete InventorySlice %s: %w", slice.Name, err)
		}
		f.Store.RemoveSlice(slice)
	}
	return nil
}

// write stores the slices of a plan: those that are created first, from the right, so that until
// the update that narrows the old slice, either says all of its range.
func (f *Folder) write(ctx context.Context, pl plan) error {
	for _, c := range slices.Backward(pl.chunks) {
		slice := f.render(pl, c)
		if pl.stateful && sameState(c.reuse.InventorySlice, slice) {
			f.Store.settled(pl, c.from, c.to)
			continue
		}
		if err := f.wait(ctx); err != nil {
			return err
		}
		if err := f.store(ctx, slice); err != nil {
			return err
		}
		f.Store.written(pl, slice)
		sliceWrites.Inc()
	}
	return nil
}

// render makes the object of a chunk.
func (f *Folder) render(pl plan, c chunk) *inventoryv1alpha1.InventorySlice {
	slice := &inventoryv1alpha1.InventorySlice{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pl.pool.Location.Namespace,
			Name:      fmt.Sprintf("%s-%d-%s", pl.pool.Location.Name, pl.pool.PoolID, utilrand.String(8)),
		},
		LocationName: pl.pool.Location.Name,
		PoolID:       pl.pool.PoolID,
		From:         c.from,
		To:           c.to,
		Revision:     formatRevision(pl.revision),
		SKUCount:     int32(len(c.skus)), //nolint:gosec // at most splitAbove
		SKUs:         c.skus,
		Channels:     f.States.SliceChannels(pl.pool, c.skus, c.channels, c.changed),
	}
	if c.reuse != nil {
		c.reuse.ObjectMeta.DeepCopyInto(&slice.ObjectMeta)
	}
	for _, ch := range slice.Channels {
		slice.PendingCount += int32(len(ch.Pending)) //nolint:gosec // at most splitAbove
		for _, failure := range ch.Failures {
			if failure.State == inventoryv1alpha1.SyncFailed {
				slice.FailedCount++
			} else {
				slice.PendingCount++
			}
		}
	}
	return slice
}

// store creates or updates a slice. The update carries the resourceVersion, so that a former leader
// cannot overwrite what its successor wrote.
func (f *Folder) store(ctx context.Context, slice *inventoryv1alpha1.InventorySlice) error {
	if slice.ResourceVersion == "" {
		if err := f.Client.Create(ctx, slice); err != nil {
			return fmt.Errorf("create InventorySlice %s: %w", slice.Name, err)
		}
		return nil
	}
	err := f.Client.Update(ctx, slice)
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		err = errors.Join(err, f.reread(ctx, slice))
	}
	if err != nil {
		return fmt.Errorf("update InventorySlice %s: %w", slice.Name, err)
	}
	return nil
}

// reread takes in a slice that somebody else changed or deleted; the next fold goes on from there.
func (f *Folder) reread(ctx context.Context, slice *inventoryv1alpha1.InventorySlice) error {
	fresh := &inventoryv1alpha1.InventorySlice{}
	err := f.Client.Get(ctx, client.ObjectKeyFromObject(slice), fresh)
	switch {
	case apierrors.IsNotFound(err):
		f.Store.RemoveSlice(slice)
		return nil
	case err != nil:
		return err
	}
	f.Store.PutSlice(fresh)
	return nil
}

// patchStatus moves foldedRevision and the counts on, where they changed.
func (f *Folder) patchStatus(ctx context.Context, location *inventoryv1alpha1.Location, pass foldPass, skus, sliceCount int) error {
	want := location.Status.DeepCopy()
	if pass.revision > 0 {
		want.FoldedRevision = formatRevision(pass.revision)
	}
	if !pass.lastBatch.IsZero() {
		want.LastBatchTime = &metav1.Time{Time: pass.lastBatch}
	}
	want.SKUCount, want.SliceCount = new(int32(skus)), new(int32(sliceCount)) //nolint:gosec // far below 2^31
	if equality.Semantic.DeepEqual(want, &location.Status) {
		return nil
	}
	// Only the fold's own fields: conditions belong to the Location's reconciler.
	patch, err := json.Marshal(map[string]any{"status": inventoryv1alpha1.LocationStatus{
		FoldedRevision: want.FoldedRevision,
		LastBatchTime:  want.LastBatchTime,
		SKUCount:       want.SKUCount,
		SliceCount:     want.SliceCount,
	}})
	if err != nil {
		return err
	}
	if err := f.Client.Status().Patch(ctx, location, client.RawPatch(types.MergePatchType, patch)); err != nil {
		return fmt.Errorf("patch status of Location %s: %w", location.Name, err)
	}
	return nil
}

// sameState tells whether a slice that was not changed by the log need not be written either.
func sameState(stored, next *inventoryv1alpha1.InventorySlice) bool {
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

// wait takes a token of the write budget.
func (f *Folder) wait(ctx context.Context) error {
	if err := f.Writes.Wait(ctx); err != nil {
		return fmt.Errorf("wait for the fold's write budget: %w", err)
	}
	return nil
}

// pause waits, and tells whether the context is still alive.
func (f *Folder) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-f.Clock.After(d):
		return true
	}
}

// unfoldAll asks for a look at every location.
func (s *Store) unfoldAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.locations {
		s.markUnfolded(key)
	}
}

// takeUnfolded returns the locations to look at.
func (s *Store) takeUnfolded() []LocationKey {
	s.mu.RLock()
	defer s.mu.RUnlock()
	keys := make([]LocationKey, 0, len(s.unfolded))
	for key := range s.unfolded {
		keys = append(keys, key)
	}
	return keys
}

// retryFold asks for another look at a location.
func (s *Store) retryFold(key LocationKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.markUnfolded(key)
}
