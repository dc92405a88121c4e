package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// errWentBack means that etcd was restored from a backup: what the store holds may never have
// happened. The process has to start afresh.
var errWentBack = errors.New("the API server's resourceVersion went back: etcd was restored from a backup")

// sink is what both sinks share.
type sink struct {
	store     *Store
	namespace string
	loaded    func()      // called after every complete list
	restart   func(error) // ends the process's work
	newest    uint64      // highest revision that the reflector has delivered
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

// snapshotSink is a cache.ReflectorStore that passes snapshots on and keeps none.
type snapshotSink struct{ sink }

func (k *snapshotSink) Add(obj any) error {
	snapshot := obj.(*inventoryv1alpha1.InventorySnapshot)
	k.saw(snapshot)
	k.store.ApplySnapshot(snapshot)
	return nil
}

// Update is called for a snapshot that is being deleted only; see the admission policy.
func (k *snapshotSink) Update(any) error { return nil }

func (k *snapshotSink) Delete(obj any) error {
	if snapshot, ok := obj.(*inventoryv1alpha1.InventorySnapshot); ok {
		k.store.ForgetSnapshot(snapshot)
	}
	return nil
}

func (k *snapshotSink) Resync() error { return nil }

func (k *snapshotSink) Replace(objs []any, resourceVersion string) error {
	all := typed[*inventoryv1alpha1.InventorySnapshot](objs)
	return k.listed(resourceVersion, func(revision uint64) { k.store.replaceSnapshots(k.namespace, all, revision) })
}

// sliceSink is a cache.ReflectorStore that passes slices on.
type sliceSink struct{ sink }

func (k *sliceSink) Add(obj any) error {
	slice := obj.(*inventoryv1alpha1.InventorySlice)
	k.saw(slice)
	k.store.PutSlice(slice)
	return nil
}

func (k *sliceSink) Update(obj any) error { return k.Add(obj) }

func (k *sliceSink) Delete(obj any) error {
	if slice, ok := obj.(*inventoryv1alpha1.InventorySlice); ok {
		k.store.RemoveSlice(slice)
	}
	return nil
}

func (k *sliceSink) Resync() error { return nil }

func (k *sliceSink) Replace(objs []any, resourceVersion string) error {
	all := typed[*inventoryv1alpha1.InventorySlice](objs)
	return k.listed(resourceVersion, func(revision uint64) { k.store.replaceSlices(k.namespace, all, revision) })
}

// Load reads everything from the API server at once. The leader does so when it takes over: what
// its watches have not delivered yet must not be missing from what it folds and pushes.
func (s *Store) Load(ctx context.Context, c client.Reader, namespaces []string) error {
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, ns := range namespaces {
		// Slices first: a snapshot that changes nothing is recognized by its slice.
		stored := &inventoryv1alpha1.InventorySliceList{}
		if err := c.List(ctx, stored, client.InNamespace(ns)); err != nil {
			return fmt.Errorf("list InventorySlices: %w", err)
		}
		s.replaceSlices(ns, pointers(stored.Items), parseRevision(stored.ResourceVersion))
		snapshots := &inventoryv1alpha1.InventorySnapshotList{}
		if err := c.List(ctx, snapshots, client.InNamespace(ns)); err != nil {
			return fmt.Errorf("list InventorySnapshots: %w", err)
		}
		s.replaceSnapshots(ns, pointers(snapshots.Items), parseRevision(snapshots.ResourceVersion))
	}
	return nil
}

// replaceSlices takes in all slices of a namespace as they were at a revision.
func (s *Store) replaceSlices(namespace string, all []*inventoryv1alpha1.InventorySlice, revision uint64) {
	names := sets.New[LocationKey]()
	for _, slice := range all {
		names.Insert(LocationKey{Namespace: slice.Namespace, Name: slice.Name})
		s.PutSlice(slice)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.within(namespace, func(key LocationKey, loc *location) {
		for _, p := range loc.pools {
			p.removeIf(func(stored *storedSlice) bool {
				return stored.version <= revision && !names.Has(LocationKey{Namespace: key.Namespace, Name: stored.Name})
			})
		}
	})
}

// replaceSnapshots applies all snapshots of a namespace as they were at a revision.
func (s *Store) replaceSnapshots(namespace string, all []*inventoryv1alpha1.InventorySnapshot, revision uint64) {
	slices.SortFunc(all, func(a, b *inventoryv1alpha1.InventorySnapshot) int {
		return cmp.Compare(parseRevision(a.ResourceVersion), parseRevision(b.ResourceVersion))
	})
	names := sets.New[LocationKey]()
	for _, snapshot := range all {
		names.Insert(LocationKey{Namespace: snapshot.Namespace, Name: snapshot.Name})
		s.ApplySnapshot(snapshot)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.within(namespace, func(key LocationKey, loc *location) {
		loc.log = slices.DeleteFunc(loc.log, func(r record) bool {
			return r.revision <= revision && !names.Has(LocationKey{Namespace: key.Namespace, Name: r.name})
		})
	})
}

// within visits the locations of a namespace, all where it is empty. The lock must be held.
func (s *Store) within(namespace string, visit func(LocationKey, *location)) {
	for key, loc := range s.locations {
		if namespace == metav1.NamespaceAll || key.Namespace == namespace {
			visit(key, loc)
		}
	}
}

func pointers[T any](items []T) []*T {
	out := make([]*T, len(items))
	for i := range items {
		out[i] = &items[i]
	}
	return out
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
