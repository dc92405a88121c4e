package fold

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
	"tallyman.dev/tallyman/controllers/ledger"
)

const (
	// trimInterval is how often the log is looked through for records to delete.
	trimInterval = time.Second

	// trimWorkers is how many are deleted at once. A collection cannot be deleted up to a revision.
	trimWorkers = 4
)

// TrimmerOptions are what a Trimmer needs; all of them are required.
type TrimmerOptions struct {
	Log    *ledger.Log
	Client client.Client
	Clock  clock.WithTicker
	// Retention is how long an InventoryBatch is kept for audit.
	Retention time.Duration
	// Keep is the most folded InventoryBatches that are kept for a location, whatever their age. One of several locations is
	// kept as long as any of them needs it.
	Keep int
	// Limits bound the log in all: beyond them, folded ones go before their time.
	Limits ledger.LogLimits
}

// Trimmer deletes InventoryBatches that the snapshots contain, after a retention time, on the leader only.
type Trimmer struct{ options TrimmerOptions }

// NewTrimmer returns a trimmer.
func NewTrimmer(o TrimmerOptions) *Trimmer { return &Trimmer{o} }

// Start deletes until the context ends.
func (t *Trimmer) Start(ctx context.Context) error {
	ticker := t.options.Clock.NewTicker(trimInterval)
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
	o := t.options
	err := t.delete(ctx, o.Log.Expired(o.Clock.Now(), o.Retention, o.Keep))
	return errors.Join(err, t.delete(ctx, o.Log.Excess(o.Limits)))
}

// delete deletes records, several at a time. In whatever order they go, the snapshots contain them.
func (t *Trimmer) delete(ctx context.Context, batches []types.NamespacedName) error {
	var group errgroup.Group // one that fails does not keep the others
	group.SetLimit(trimWorkers)
	for _, key := range batches {
		group.Go(func() error { return t.deleteOne(ctx, key) })
	}
	return group.Wait()
}

func (t *Trimmer) deleteOne(ctx context.Context, key types.NamespacedName) error {
	batch := &inventoryv1alpha1.InventoryBatch{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	if err := client.IgnoreNotFound(t.options.Client.Delete(ctx, batch)); err != nil {
		return fmt.Errorf("delete InventoryBatch %s: %w", key, err)
	}
	t.options.Log.Remove(key)
	batchesDeleted.Inc()
	return nil
}
