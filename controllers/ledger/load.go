package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Load brings the store to what the API server has at the call. The leader does so when it takes
// over: what its watches have not delivered yet must not be missing from what it folds and pushes.
// Only what the store does not have is read.
func (s *Store) Load(ctx context.Context, c client.Reader, namespaces []string) error {
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, ns := range namespaces {
		if err := s.load(ctx, c, ns); err != nil {
			return err
		}
	}
	return nil
}

// loadAttempts bounds how often snapshots are listed anew because somebody writes them meanwhile.
const loadAttempts = 5

// errUnsettled means that snapshots were written all the time while they were read.
var errUnsettled = errors.New("InventorySnapshots change while they are read: somebody else writes them")

// load reads batches first: one that is deleted meanwhile is contained in snapshots that are read
// after. They are applied the other way round, as one that changes nothing is recognized by its snapshot.
// A snapshot that was written after the list is not believed: what it no longer has may be in others that the
// list does not have.
func (s *Store) load(ctx context.Context, c client.Reader, namespace string) error {
	batches, logged, err := missing(ctx, c, namespace, "InventoryBatch", s.logged(namespace),
		func() *inventoryv1alpha1.InventoryBatch { return &inventoryv1alpha1.InventoryBatch{} })
	if err != nil {
		return err
	}
	stored, present, err := s.settledSnapshots(ctx, c, namespace)
	if err != nil {
		return err
	}
	for _, snapshot := range stored {
		s.PutSnapshot(snapshot)
	}
	s.dropSnapshots(namespace, present)
	s.applyAll(batches)
	s.dropBatches(namespace, logged)
	return nil
}

// settledSnapshots reads the snapshots that are not known, as they were at one moment.
func (s *Store) settledSnapshots(ctx context.Context, c client.Reader, namespace string) ([]*inventoryv1alpha1.InventorySnapshot, listing, error) {
	for range loadAttempts {
		stored, is, err := missing(ctx, c, namespace, "InventorySnapshot", s.present(namespace),
			func() *inventoryv1alpha1.InventorySnapshot { return &inventoryv1alpha1.InventorySnapshot{} })
		if err != nil {
			return nil, is, err
		}
		later := func(snapshot *inventoryv1alpha1.InventorySnapshot) bool {
			return parseRevision(snapshot.ResourceVersion) > is.revision
		}
		if !slices.ContainsFunc(stored, later) {
			return stored, is, nil
		}
	}
	return nil, listing{}, errUnsettled
}

// listing is which objects of a kind there were at a revision.
type listing struct {
	names    sets.Set[types.NamespacedName]
	revision uint64
}

// lacks tells whether an object that was stored at a revision is gone by now.
func (l listing) lacks(namespace, name string, revision uint64) bool {
	return revision <= l.revision && !l.names.Has(types.NamespacedName{Namespace: namespace, Name: name})
}

// missing lists the objects of a kind, and reads those of which no version as new is known.
func missing[T client.Object](ctx context.Context, c client.Reader, namespace, kind string, known map[types.NamespacedName]uint64, empty func() T) ([]T, listing, error) {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(inventoryv1alpha1.GroupVersion.WithKind(kind + "List"))
	if err := c.List(ctx, list, client.InNamespace(namespace)); err != nil {
		return nil, listing{}, fmt.Errorf("list %ss: %w", kind, err)
	}
	all := listing{sets.New[types.NamespacedName](), parseRevision(list.ResourceVersion)}
	var out []T
	for i := range list.Items {
		key := client.ObjectKeyFromObject(&list.Items[i])
		all.names.Insert(key)
		if version, ok := known[key]; ok && version >= parseRevision(list.Items[i].ResourceVersion) {
			continue
		}
		obj := empty()
		if err := c.Get(ctx, key, obj); apierrors.IsNotFound(err) {
			continue
		} else if err != nil {
			return nil, listing{}, fmt.Errorf("get %s %s: %w", kind, key, err)
		}
		out = append(out, obj)
	}
	return out, all, nil
}

// logged returns the batches of a namespace that the store knows, with their revisions.
func (s *Store) logged(namespace string) map[types.NamespacedName]uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[types.NamespacedName]uint64{}
	for ns, j := range s.logs(namespace) {
		for name, r := range j.names {
			out[types.NamespacedName{Namespace: ns, Name: name}] = r.revision
		}
	}
	return out
}

// present returns the snapshots of a namespace that the store knows, with their versions.
func (s *Store) present(namespace string) map[types.NamespacedName]uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[types.NamespacedName]uint64{}
	s.within(namespace, func(key LocationKey, loc *location) {
		for _, p := range loc.pools {
			for name, stored := range p.stored {
				out[types.NamespacedName{Namespace: key.Namespace, Name: name}] = stored.version
			}
		}
	})
	return out
}

// replaceSnapshots takes in all snapshots of a namespace as they were at a revision.
func (s *Store) replaceSnapshots(namespace string, all []*storedSnapshot, revision uint64) {
	is := listing{sets.New[types.NamespacedName](), revision}
	for _, snapshot := range all {
		is.names.Insert(client.ObjectKeyFromObject(snapshot))
		s.put(snapshot, false)
	}
	s.dropSnapshots(namespace, is)
}

// replaceBatches applies all batches of a namespace as they were at a revision.
func (s *Store) replaceBatches(namespace string, all []*inventoryv1alpha1.InventoryBatch, revision uint64) {
	is := listing{sets.New[types.NamespacedName](), revision}
	for _, batch := range all {
		is.names.Insert(client.ObjectKeyFromObject(batch))
	}
	s.applyAll(all)
	s.dropBatches(namespace, is)
}

// applyAll applies batches in the order of the log.
func (s *Store) applyAll(all []*inventoryv1alpha1.InventoryBatch) {
	slices.SortFunc(all, func(a, b *inventoryv1alpha1.InventoryBatch) int {
		return cmp.Compare(parseRevision(a.ResourceVersion), parseRevision(b.ResourceVersion))
	})
	for _, batch := range all {
		s.ApplyBatch(batch)
	}
}

// dropSnapshots forgets the snapshots that a complete list no longer has.
func (s *Store) dropSnapshots(namespace string, is listing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.within(namespace, func(key LocationKey, loc *location) {
		for _, p := range loc.pools {
			for name, stored := range p.stored {
				if is.lacks(key.Namespace, name, stored.version) {
					p.remove(name)
				}
			}
		}
	})
}

// dropBatches forgets the batches that a complete list no longer has.
func (s *Store) dropBatches(namespace string, is listing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for ns, j := range s.logs(namespace) {
		for name, r := range j.names {
			if is.lacks(ns, name, r.revision) {
				j.remove(name)
			}
		}
	}
}

// logs visits the log of a namespace, all where it is empty. The lock must be held.
func (s *Store) logs(namespace string) iter.Seq2[string, *journal] {
	return func(yield func(string, *journal) bool) {
		for ns, j := range s.journals {
			if (namespace == metav1.NamespaceAll || ns == namespace) && !yield(ns, j) {
				return
			}
		}
	}
}

// within visits the locations of a namespace, all where it is empty. The lock must be held.
func (s *Store) within(namespace string, visit func(LocationKey, *location)) {
	for key, loc := range s.locations {
		if namespace == metav1.NamespaceAll || key.Namespace == namespace {
			visit(key, loc)
		}
	}
}
