package controllers

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
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
	"tallyman.dev/tallyman/controllers/status"
	"tallyman.dev/tallyman/controllers/syncstate"
)

const (
	// statusInterval is how often a busy channel's status is written at the most.
	statusInterval = 500 * time.Millisecond

	// runnerWait is how long a Channel waits for the ledger to be complete, after a start, and for the cache to have
	// what was stored a moment ago.
	runnerWait = 200 * time.Millisecond

	// channelWorkers is how many Channels are reconciled at once: one whose probe is not answered must
	// not keep the others waiting. maxProbe bounds a probe.
	channelWorkers = 16
	maxProbe       = 15 * time.Second
)

// ChannelReconciler configures a Channel's lane, checks that the channel can be reached, and
// reports how it fares.
type ChannelReconciler struct {
	client.Client
	Runner   *channelsync.Runner
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
func (r *ChannelReconciler) watchLanes(ctx context.Context, queue workqueue.TypedRateLimitingInterface[reconcile.Request]) error {
	go func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-r.Runner.Changed():
			}
			for _, key := range r.Runner.TakeChanged() {
				queue.AddAfter(reconcile.Request{NamespacedName: key}, statusInterval)
			}
		}
	}()
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
	if !r.Runner.Running() {
		return ctrl.Result{RequeueAfter: runnerWait}, nil
	}
	cfg, bad, err := r.prepare(ctx, ch)
	switch {
	case apierrors.IsConflict(err): // the cache is behind
		return ctrl.Result{RequeueAfter: runnerWait}, nil
	case err != nil:
		return ctrl.Result{}, client.IgnoreNotFound(err)
	case !r.Runner.Configure(cfg): // likewise
		return ctrl.Result{RequeueAfter: runnerWait}, nil
	}
	draft := status.Begin(ch, &ch.Status.Conditions, &ch.Status.ObservedGeneration)
	summary, next := r.reconcile(ctx, ch, draft, bad)
	draft.Summarize(summary)
	draft.AnnounceReady("Sync")
	return status.Writer{Client: r, Recorder: r.Recorder}.Write(ctx, draft, next)
}

// prepare resolves the configuration of a Channel, and stores the epoch that it belongs to before anything is pushed
// under it. With a *badConfig, it can still be given to the lane.
func (r *ChannelReconciler) prepare(ctx context.Context, ch *inventoryv1alpha1.Channel) (channelsync.Config, *badConfig, error) {
	cfg, err := r.configure(ctx, ch)
	var bad *badConfig
	if err != nil && !errors.As(err, &bad) {
		return cfg, nil, err
	}
	if err := r.storeEpoch(ctx, ch, cfg.Settings); err != nil {
		return cfg, nil, err
	}
	cfg.Channel = ch.DeepCopy()
	return cfg, bad, nil
}

// storeEpoch writes into the status under which configuration the channel is about to be pushed, and which
// Locations it may show stock of from now on.
func (r *ChannelReconciler) storeEpoch(ctx context.Context, ch *inventoryv1alpha1.Channel, s *syncstate.Settings) error {
	if s == nil {
		return nil
	}
	affected, all := s.Affected(r.Runner.Settings(ch))
	epochs := syncstate.NextEpochs(ch, s.EpochDigest(), affected, all)
	locations := sets.New(ch.Status.Locations...)
	for i := range s.Locations {
		if l := &s.Locations[i]; l.Selected {
			locations.Insert(l.Name)
		}
	}
	if len(locations) == len(ch.Status.Locations) && equality.Semantic.DeepEqual(epochs, ch.Status.Epochs) {
		return nil
	}
	ch.Status.Epochs, ch.Status.Locations = epochs, sets.List(locations)
	if err := r.Status().Update(ctx, ch); err != nil {
		return fmt.Errorf("store the epoch of Channel %s: %w", ch.Name, err)
	}
	return nil
}

// reconcile probes where that is due, and fills in the status.
func (r *ChannelReconciler) reconcile(ctx context.Context, ch *inventoryv1alpha1.Channel, draft *status.Draft, bad *badConfig) (status.Summary, time.Duration) {
	next := time.Duration(0)
	if bad == nil && !ch.Suspended() {
		next = r.probe(ctx, ch)
	}
	report, _ := r.Runner.Report(client.ObjectKeyFromObject(ch))
	tellDrift(draft, ch, report.Compared)
	fill(ch, report)
	if !report.NextAttempt.IsZero() {
		next = soonest(next, report.NextAttempt.Sub(r.Clock.Now()))
	}
	if bad != nil {
		return status.Stalled(bad.reason, bad.message), next
	}
	return r.summarize(ch, report), next
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
		r.Runner.Block(client.ObjectKeyFromObject(ch), conn.digest, conn.problem)
	}
	return ch.ProbeInterval()
}

func blocks(err *channel.Error) bool {
	return err.Class == channel.Unauthorized || err.Class == channel.Terminal
}

// summarize concludes what a person wants to know first.
func (r *ChannelReconciler) summarize(ch *inventoryv1alpha1.Channel, report channelsync.Report) status.Summary {
	problem := report.Blocked
	if problem == nil {
		problem = report.LastError
	}
	if conn := r.connection(client.ObjectKeyFromObject(ch)); problem == nil && conn != nil && report.LastSync.Before(conn.probed) {
		problem = conn.problem // nothing was pushed since the probe that would say otherwise
	}
	switch {
	case ch.Suspended():
		return status.Stalled("Suspended", fmt.Sprintf("Suspended; SKUs that wait: %d", report.Pending))
	case problem != nil && blocks(problem):
		return status.Stalled(string(problem.Reason), problem.Message)
	case problem != nil:
		return status.Reconciling(string(problem.Reason), problem.Message)
	case report.Failed > 0:
		return status.Ready("SomeFailed", "In step, except for "+counted(report.Failed, "SKU")+" that the channel refused")
	case report.Pending > 0:
		return status.Ready("Syncing", "The channel answers; changes are being pushed")
	default:
		return status.Ready("InStep", "Every SKU is in step")
	}
}

// fill writes a lane's report into the status.
func fill(ch *inventoryv1alpha1.Channel, report channelsync.Report) {
	s := &ch.Status
	s.PendingCount, s.FailedCount = new(int32(report.Pending)), new(int32(report.Failed)) //nolint:gosec // far below 2^31
	s.ConsecutiveFailures = &report.Failures
	if !report.LastSync.IsZero() {
		s.LastSyncTime = wholeSeconds(report.LastSync)
	}
	s.NextAttemptTime = nil
	if !report.NextAttempt.IsZero() {
		s.NextAttemptTime = wholeSeconds(report.NextAttempt)
	}
	if c := report.Compared; c.Compared > 0 {
		s.LastCompareTime, s.LastCompareDifferences = wholeSeconds(c.Began), &c.Differing
	}
	if report.Known {
		s.Locations = sets.List(sets.New(report.Selling...).Insert(report.Withdrawing...))
	}
}

// wholeSeconds is a time as the API server stores it: with more than that, a status would differ from what is
// stored each time, and be written again.
func wholeSeconds(t time.Time) *metav1.Time { return &metav1.Time{Time: t.Truncate(time.Second)} }

// tellDrift has people told of differences that a comparison found, of which the status does not say yet.
func tellDrift(draft *status.Draft, ch *inventoryv1alpha1.Channel, c channelsync.Comparison) {
	last := ch.Status.LastCompareTime
	if c.Differing == 0 || last != nil && !last.Time.Before(c.Began.Truncate(time.Second)) {
		return
	}
	draft.Tell(status.Event{
		Type: corev1.EventTypeWarning, Reason: "DriftFound", Action: "Compare",
		Message: fmt.Sprintf("SKUs compared: %d; with another quantity on the channel: %d; pushed again: %d",
			c.Compared, c.Differing, c.Repaired),
	})
}

func (r *ChannelReconciler) connection(key types.NamespacedName) *connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.built[key]
}

func (r *ChannelReconciler) forget(ctx context.Context, key types.NamespacedName) {
	r.Runner.Remove(key)
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
