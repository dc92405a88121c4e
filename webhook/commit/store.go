package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// maxNames is how many names of one idempotency key are tried, where earlier ones are taken by
// attempts that came to nothing.
const maxNames = 8

// errRefused means that the API server will never take what it was given.
var errRefused = errors.New("the API server refused the batch")

// storeGroup stores a group in one batch, and returns the outcome for each entry. Where the API server refuses
// it, because of one of them perhaps, the halves are tried by themselves, in their order.
func (w *Writer) storeGroup(namespace string, group []*entry) []error {
	batches.Observe(float64(len(group)))
	err := w.store(namespace, group)
	if half := len(group) / 2; half > 0 && errors.Is(err, errRefused) && !namespaceGone(err) {
		return append(w.storeGroup(namespace, group[:half]), w.storeGroup(namespace, group[half:])...)
	}
	return slices.Repeat([]error{err}, len(group))
}

// store stores the batch of a group.
func (w *Writer) store(namespace string, group []*entry) error {
	batch := assemble(namespace, group)
	if group[0].commit.Name != "" {
		return w.storeNamed(batch)
	}
	err := w.create(batch)
	if apierrors.IsAlreadyExists(err) {
		return w.settle(batch) // nobody else has this name: something between here and there has repeated the create
	}
	return err
}

// storeNamed stores the batch of a request with an idempotency key, or finds it stored.
func (w *Writer) storeNamed(batch *inventoryv1alpha1.InventoryBatch) error {
	base := batch.Name
	for n := range maxNames {
		if n > 0 {
			batch.Name = fmt.Sprintf("%s-r%d", base, n)
		}
		err := w.create(batch)
		if !apierrors.IsAlreadyExists(err) {
			return err
		}
		stored, err := w.read(client.ObjectKeyFromObject(batch))
		switch {
		case err != nil:
			return err
		case tombstone(stored):
			continue // an earlier attempt that came to nothing has used the name up
		case !sameRequests(stored, batch):
			return ErrKeyReused
		case !covers(stored, batch):
			return &RepetitionError{stored.Stock}
		default:
			return nil
		}
	}
	return fmt.Errorf("%w: all %d attempts with this idempotency key failed", ErrUnavailable, maxNames)
}

// create creates a batch and settles an unknown outcome.
func (w *Writer) create(batch *inventoryv1alpha1.InventoryBatch) error {
	began := w.opts.Clock.Now()
	err := w.attempt(func(ctx context.Context) error { return w.opts.Client.Create(ctx, batch.DeepCopy()) })
	result := classify(err)
	createSeconds.Observe(w.opts.Clock.Since(began).Seconds())
	creates.WithLabelValues(string(result)).Inc()
	switch result {
	case stored:
		return nil
	case refused:
		return fmt.Errorf("%w: %w", errRefused, err)
	case notExecuted:
		if noRights(err) { // nobody else sees it: the sender is told nothing of RBAC
			log.FromContext(w.ctx).Error(err, "The API server does not let this manager create InventoryBatches",
				"requestId", batch.Requests[0].ID, "requests", batch.RequestCount)
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	default:
		return w.settle(batch)
	}
}

// attempt makes one request with its own deadline: it serves several senders, none of whom may cut it off.
func (w *Writer) attempt(request func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(w.ctx, w.opts.CreateTimeout)
	defer cancel()
	return request(ctx)
}

func (w *Writer) read(key client.ObjectKey) (*inventoryv1alpha1.InventoryBatch, error) {
	batch := &inventoryv1alpha1.InventoryBatch{}
	err := w.attempt(func(ctx context.Context) error { return w.opts.Client.Get(ctx, key, batch) })
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return batch, nil
}
