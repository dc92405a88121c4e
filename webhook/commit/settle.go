package commit

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// settleBackoff paces the attempts to learn what became of a create.
var settleBackoff = wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Jitter: 0.2, Steps: 8, Cap: 5 * time.Second}

// errGone means that a namespace takes nothing any more.
var errGone = errors.New("the namespace is gone or being deleted")

// settle finds out what became of a create, however long the API server does not answer. An empty
// record of the same name either takes the name, and then the create can never land any more, or
// meets what has taken it. Where the namespace is deleted meanwhile, whatever has landed goes with it,
// and nothing more can.
func (w *Writer) settle(batch *inventoryv1alpha1.InventoryBatch) error {
	key := client.ObjectKeyFromObject(batch)
	pause := settleBackoff
	for {
		known, landed, err := w.look(batch, key)
		switch {
		case err != nil:
			settled.WithLabelValues("gone").Inc()
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		case known && landed:
			settled.WithLabelValues("landed").Inc()
			return nil
		case known:
			settled.WithLabelValues("prevented").Inc()
			return fmt.Errorf("%w: the batch was not stored", ErrUnavailable)
		}
		select {
		case <-w.ctx.Done():
			settled.WithLabelValues("abandoned").Inc()
			return fmt.Errorf("%w: shutting down before it is known whether the batch is stored", ErrUnavailable)
		case <-w.opts.Clock.After(pause.Step()):
		}
	}
}

// look makes one attempt to learn whether the create has landed. An error ends all attempts.
func (w *Writer) look(batch *inventoryv1alpha1.InventoryBatch, key client.ObjectKey) (known, landed bool, err error) {
	err = w.attempt(func(ctx context.Context) error {
		return w.opts.Client.Create(ctx, &inventoryv1alpha1.InventoryBatch{
			ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name},
			Stock:      []inventoryv1alpha1.LocationStock{},
		})
	})
	switch {
	case err == nil:
		return true, false, nil
	case apierrors.IsAlreadyExists(err):
		there, err := w.read(key)
		return err == nil, err == nil && !tombstone(there) && sameRequests(there, batch) && covers(there, batch), nil
	case namespaceGone(err):
		return false, false, errGone
	default: // even a refusal says nothing of the first create
		return false, false, nil
	}
}

// tombstone reports whether a record only takes a name.
func tombstone(batch *inventoryv1alpha1.InventoryBatch) bool { return batch.RequestCount == 0 }
