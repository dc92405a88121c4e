package controllers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/shard"
	"tallyman.dev/tallyman/controllers/status"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// laneWait is how long a cut-off job waits for its channel's lane, after a restart.
const laneWait = time.Second

// ChannelSyncJobReconciler cleans up after the lanes: it supersedes jobs that a crash cut off, and
// deletes finished ones by age and number.
type ChannelSyncJobReconciler struct {
	client.Client
	Runner *channelsync.Runner
	Clock  clock.PassiveClock
	// Admit waits until a record of a namespace may be deleted; nil for at once.
	Admit func(ctx context.Context, namespace string) error
}

// SetupWithManager registers the reconciler, for a part of all namespaces.
func (r *ChannelSyncJobReconciler) SetupWithManager(mgr ctrl.Manager, part shard.Shard) error {
	return ctrl.NewControllerManagedBy(mgr).For(&inventoryv1alpha1.ChannelSyncJob{}).WithEventFilter(part.Predicate()).Complete(r)
}

// Reconcile implements reconcile.Reconciler.
func (r *ChannelSyncJobReconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	job := &inventoryv1alpha1.ChannelSyncJob{}
	if err := r.Get(ctx, req.NamespacedName, job); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	key := client.ObjectKey{Namespace: job.Namespace, Name: job.Spec.ChannelRef.Name}
	ch := &inventoryv1alpha1.Channel{}
	if err := r.Get(ctx, key, ch); err != nil {
		if apierrors.IsNotFound(err) { // whether or not a garbage collector is about
			return ctrl.Result{}, r.delete(ctx, job)
		}
		return ctrl.Result{}, fmt.Errorf("get Channel %s: %w", key.Name, err)
	}
	switch {
	case job.Finished():
		return r.retain(ctx, ch)
	case r.Runner.Recording(req.NamespacedName):
		return ctrl.Result{}, nil // its end is the next event
	default:
		return r.supersede(ctx, key, job)
	}
}

// supersede ends a job that nobody runs, and has its items pushed with their present quantities.
func (r *ChannelSyncJobReconciler) supersede(ctx context.Context, key client.ObjectKey, job *inventoryv1alpha1.ChannelSyncJob) (ctrl.Result, error) {
	units := make([]syncstate.Unit, len(job.Spec.Items))
	for i, it := range job.Spec.Items {
		units[i] = syncstate.Unit{Location: it.LocationName, SKU: it.SKU}
	}
	if !r.Runner.Repush(key, units...) {
		return ctrl.Result{RequeueAfter: laneWait}, nil
	}
	now := metav1.NewMicroTime(r.Clock.Now())
	job.Status.CompletionTime = &now
	generation := job.Generation + 1 // with this update: the kind is written as a whole
	job.Status.ObservedGeneration = &generation
	status.Stalled(inventoryv1alpha1.JobSuperseded, "The run was cut off; a later run pushes the present quantities").
		Apply(&job.Status.Conditions, generation)
	if err := r.Update(ctx, job); client.IgnoreNotFound(err) != nil {
		return ctrl.Result{}, fmt.Errorf("end ChannelSyncJob %s: %w", job.Name, err)
	}
	return ctrl.Result{}, nil
}

// retain deletes finished jobs of a channel that are too old or too many, and returns when the next
// one is too old.
func (r *ChannelSyncJobReconciler) retain(ctx context.Context, ch *inventoryv1alpha1.Channel) (ctrl.Result, error) {
	jobs := &inventoryv1alpha1.ChannelSyncJobList{}
	if err := r.List(ctx, jobs, client.InNamespace(ch.Namespace), client.MatchingFields{byChannel: ch.Name}); err != nil {
		return ctrl.Result{}, fmt.Errorf("list ChannelSyncJobs: %w", err)
	}
	surplus, next := expiredJobs(jobs.Items, ch, r.Clock.Now())
	for _, job := range surplus {
		if err := r.delete(ctx, job); err != nil {
			return ctrl.Result{}, err
		}
	}
	return ctrl.Result{RequeueAfter: next}, nil
}

// expiredJobs returns the finished jobs to delete and the time until the next one expires.
func expiredJobs(jobs []inventoryv1alpha1.ChannelSyncJob, ch *inventoryv1alpha1.Channel, now time.Time) (surplus []*inventoryv1alpha1.ChannelSyncJob, next time.Duration) {
	var finished []*inventoryv1alpha1.ChannelSyncJob
	for i := range jobs {
		if jobs[i].Finished() {
			finished = append(finished, &jobs[i])
		}
	}
	slices.SortFunc(finished, func(a, b *inventoryv1alpha1.ChannelSyncJob) int { // newest first
		return cmp.Or(b.Status.CompletionTime.Compare(a.Status.CompletionTime.Time), cmp.Compare(a.Name, b.Name))
	})
	successful, failed := ch.JobLimits()
	for _, job := range finished {
		left := ch.JobTTL() - now.Sub(job.Status.CompletionTime.Time)
		limit := &failed
		if apimeta.IsStatusConditionTrue(job.Status.Conditions, inventoryv1alpha1.ReadyCondition) {
			limit = &successful
		}
		if left <= 0 || *limit <= 0 {
			surplus = append(surplus, job)
			continue
		}
		*limit--
		if next == 0 || left < next {
			next = left
		}
	}
	return surplus, next
}

func (r *ChannelSyncJobReconciler) delete(ctx context.Context, job *inventoryv1alpha1.ChannelSyncJob) error {
	if r.Admit != nil {
		if err := r.Admit(ctx, job.Namespace); err != nil {
			return err
		}
	}
	if err := r.Delete(ctx, job); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete ChannelSyncJob %s: %w", job.Name, err)
	}
	return nil
}
