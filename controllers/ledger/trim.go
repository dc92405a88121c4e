package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

const (
	// trimInterval is how often the log is looked through for snapshots to delete.
	trimInterval = time.Second

	// trimWorkers is how many are deleted at once. A collection cannot be deleted up to a revision.
	trimWorkers = 4
)

// Trimmer deletes snapshots that the slices contain, after a retention time, on the leader only.
type Trimmer struct {
	Store  *Store
	Client client.Client
	Clock  clock.WithTicker
	// Retention is how long a snapshot is kept for audit.
	Retention time.Duration
	// Keep is the most folded snapshots that are kept for a location, whatever their age. One of several locations is
	// kept as long as any of them needs it.
	Keep int
	// Limits bound the log in all: beyond them, folded snapshots go before their time.
	Limits LogLimits
}

// Start deletes until the context ends.
func (t *Trimmer) Start(ctx context.Context) error {
	ticker := t.Clock.NewTicker(trimInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C():
		}
		if err := t.Trim(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Deleting old snapshots failed, will retry")
		}
	}
}

// Trim deletes what has expired, and what is too much.
func (t *Trimmer) Trim(ctx context.Context) error {
	err := t.delete(ctx, t.Store.expired(t.Clock.Now(), t.Retention, t.Keep))
	return errors.Join(err, t.delete(ctx, t.Store.excess(t.Limits)))
}

// delete deletes snapshots, several at a time. In whatever order they go, the slices contain them.
func (t *Trimmer) delete(ctx context.Context, records map[string][]*record) error {
	var group errgroup.Group // one that fails does not keep the others
	group.SetLimit(trimWorkers)
	for namespace, expired := range records {
		for _, r := range expired {
			group.Go(func() error { return t.deleteOne(ctx, types.NamespacedName{Namespace: namespace, Name: r.name}) })
		}
	}
	return group.Wait()
}

func (t *Trimmer) deleteOne(ctx context.Context, key types.NamespacedName) error {
	snapshot := &inventoryv1alpha1.InventorySnapshot{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	if err := client.IgnoreNotFound(t.Client.Delete(ctx, snapshot)); err != nil {
		return fmt.Errorf("delete InventorySnapshot %s: %w", key, err)
	}
	t.Store.ForgetSnapshot(key)
	snapshotsDeleted.Inc()
	return nil
}
