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
	// trimInterval is how often the log is looked through for batches to delete.
	trimInterval = time.Second

	// trimWorkers is how many are deleted at once. A collection cannot be deleted up to a revision.
	trimWorkers = 4
)

// Trimmer deletes batches that the snapshots contain, after a retention time, on the leader only.
type Trimmer struct {
	Store  *Store
	Client client.Client
	Clock  clock.WithTicker
	// Retention is how long a batch is kept for audit.
	Retention time.Duration
	// Keep is the most folded batches that are kept for a location, whatever their age. One of several locations is
	// kept as long as any of them needs it.
	Keep int
	// Limits bound the log in all: beyond them, folded batches go before their time.
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
			log.FromContext(ctx).Error(err, "Deleting old batches failed, will retry")
		}
	}
}

// Trim deletes what has expired, and what is too much.
func (t *Trimmer) Trim(ctx context.Context) error {
	err := t.delete(ctx, t.Store.expired(t.Clock.Now(), t.Retention, t.Keep))
	return errors.Join(err, t.delete(ctx, t.Store.excess(t.Limits)))
}

// delete deletes batches, several at a time. In whatever order they go, the snapshots contain them.
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
	batch := &inventoryv1alpha1.InventoryBatch{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	if err := client.IgnoreNotFound(t.Client.Delete(ctx, batch)); err != nil {
		return fmt.Errorf("delete InventoryBatch %s: %w", key, err)
	}
	t.Store.ForgetBatch(key)
	batchesDeleted.Inc()
	return nil
}
