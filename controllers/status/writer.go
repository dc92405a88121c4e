package status

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// conflictPause is when an object is looked at again that was not read as it is stored: as soon as the
// cache may have caught up.
const conflictPause = 100 * time.Millisecond

// Writer stores statuses. Recorder may be nil where no draft has events.
type Writer struct {
	Client   client.StatusClient
	Recorder events.EventRecorder
}

// Write stores a draft that changes something, and then records its events; a transition that was not stored is not
// told. It returns what Reconcile returns: a look after `next` (0 for none), a look soon where the object was read before
// its last change, none where the object is gone. The update carries the resourceVersion, so that it undoes
// nothing that another writer of the status has stored since.
func (w Writer) Write(ctx context.Context, d *Draft, next time.Duration) (reconcile.Result, error) {
	result := reconcile.Result{RequeueAfter: next}
	if equality.Semantic.DeepEqual(d.object, d.before) {
		return result, nil
	}
	due := d.due() // the answer to the update overwrites the object
	err := w.Client.Status().Update(ctx, d.object)
	switch {
	case apierrors.IsConflict(err):
		return reconcile.Result{RequeueAfter: conflictPause}, nil
	case apierrors.IsNotFound(err):
		return reconcile.Result{}, nil
	case err != nil:
		return reconcile.Result{}, fmt.Errorf("update status of %T %s: %w", d.object, d.object.GetName(), err)
	}
	for _, e := range due {
		w.Recorder.Eventf(d.object, nil, e.Type, e.Reason, e.Action, "%s", e.Message)
	}
	return result, nil
}
