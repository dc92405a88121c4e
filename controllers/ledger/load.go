package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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
		if err := (&loader{scope{s, ns}, c}).load(ctx); err != nil {
			return err
		}
	}
	return nil
}

// loadAttempts bounds how often snapshots are listed anew because somebody writes them meanwhile.
const loadAttempts = 5

// errUnsettled means that snapshots were written all the time while they were read.
var errUnsettled = errors.New("InventorySnapshots change while they are read: somebody else writes them")

// scope is what a store has of one namespace, or of all where it is empty.
type scope struct {
	store     *Store
	namespace string
}

// loader brings a scope to what the API server has.
type loader struct {
	scope
	reader client.Reader
}

// load reads InventoryBatches first: one that is deleted meanwhile is contained in snapshots that are read
// after. They are applied the other way round, as one that changes nothing is recognized by its snapshot.
// A snapshot that was written after the list is not believed: what it no longer has may be in others that the
// list does not have.
func (l *loader) load(ctx context.Context) error {
	batches, logged, err := missing(ctx, l.reader, l.namespace, "InventoryBatch", l.store.log.revisions(l.namespace),
		func() *inventoryv1alpha1.InventoryBatch { return &inventoryv1alpha1.InventoryBatch{} })
	if err != nil {
		return err
	}
	stored, present, err := l.settledSnapshots(ctx)
	if err != nil {
		return err
	}
	for _, snapshot := range stored {
		l.store.PutSnapshot(snapshot)
	}
	l.retainSnapshots(present)
	l.applyAll(batches)
	l.store.log.retain(l.namespace, logged)
	return nil
}

// settledSnapshots reads the snapshots that are not known, as they were at one moment.
func (l *loader) settledSnapshots(ctx context.Context) ([]*inventoryv1alpha1.InventorySnapshot, listing, error) {
	for range loadAttempts {
		stored, is, err := missing(ctx, l.reader, l.namespace, "InventorySnapshot", l.versions(),
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

// lacks reports whether an object that was stored at a revision is gone by now.
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

// versions returns the snapshots that the store knows, with their versions.
func (s scope) versions() map[types.NamespacedName]uint64 {
	out := map[types.NamespacedName]uint64{}
	s.eachSnapshot(func(stored *storedSnapshot) {
		out[client.ObjectKeyFromObject(stored)] = stored.version
	})
	return out
}

// eachSnapshot visits the snapshots that the store knows.
func (s scope) eachSnapshot(visit func(*storedSnapshot)) {
	s.store.mu.RLock()
	defer s.store.mu.RUnlock()
	for key, loc := range s.store.locations {
		if s.namespace != metav1.NamespaceAll && key.Namespace != s.namespace {
			continue
		}
		for _, p := range loc {
			for _, stored := range p.stored {
				visit(stored)
			}
		}
	}
}

// replaceSnapshots takes in all snapshots as they were at a revision.
func (s scope) replaceSnapshots(all []*storedSnapshot, revision uint64) {
	is := listing{sets.New[types.NamespacedName](), revision}
	for _, snapshot := range all {
		is.names.Insert(client.ObjectKeyFromObject(snapshot))
		s.store.put(snapshot)
	}
	s.retainSnapshots(is)
}

// replaceBatches applies all InventoryBatches as they were at a revision.
func (s scope) replaceBatches(all []*inventoryv1alpha1.InventoryBatch, revision uint64) {
	is := listing{sets.New[types.NamespacedName](), revision}
	for _, batch := range all {
		is.names.Insert(client.ObjectKeyFromObject(batch))
	}
	s.applyAll(all)
	s.store.log.retain(s.namespace, is)
}

// applyAll applies InventoryBatches in the order of the log.
func (s scope) applyAll(all []*inventoryv1alpha1.InventoryBatch) {
	slices.SortFunc(all, func(a, b *inventoryv1alpha1.InventoryBatch) int {
		return cmp.Compare(parseRevision(a.ResourceVersion), parseRevision(b.ResourceVersion))
	})
	for _, batch := range all {
		s.store.ApplyBatch(batch)
	}
}

// retainSnapshots forgets the snapshots that a complete list no longer has.
func (s scope) retainSnapshots(is listing) {
	var gone []*storedSnapshot
	s.eachSnapshot(func(stored *storedSnapshot) {
		if is.lacks(stored.Namespace, stored.Name, stored.version) {
			gone = append(gone, stored)
		}
	})
	for _, stored := range gone {
		s.store.remove(stored.InventorySnapshot, stored.version)
	}
}
