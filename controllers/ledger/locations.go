package ledger

import (
	"context"
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// FollowLocations keeps a store told of how far Locations are folded, and of those that go, on every
// replica.
func FollowLocations(ctx context.Context, informers cache.Informers, s *Store) error {
	informer, err := informers.GetInformer(ctx, &inventoryv1alpha1.Location{})
	if err != nil {
		return fmt.Errorf("watch Locations: %w", err)
	}
	seen := func(obj any) {
		if l, ok := obj.(*inventoryv1alpha1.Location); ok {
			s.report(LocationKey{Namespace: l.Namespace, Name: l.Name}, parseRevision(l.Status.FoldedRevision))
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    seen,
		UpdateFunc: func(_, obj any) { seen(obj) },
		DeleteFunc: func(obj any) {
			if key, err := toolscache.DeletionHandlingObjectToName(obj); err == nil {
				s.Forget(key.AsNamespacedName())
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watch Locations: %w", err)
	}
	return nil
}
