package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/shard"
)

const (
	// statusInterval is how often a busy channel's status is written at the most.
	statusInterval = 500 * time.Millisecond

	// settlePoll is how often a channel that is pushed everything looks whether it is done.
	settlePoll = 2 * time.Second

	// plannerWait is how long a Channel waits for the ledger to be complete, after a start.
	plannerWait = 200 * time.Millisecond

	// channelWorkers is how many Channels are reconciled at once: one whose probe is not answered must
	// not keep the others waiting. maxProbe bounds a probe.
	channelWorkers = 16
	maxProbe       = 15 * time.Second
)

// ChannelReconciler configures a Channel's lane, checks that the channel can be reached, and
// reports how it fares.
type ChannelReconciler struct {
	client.Client
	Planner  *channelsync.Planner
	Registry *channel.Registry
	Recorder events.EventRecorder
	Clock    clock.WithTicker

	mu    sync.Mutex
	built map[types.NamespacedName]*connection
}

// connection is a channel's connector, and what the last probe found.
type connection struct {
	digest    string
	connector channel.Connector
	probed    time.Time
	problem   *channel.Error
}

// SetupWithManager registers the reconciler, for a part of all namespaces.
func (r *ChannelReconciler) SetupWithManager(mgr ctrl.Manager, part shard.Shard) error {
	ofClient := func(ctx context.Context, namespace, clientName string) []reconcile.Request {
		return requestsFor(ctx, r, &inventoryv1alpha1.ChannelList{}, namespace, byClient, clientName)
	}
	specChanged := predicate.Or(predicate.GenerationChangedPredicate{}, predicate.AnnotationChangedPredicate{}, predicate.LabelChangedPredicate{})
	return ctrl.NewControllerManagedBy(mgr).
		WithEventFilter(part.Predicate()).
		For(&inventoryv1alpha1.Channel{}, builder.WithPredicates(specChanged)).
		Watches(&corev1.Secret{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return requestsFor(ctx, r, &inventoryv1alpha1.ChannelList{}, o.GetNamespace(), bySecret, o.GetName())
		})).
		Watches(&corev1.ConfigMap{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return requestsFor(ctx, r, &inventoryv1alpha1.ChannelList{}, o.GetNamespace(), byTable, o.GetName())
		})).
		Watches(&inventoryv1alpha1.Location{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return ofClient(ctx, o.GetNamespace(), o.(*inventoryv1alpha1.Location).Spec.ClientRef.Name)
		}), builder.WithPredicates(specChanged)).
		Watches(&inventoryv1alpha1.Client{}, handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
			return ofClient(ctx, o.GetNamespace(), o.GetName())
		}), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		WatchesRawSource(source.Func(r.watchLanes)).
		WithOptions(controller.Options{MaxConcurrentReconciles: channelWorkers}).
		Complete(r)
}

// watchLanes reconciles a Channel some time after its lane has something to report.
func (r *ChannelReconciler) watchLanes(_ context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	r.Planner.OnChange(func(key types.NamespacedName) {
		queue.AddAfter(reconcile.Request{NamespacedName: key}, statusInterval)
	})
	return nil
}

// Reconcile implements reconcile.Reconciler.
func (r *ChannelReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	ch := &inventoryv1alpha1.Channel{}
	if err := r.Get(ctx, req.NamespacedName, ch); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, err
	} else if err != nil || ch.DeletionTimestamp != nil {
		r.forget(ctx, req.NamespacedName)
		return ctrl.Result{}, nil
	}
	if !r.Planner.Started() {
		return ctrl.Result{RequeueAfter: plannerWait}, nil
	}
	before := ch.DeepCopy()
	v, next, err := r.reconcile(ctx, ch)
	if err != nil {
		return ctrl.Result{}, err
	}
	r.announce(before, v)
	v.apply(&ch.Status.Conditions, ch.Generation)
	ch.Status.ObservedGeneration = &ch.Generation
	return ctrl.Result{RequeueAfter: next}, patchStatus(ctx, r.Client, ch, before)
}

// reconcile configures the lane, probes where that is due, and fills in the status.
func (r *ChannelReconciler) reconcile(ctx context.Context, ch *inventoryv1alpha1.Channel) (verdict, time.Duration, error) {
	cfg, err := r.configure(ctx, ch)
	var bad *badConfig
	if err != nil && !errors.As(err, &bad) {
		return verdict{}, 0, err
	}
	r.Planner.Configure(cfg)
	key := client.ObjectKeyFromObject(ch)
	next := time.Duration(0)
	if bad == nil && !ch.Suspended() {
		next = r.probe(ctx, ch)
	}
	report, _ := r.Planner.Report(key)
	r.tellDrift(ch, report.Compared)
	if fill(ch, report) {
		next = soonest(next, settlePoll)
	}
	if !report.NextAttempt.IsZero() {
		next = soonest(next, report.NextAttempt.Sub(r.Clock.Now()))
	}
	if bad != nil {
		return stalled(bad.reason, bad.message), next, nil
	}
	return r.judge(ch, report), next, nil
}

// probe checks credentials and reachability where the interval has passed or the connector is new,
// and returns the time until the next check.
func (r *ChannelReconciler) probe(ctx context.Context, ch *inventoryv1alpha1.Channel) time.Duration {
	conn := r.connection(client.ObjectKeyFromObject(ch))
	if conn == nil {
		return 0
	}
	if left := ch.ProbeInterval() - r.Clock.Since(conn.probed); !conn.probed.IsZero() && left > 0 {
		return left
	}
	ctx, cancel := context.WithTimeout(ctx, min(ch.Timeout(), maxProbe))
	defer cancel()
	conn.problem = nil
	if err := conn.connector.Probe(ctx); err != nil {
		conn.problem = channel.AsError(err)
	}
	conn.probed = r.Clock.Now()
	if conn.problem != nil && blocks(conn.problem) {
		r.Planner.Block(client.ObjectKeyFromObject(ch), conn.problem)
	}
	return ch.ProbeInterval()
}

func blocks(err *channel.Error) bool {
	return err.Class == channel.Unauthorized || err.Class == channel.Terminal
}

// judge concludes what a person wants to know first.
func (r *ChannelReconciler) judge(ch *inventoryv1alpha1.Channel, report channelsync.Report) verdict {
	problem := report.Blocked
	if problem == nil {
		problem = report.LastError
	}
	if conn := r.connection(client.ObjectKeyFromObject(ch)); problem == nil && conn != nil && report.LastSync.Before(conn.probed) {
		problem = conn.problem // nothing was pushed since the probe that would say otherwise
	}
	switch {
	case ch.Suspended():
		return stalled("Suspended", fmt.Sprintf("Suspended; SKUs that wait: %d", report.Pending))
	case problem != nil && blocks(problem):
		return stalled(problem.Reason, problem.Message)
	case problem != nil:
		return working(problem.Reason, problem.Message)
	case report.Failed > 0:
		return ready("SomeFailed", "In step, except for "+counted(report.Failed, "SKU")+" that the channel refused")
	case report.Pending > 0:
		return ready("Syncing", "The channel answers; changes are being pushed")
	default:
		return ready("InStep", "Every SKU is in step")
	}
}

// fill writes a lane's report into the status. It tells whether a full push is still under way.
func fill(ch *inventoryv1alpha1.Channel, report channelsync.Report) (unsettled bool) {
	s := &ch.Status
	s.PendingCount, s.FailedCount, s.ConsecutiveFailures = &report.Pending, &report.Failed, &report.Failures
	if !report.LastSync.IsZero() {
		s.LastSyncTime = &metav1.Time{Time: report.LastSync}
	}
	s.NextAttemptTime = nil
	if !report.NextAttempt.IsZero() {
		s.NextAttemptTime = &metav1.Time{Time: report.NextAttempt}
	}
	if c := report.Compared; c.Compared > 0 {
		s.LastCompareTime, s.LastCompareDifferences = &metav1.Time{Time: c.Began}, &c.Differing
	}
	if report.Settled {
		s.SyncedConfig = report.SyncDigest
	}
	return s.SyncedConfig != report.SyncDigest
}

// tellDrift tells people of differences that a comparison found.
func (r *ChannelReconciler) tellDrift(ch *inventoryv1alpha1.Channel, c channelsync.Comparison) {
	last := ch.Status.LastCompareTime
	if c.Differing == 0 || last != nil && !last.Time.Before(c.Began.Truncate(time.Second)) {
		return
	}
	r.Recorder.Eventf(ch, nil, corev1.EventTypeWarning, "DriftFound", "Compare",
		"SKUs compared: %d; with another quantity on the channel: %d; pushed again: %d", c.Compared, c.Differing, c.Repaired)
}

// announce tells people when a channel stops working, and when it works again.
func (r *ChannelReconciler) announce(ch *inventoryv1alpha1.Channel, v verdict) {
	was := apimeta.FindStatusCondition(ch.Status.Conditions, inventoryv1alpha1.ReadyCondition)
	switch {
	case !v.ready && (was == nil || was.Status == metav1.ConditionTrue || was.Reason != v.reason):
		r.Recorder.Eventf(ch, nil, corev1.EventTypeWarning, v.reason, "Sync", "%s", v.message)
	case v.ready && was != nil && was.Status == metav1.ConditionFalse:
		r.Recorder.Eventf(ch, nil, corev1.EventTypeNormal, "Recovered", "Sync", "%s", v.message)
	}
}

func (r *ChannelReconciler) connection(key types.NamespacedName) *connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.built[key]
}

func (r *ChannelReconciler) forget(ctx context.Context, key types.NamespacedName) {
	r.Planner.Remove(key)
	r.mu.Lock()
	conn := r.built[key]
	delete(r.built, key)
	r.mu.Unlock()
	conn.close(ctx, key)
}

// close lets go of what the connector holds; nil has nothing.
func (c *connection) close(ctx context.Context, key types.NamespacedName) {
	if c == nil {
		return
	}
	if err := channel.Close(c.connector); err != nil {
		log.FromContext(ctx).Error(err, "Cannot close the connector of a channel", "channel", key)
	}
}

// soonest returns the shorter of two pauses, where 0 is none.
func soonest(a, b time.Duration) time.Duration {
	if a == 0 || (b > 0 && b < a) {
		return b
	}
	return a
}
