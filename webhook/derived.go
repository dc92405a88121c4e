package webhook

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"k8s.io/client-go/tools/cache"
	ctrlcache "sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// derived is what is computed from the manager's cache, and computed anew when it is asked for after a
// change. Every request needs it, and lists of a cache cost as much as all else that a small one does.
type derived[T any] struct {
	compute func(context.Context) (T, error)
	changes atomic.Int64 // of what it is computed from

	computing sync.Mutex
	latest    atomic.Pointer[computed[T]] // nil before the first request
}

// computed is a value as it was after a number of changes.
type computed[T any] struct {
	changes int64
	value   T
}

// changed notes that something has changed.
func (d *derived[T]) changed() { d.changes.Add(1) }

// current returns the value as it is after all changes so far.
func (d *derived[T]) current(ctx context.Context) (T, error) {
	if known := d.latest.Load(); known != nil && known.changes == d.changes.Load() {
		return known.value, nil
	}
	d.computing.Lock()
	defer d.computing.Unlock()
	changes := d.changes.Load() // before anything is read: what changes meanwhile is read again
	if known := d.latest.Load(); known != nil && known.changes == changes {
		return known.value, nil // another request has just computed it
	}
	value, err := d.compute(ctx)
	if err != nil {
		return value, err
	}
	d.latest.Store(&computed[T]{changes, value})
	return value, nil
}

// watch notes the changes of a kind, of which updates count where `matters` says so.
func (d *derived[T]) watch(ctx context.Context, informers ctrlcache.Informers, kind client.Object, matters func(was, is client.Object) bool) error {
	informer, err := informers.GetInformer(ctx, kind)
	if err != nil {
		return fmt.Errorf("watch %T: %w", kind, err)
	}
	_, err = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(any) { d.changed() },
		UpdateFunc: func(was, is any) {
			if matters(was.(client.Object), is.(client.Object)) {
				d.changed()
			}
		},
		DeleteFunc: func(any) { d.changed() },
	})
	if err != nil {
		return fmt.Errorf("watch %T: %w", kind, err)
	}
	return nil
}

// anyUpdate reports whether an update counts: every one does.
func anyUpdate(_, _ client.Object) bool { return true }

// specUpdate reports whether an update is a change by people, or begins a deletion.
func specUpdate(was, is client.Object) bool {
	return was.GetGeneration() != is.GetGeneration() || was.GetUID() != is.GetUID() ||
		(was.GetDeletionTimestamp() == nil) != (is.GetDeletionTimestamp() == nil)
}
