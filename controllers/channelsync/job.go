package channelsync

import (
	"context"
	"fmt"
	"strconv"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilrand "k8s.io/apimachinery/pkg/util/rand"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// maxJobFailures is how many failed items a job's status lists.
const maxJobFailures = 20

// createJob stores what is about to be pushed, and gives the items the job's revision. A channel has one
// job at a time, whose items were frozen before it was stored: the revisions of etcd, which compare as
// integers since Kubernetes 1.35, order jobs as their quantities are.
func (l *lane) createJob(ctx context.Context, items []*item) (*inventoryv1alpha1.ChannelSyncJob, error) {
	l.mu.Lock()
	ch, mode := l.config.Channel, l.config.mode()
	l.job = jobName(l.key.Name) // before it can be seen: a job that nobody runs is superseded
	name := l.job
	l.mu.Unlock()
	job := &inventoryv1alpha1.ChannelSyncJob{
		ObjectMeta: metav1.ObjectMeta{
			Namespace:       l.key.Namespace,
			Name:            name,
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(ch, inventoryv1alpha1.GroupVersion.WithKind("Channel"))},
		},
		Spec: inventoryv1alpha1.ChannelSyncJobSpec{
			ChannelRef: inventoryv1alpha1.NameRef{Name: l.key.Name},
			Mode:       mode,
			Items:      make([]inventoryv1alpha1.SyncItem, len(items)),
		},
	}
	for i, it := range items {
		job.Spec.Items[i] = inventoryv1alpha1.SyncItem{SKU: it.unit.sku, LocationName: it.unit.location, Quantity: it.push.Quantity}
	}
	if err := l.client.Create(ctx, job); err != nil {
		return nil, fmt.Errorf("create ChannelSyncJob: %w", err)
	}
	revision, err := strconv.ParseUint(job.ResourceVersion, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("ChannelSyncJob %s: the API server's resourceVersion is no number: %w", name, err)
	}
	for _, it := range items {
		it.push.Revision = revision
	}
	return job, nil
}

// jobName makes a name that is unique and valid whatever the channel is called.
func jobName(channel string) string {
	const longest = 240 // leaves room for the suffix within the 253 characters of a name
	return channel[:min(len(channel), longest)] + "-" + utilrand.String(10)
}

// finishJob stores the outcome.
func (l *lane) finishJob(ctx context.Context, job *inventoryv1alpha1.ChannelSyncJob, items []*item) error {
	var synced, retry, refused int32
	status := &job.Status
	status.Failures = nil
	for _, it := range items {
		if it.outcome == confirmed {
			synced++
			continue
		}
		state, reason, message := l.outcomeOf(it)
		if state == inventoryv1alpha1.SyncFailed {
			refused++
		} else {
			retry++
		}
		if reason != "" && len(status.Failures) < maxJobFailures {
			status.Failures = append(status.Failures, inventoryv1alpha1.ItemFailure{
				SKU: it.unit.sku, LocationName: it.unit.location, Reason: reason, Message: message,
			})
		}
	}
	now := metav1.NewMicroTime(l.clock.Now())
	status.CompletionTime = &now
	status.StartTime = &metav1.MicroTime{Time: job.CreationTimestamp.Time}
	status.ObservedGeneration = &job.Generation
	status.SyncedCount, status.RetryCount, status.FailedCount = &synced, &retry, &refused
	setOutcome(job, l.verdict(synced, retry, refused), now.Time)
	if err := l.client.Status().Update(ctx, job); err != nil {
		return fmt.Errorf("update status of ChannelSyncJob %s: %w", job.Name, err)
	}
	return nil
}

// outcomeOf says where an item that was not confirmed ended.
func (l *lane) outcomeOf(it *item) (state inventoryv1alpha1.SyncState, reason, message string) {
	if it.err == nil {
		return inventoryv1alpha1.SyncPending, "", ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.standings[it.unit]
	if s == nil {
		s = &standing{state: inventoryv1alpha1.SyncPending}
	}
	return s.state, it.err.Reason, it.err.Message
}

// verdict summarizes a job.
func (l *lane) verdict(synced, retry, refused int32) metav1.Condition {
	c := metav1.Condition{Type: inventoryv1alpha1.ReadyCondition}
	switch {
	case retry+refused == 0:
		c.Status, c.Reason = metav1.ConditionTrue, inventoryv1alpha1.JobSucceeded
		c.Message = "The channel confirmed every item"
		return c
	case synced > 0:
		c.Status, c.Reason = metav1.ConditionFalse, inventoryv1alpha1.JobPartiallyFailed
	default:
		c.Status, c.Reason = metav1.ConditionFalse, inventoryv1alpha1.JobFailed
	}
	c.Message = fmt.Sprintf("Items that the channel confirmed: %d; that it refused: %d; that are tried again: %d", synced, refused, retry)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.gate.lastError; err != nil {
		c.Message += ": " + err.Message
	}
	return c
}

// setOutcome sets the conditions of a finished job. One that did not succeed is stalled in the
// sense of kstatus: this job is never run again.
func setOutcome(job *inventoryv1alpha1.ChannelSyncJob, ready metav1.Condition, now time.Time) {
	ready.ObservedGeneration = job.Generation
	ready.LastTransitionTime = metav1.NewTime(now)
	apimeta.SetStatusCondition(&job.Status.Conditions, ready)
	if ready.Status == metav1.ConditionTrue {
		return
	}
	ready.Type, ready.Status = inventoryv1alpha1.StalledCondition, metav1.ConditionTrue
	apimeta.SetStatusCondition(&job.Status.Conditions, ready)
}
