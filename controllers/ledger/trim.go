package ledger

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// trimInterval is how often the log is looked through for snapshots to delete.
const trimInterval = time.Second

// Trimmer deletes snapshots that the slices contain, after a retention time, on the leader only.
type Trimmer struct {
	Store  *Store
	Client client.Client
	Clock  clock.WithTicker
	// Retention is how long a snapshot is kept for audit.
	Retention time.Duration
	// Keep is the most folded snapshots that are kept for a location, whatever their age.
	Keep int
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

// Trim deletes what has expired, oldest first.
func (t *Trimmer) Trim(ctx context.Context) error {
	for key, expired := range t.Store.expired(t.Clock.Now(), t.Retention, t.Keep) {
		for _, r := range expired {
			snapshot := &inventoryv1alpha1.InventorySnapshot{
				ObjectMeta:   metav1.ObjectMeta{Namespace: key.Namespace, Name: r.name},
				LocationName: key.Name,
			}
			if err := client.IgnoreNotFound(t.Client.Delete(ctx, snapshot)); err != nil {
				return fmt.Errorf("delete InventorySnapshot %s/%s: %w", key.Namespace, r.name, err)
			}
			t.Store.ForgetSnapshot(snapshot)
			snapshotsDeleted.Inc()
		}
	}
	return nil
}

// expired returns the snapshots to delete of each location.
func (s *Store) expired(now time.Time, retention time.Duration, keep int) map[LocationKey][]record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := map[LocationKey][]record{}
	for key, loc := range s.locations {
		if expired := loc.expired(now, retention, keep); len(expired) > 0 {
			out[key] = expired
		}
	}
	return out
}
