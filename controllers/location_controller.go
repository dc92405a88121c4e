package controllers

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/shard"
	"tallyman.dev/tallyman/controllers/status"
)

// withdrawPoll is how often a Location that is being deleted looks whether channels know.
const withdrawPoll = time.Second

// onlyDeletes lets deletions pass.
var onlyDeletes = predicate.Funcs{
	CreateFunc:  func(event.CreateEvent) bool { return false },
	UpdateFunc:  func(event.UpdateEvent) bool { return false },
	GenericFunc: func(event.GenericEvent) bool { return false },
}

// LocationReconciler reports whether a Location takes batches and gets them, and withdraws its stock
// when it is deleted.
type LocationReconciler struct {
	client.Client
	Store        *ledger.Store
	Runner       *channelsync.Runner
	Backpressure *ledger.Backpressure
	Recorder     events.EventRecorder
	Clock        clock.PassiveClock
}

// SetupWithManager registers the reconciler, for a part of all namespaces.
func (r *LocationReconciler) SetupWithManager(mgr ctrl.Manager, part shard.Shard) error {
	siblings := func(ctx context.Context, namespace, clientName string) []reconcile.Request {
		return requestsFor(ctx, r, &inventoryv1alpha1.LocationList{}, namespace, byClient, clientName)
	}
	return ctrl.NewControllerManagedBy(mgr).
		WithEventFilter(part.Predicate()).
		For(&inventoryv1alpha1.Location{}).
		// A Location that goes may leave its code to another that claimed it too.
		Watches(&inventoryv1alpha1.Location{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return siblings(ctx, o.GetNamespace(), o.(*inventoryv1alpha1.Location).Spec.ClientRef.Name)
		}), builder.WithPredicates(onlyDeletes)).
		Watches(&inventoryv1alpha1.Client{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return siblings(ctx, o.GetNamespace(), o.GetName())
		})).
		WatchesRawSource(source.Func(func(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
			go r.watchLog(ctx, part, queue)
			return nil
		})).
		Complete(r)
}

// watchLog reconciles the Locations of a namespace when its log becomes full, or has room again.
func (r *LocationReconciler) watchLog(ctx context.Context, part shard.Shard, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) {
	r.Backpressure.Watch(ctx, func(namespace string) {
		list := &inventoryv1alpha1.LocationList{}
		if !part.Owns(namespace) || r.List(ctx, list, client.InNamespace(namespace)) != nil {
			return // the cache only fails when it is stopped
		}
		for _, request := range requests(list) {
			queue.Add(request)
		}
	})
}

// Reconcile implements reconcile.Reconciler.
func (r *LocationReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	location := &inventoryv1alpha1.Location{}
	if err := r.Get(ctx, req.NamespacedName, location); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if location.DeletionTimestamp != nil {
		return r.withdraw(ctx, location)
	}
	if controllerutil.AddFinalizer(location, inventoryv1alpha1.LocationFinalizer) {
		// Before anything else: a Location without it could vanish and leave its stock on channels.
		return ctrl.Result{}, r.Update(ctx, location)
	}
	draft := begin(location)
	summary, err := r.summarize(ctx, location)
	if err != nil {
		return ctrl.Result{}, err
	}
	draft.Summarize(summary)
	fresh, next := r.freshness(location)
	draft.Set(fresh)
	draft.Announce(status.Announcement{Condition: inventoryv1alpha1.FreshCondition, Action: "CheckFreshness"})
	return r.write(ctx, draft, next)
}

// begin drafts a location's status, of which the fold has the revision and the counts: they are written as they were
// read, or not at all.
func begin(location *inventoryv1alpha1.Location) *status.Draft {
	return status.Begin(location, &location.Status.Conditions, &location.Status.ObservedGeneration)
}

func (r *LocationReconciler) write(ctx context.Context, draft *status.Draft, next time.Duration) (ctrl.Result, error) {
	return status.Writer{Client: r, Recorder: r.Recorder}.Write(ctx, draft, next)
}

// summarize concludes whether the ingress takes batches for the location.
func (r *LocationReconciler) summarize(ctx context.Context, location *inventoryv1alpha1.Location) (status.Summary, error) {
	tenant := location.Spec.ClientRef.Name
	err := r.Get(ctx, client.ObjectKey{Namespace: location.Namespace, Name: tenant}, &inventoryv1alpha1.Client{})
	switch {
	case apierrors.IsNotFound(err):
		return status.Stalled("ClientNotFound", fmt.Sprintf("Client %q does not exist", tenant)), nil
	case err != nil:
		return status.Summary{}, fmt.Errorf("get Client %s: %w", tenant, err)
	}
	siblings := &inventoryv1alpha1.LocationList{}
	if err := r.List(ctx, siblings, client.InNamespace(location.Namespace), client.MatchingFields{byClient: tenant}); err != nil {
		return status.Summary{}, fmt.Errorf("list Locations: %w", err)
	}
	for i := range siblings.Items {
		if field, clash := clashes(location, &siblings.Items[i]); clash {
			return status.Stalled("Duplicate", fmt.Sprintf("Location %q has the same %s and is older: batches go there", siblings.Items[i].Name, field)), nil
		}
	}
	if r.Backpressure.Full(location.Namespace) {
		return status.Reconciling("LogFull", "Batches are turned away: too many wait to be folded into snapshots"), nil
	}
	return status.Ready("Accepting", fmt.Sprintf("Batches for %q are accepted", location.Spec.Code)), nil
}

// clashes reports whether an older Location claims the same code or number, and which.
func clashes(location, other *inventoryv1alpha1.Location) (field string, clash bool) {
	if other.Name == location.Name || other.DeletionTimestamp != nil || !other.OlderThan(location) {
		return "", false
	}
	switch {
	case other.Spec.Code == location.Spec.Code:
		return "code", true
	case location.Spec.FulfillmentLocationID != 0 && other.Spec.FulfillmentLocationID == location.Spec.FulfillmentLocationID:
		return "fulfillmentLocationId", true
	}
	return "", false
}

// freshness returns the condition Fresh, and when it has to be looked at again.
func (r *LocationReconciler) freshness(location *inventoryv1alpha1.Location) (metav1.Condition, time.Duration) {
	c := metav1.Condition{Type: inventoryv1alpha1.FreshCondition, Status: metav1.ConditionTrue, Reason: "BatchReceived"}
	limit, since := location.StaleAfter(), location.CreationTimestamp
	if last := location.Status.LastBatchTime; last != nil {
		since = *last
		c.Message = fmt.Sprintf("A batch arrived within the last %s", limit)
	} else {
		c.Status, c.Reason, c.Message = metav1.ConditionUnknown, "NoBatchYet", "No batch has arrived yet"
	}
	left := limit - r.Clock.Since(since.Time)
	if left <= 0 {
		c.Status, c.Reason = metav1.ConditionFalse, "Stale"
		c.Message = fmt.Sprintf("No batch has arrived within staleAfter, which is %s", limit)
	}
	return c, max(left, 0)
}

// withdraw waits until no channel sells the location's stock any more, and then deletes it.
func (r *LocationReconciler) withdraw(ctx context.Context, location *inventoryv1alpha1.Location) (ctrl.Result, error) {
	if !controllerutil.ContainsFinalizer(location, inventoryv1alpha1.LocationFinalizer) {
		return ctrl.Result{}, nil
	}
	waiting, err := r.stillSelling(ctx, location)
	if err != nil {
		return ctrl.Result{}, err
	}
	if len(waiting) > 0 {
		return r.wait(ctx, location, "Waiting for zero quantities to reach: "+strings.Join(waiting, ", "))
	}
	if left := r.Store.Log().Leave(client.ObjectKeyFromObject(location)); left > 0 {
		return r.wait(ctx, location, fmt.Sprintf("Waiting until InventoryBatches that hold stock of other Locations too are folded and deleted: %d", left))
	}
	err = r.DeleteAllOf(ctx, &inventoryv1alpha1.InventorySnapshot{}, client.InNamespace(location.Namespace), client.MatchingFields{"locationName": location.Name})
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("delete the InventorySnapshots of Location %s: %w", location.Name, err)
	}
	// A fold that was under way may have written others meanwhile; they are not read from the cache.
	left := &inventoryv1alpha1.InventorySnapshotList{}
	err = r.List(ctx, left, client.InNamespace(location.Namespace), client.MatchingFields{"locationName": location.Name}, client.Limit(1))
	if err != nil {
		return ctrl.Result{}, fmt.Errorf("list the InventorySnapshots of Location %s: %w", location.Name, err)
	}
	if len(left.Items) > 0 {
		return r.wait(ctx, location, "Waiting until its InventorySnapshots are deleted")
	}
	r.Store.Forget(client.ObjectKeyFromObject(location))
	controllerutil.RemoveFinalizer(location, inventoryv1alpha1.LocationFinalizer)
	return ctrl.Result{}, client.IgnoreNotFound(r.Update(ctx, location))
}

// wait says what the deletion of a location waits for.
func (r *LocationReconciler) wait(ctx context.Context, location *inventoryv1alpha1.Location, message string) (ctrl.Result, error) {
	draft := begin(location)
	draft.Summarize(status.Reconciling("Withdrawing", message))
	return r.write(ctx, draft, withdrawPoll)
}

// stillSelling returns the channels that may still show stock of a location that is being deleted.
// A suspended channel is not waited for.
func (r *LocationReconciler) stillSelling(ctx context.Context, location *inventoryv1alpha1.Location) ([]string, error) {
	channels := &inventoryv1alpha1.ChannelList{}
	err := r.List(ctx, channels, client.InNamespace(location.Namespace), client.MatchingFields{byClient: location.Spec.ClientRef.Name})
	if err != nil {
		return nil, fmt.Errorf("list Channels: %w", err)
	}
	var waiting []string
	for i := range channels.Items {
		ch := &channels.Items[i]
		if ch.Suspended() || ch.DeletionTimestamp != nil {
			continue
		}
		report, known := r.Runner.Report(client.ObjectKeyFromObject(ch))
		if !known || !report.Known || slices.Contains(report.Selling, location.Name) || slices.Contains(report.Withdrawing, location.Name) {
			waiting = append(waiting, ch.Name)
		}
	}
	return waiting, nil
}
