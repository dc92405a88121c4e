package ledger

import (
	"errors"
	"fmt"

	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// errWentBack means that etcd was restored from a backup: what the store holds may never have
// happened. The process has to start afresh.
var errWentBack = errors.New("the API server's resourceVersion went back: etcd was restored from a backup")

// sink is what both sinks share.
type sink struct {
	scope
	loaded  func()      // called after every complete list
	restart func(error) // ends the process's work
	newest  uint64      // highest revision that the reflector has delivered
}

// saw notes the revision of a delivered object.
func (k *sink) saw(obj client.Object) {
	k.newest = max(k.newest, parseRevision(obj.GetResourceVersion()))
}

// listed checks a complete list and drops what it no longer has.
func (k *sink) listed(resourceVersion string, drop func(revision uint64)) error {
	revision := parseRevision(resourceVersion)
	if revision < k.newest {
		err := fmt.Errorf("%w, from %d to %d", errWentBack, k.newest, revision)
		k.restart(err)
		return err
	}
	k.newest = revision
	drop(revision)
	k.loaded()
	return nil
}

// batchSink is a cache.ReflectorStore that passes InventoryBatches on and keeps none.
type batchSink struct{ sink }

func (k *batchSink) Add(obj any) error {
	batch := obj.(*inventoryv1alpha1.InventoryBatch)
	k.saw(batch)
	k.store.ApplyBatch(batch)
	return nil
}

// Update is called for an InventoryBatch that is being deleted only; see the admission policy.
func (k *batchSink) Update(any) error { return nil }

func (k *batchSink) Delete(obj any) error {
	if batch, ok := obj.(*inventoryv1alpha1.InventoryBatch); ok {
		k.store.log.Remove(client.ObjectKeyFromObject(batch))
	}
	return nil
}

func (k *batchSink) Resync() error { return nil }

func (k *batchSink) Replace(objs []any, resourceVersion string) error {
	all := typed[*inventoryv1alpha1.InventoryBatch](objs)
	return k.listed(resourceVersion, func(revision uint64) { k.replaceBatches(all, revision) })
}

// snapshotSink is a cache.ReflectorStore that passes snapshots on.
type snapshotSink struct{ sink }

var _ cache.TransformingStore = (*snapshotSink)(nil)

// Transformer implements cache.TransformingStore: while a long list streams in, only what the ledger
// keeps of it is held in memory.
func (k *snapshotSink) Transformer() cache.TransformFunc {
	return func(obj any) (any, error) {
		if snapshot, ok := obj.(*inventoryv1alpha1.InventorySnapshot); ok {
			return keep(snapshot), nil
		}
		return obj, nil
	}
}

func (k *snapshotSink) Add(obj any) error {
	snapshot := obj.(*inventoryv1alpha1.InventorySnapshot)
	k.saw(snapshot)
	k.store.PutSnapshot(snapshot)
	return nil
}

func (k *snapshotSink) Update(obj any) error { return k.Add(obj) }

func (k *snapshotSink) Delete(obj any) error {
	if snapshot, ok := obj.(*inventoryv1alpha1.InventorySnapshot); ok {
		k.store.RemoveSnapshot(snapshot)
	}
	return nil
}

func (k *snapshotSink) Resync() error { return nil }

func (k *snapshotSink) Replace(objs []any, resourceVersion string) error {
	all := typed[*storedSnapshot](objs)
	for _, snapshot := range typed[*inventoryv1alpha1.InventorySnapshot](objs) { // a list that was not streamed
		all = append(all, keep(snapshot))
	}
	return k.listed(resourceVersion, func(revision uint64) { k.replaceSnapshots(all, revision) })
}

func typed[T any](objs []any) []T {
	out := make([]T, 0, len(objs))
	for _, obj := range objs {
		if o, ok := obj.(T); ok {
			out = append(out, o)
		}
	}
	return out
}
