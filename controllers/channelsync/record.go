package channelsync

import (
	"fmt"
	"slices"
	"time"

	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	utilrand "k8s.io/apimachinery/pkg/util/rand"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/syncstate"
)

const (
	// maxRecordFailures is how many failed items a record lists.
	maxRecordFailures = 20

	// maxRecordBytes bounds the items of a record, as JSON. What has no room is counted only.
	maxRecordBytes = 256 << 10

	// itemOverhead is what an item takes as JSON besides its names, at the most; escaped is how much a byte of a
	// SKU may grow.
	itemOverhead = 80
	escaped      = 6
)

// told is what became of a unit, as the last run of a record that had it says.
type told struct {
	quantity int64
	state    inventoryv1alpha1.SyncState
	failure  *inventoryv1alpha1.ItemFailure // nil where the channel confirmed, or no call told
}

// record is a ChannelSyncJob to be. It is guarded by the recorder's lock.
type record struct {
	channel  types.NamespacedName
	owner    metav1.OwnerReference
	name     string
	mode     inventoryv1alpha1.ChannelMode
	began    time.Time
	ended    time.Time
	runs     int32
	units    map[syncstate.Unit]told
	order    []syncstate.Unit
	bytes    int
	problem  string // what the last call that failed as a whole said
	finished bool
	merged   bool   // into another record
	begun    bool   // it has an object, or is about to: nothing is merged into it any more
	left     bool   // it is a window that has no room any more
	written  bool   // the object says all
	revision string // of the object; empty where there is none
	writing  bool   // somebody writes the object
	again    bool   // somebody else wanted to
}

func newRecord(ch *inventoryv1alpha1.Channel, mode inventoryv1alpha1.ChannelMode, items []*item, now time.Time) *record {
	r := &record{
		channel: client.ObjectKeyFromObject(ch),
		owner:   *metav1.NewControllerRef(ch, inventoryv1alpha1.GroupVersion.WithKind("Channel")),
		name:    jobName(ch.Name), mode: mode, began: now, runs: 1, units: make(map[syncstate.Unit]told, len(items)),
	}
	for _, it := range items {
		r.add(it.Unit, told{quantity: it.push.Quantity, state: inventoryv1alpha1.SyncPending})
	}
	return r
}

// jobName makes a name that is unique and valid whatever the channel is called.
func jobName(channel string) string {
	const longest = 240 // leaves room for the suffix within the 253 characters of a name
	return channel[:min(len(channel), longest)] + "-" + utilrand.String(10)
}

func (r *record) add(u syncstate.Unit, t told) {
	if _, known := r.units[u]; !known {
		r.order = append(r.order, u)
		r.bytes += itemBytes(u)
	}
	r.units[u] = t
}

func itemBytes(u syncstate.Unit) int { return itemOverhead + len(u.Location) + escaped*len(u.SKU) }

// finish notes what came of the run.
func (r *record) finish(items []*item, failure *channel.Error, now time.Time) {
	for _, it := range items {
		t := told{quantity: it.push.Quantity, state: inventoryv1alpha1.SyncPending}
		switch it.result {
		case confirmed:
			t.state = inventoryv1alpha1.SyncSynced
		case failed:
			t.state = stateOf(it.err)
			t.failure = &inventoryv1alpha1.ItemFailure{
				SKU: it.Unit.SKU, LocationName: it.Unit.Location, Reason: string(it.err.Reason), Message: it.err.Message,
			}
		}
		r.add(it.Unit, t)
	}
	if failure != nil {
		r.problem = failure.Message
	}
	r.ended, r.finished = now, true
}

// stateOf tells what the channel refused from what is tried again.
func stateOf(err *channel.Error) inventoryv1alpha1.SyncState {
	switch err.Class {
	case channel.Rejected, channel.Terminal, channel.Unmapped:
		return inventoryv1alpha1.SyncFailed
	}
	return inventoryv1alpha1.SyncRetrying
}

// failed reports whether anything was not confirmed.
func (r *record) failed() bool {
	for _, t := range r.units {
		if t.state != inventoryv1alpha1.SyncSynced {
			return true
		}
	}
	return false
}

// merge takes in what another one says, which is later, and reports whether it has room for it.
func (r *record) merge(o *record) bool {
	if r.begun || o.mode != r.mode || o.owner.UID != r.owner.UID || len(r.units)+len(o.units) > inventoryv1alpha1.MaxJobItems || r.bytes+o.bytes > maxRecordBytes {
		return false
	}
	for _, u := range o.order {
		r.add(u, o.units[u])
	}
	r.runs += o.runs
	r.ended, r.problem, o.merged = o.ended, o.problem, true
	return true
}

// job returns the object as the record has it.
func (r *record) job() *inventoryv1alpha1.ChannelSyncJob {
	job := &inventoryv1alpha1.ChannelSyncJob{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.channel.Namespace, Name: r.name, ResourceVersion: r.revision,
			OwnerReferences: []metav1.OwnerReference{r.owner},
		},
		Spec: inventoryv1alpha1.ChannelSyncJobSpec{
			ChannelRef: inventoryv1alpha1.NameRef{Name: r.channel.Name}, Mode: r.mode, Items: r.items(),
		},
	}
	// A record that is written at its end has the first generation; one that was there during its run has the second.
	generation := int64(1)
	if r.revision != "" {
		generation++
	}
	status := &job.Status
	status.ObservedGeneration, status.StartTime = &generation, &metav1.MicroTime{Time: r.began}
	if !r.finished {
		progress := metav1.Condition{
			Type: inventoryv1alpha1.ReadyCondition, Status: metav1.ConditionFalse, Reason: inventoryv1alpha1.JobRunning,
			Message: fmt.Sprintf("Being told to the channel: %d", len(r.units)), ObservedGeneration: generation,
		}
		apimeta.SetStatusCondition(&status.Conditions, progress)
		progress.Type, progress.Status = inventoryv1alpha1.ReconcilingCondition, metav1.ConditionTrue
		apimeta.SetStatusCondition(&status.Conditions, progress)
		return job
	}
	r.tell(status, generation)
	return job
}

// observe sets the generation that an object's status speaks of.
func observe(job *inventoryv1alpha1.ChannelSyncJob, generation int64) {
	job.Status.ObservedGeneration = &generation
	for i := range job.Status.Conditions {
		job.Status.Conditions[i].ObservedGeneration = generation
	}
}

// items returns as many of the items as there is room for.
func (r *record) items() []inventoryv1alpha1.SyncItem {
	bytes := 0
	items := make([]inventoryv1alpha1.SyncItem, 0, len(r.order))
	for _, u := range r.order {
		if bytes += itemBytes(u); bytes > maxRecordBytes || len(items) == inventoryv1alpha1.MaxJobItems {
			break
		}
		items = append(items, inventoryv1alpha1.SyncItem{SKU: u.SKU, LocationName: u.Location, Quantity: r.units[u].quantity})
	}
	return items
}

// tell fills in what came of the runs.
func (r *record) tell(status *inventoryv1alpha1.ChannelSyncJobStatus, generation int64) {
	var synced, retry, refused int32
	for _, u := range r.order {
		t := r.units[u]
		switch t.state {
		case inventoryv1alpha1.SyncSynced:
			synced++
		case inventoryv1alpha1.SyncFailed:
			refused++
		default:
			retry++
		}
		if t.failure != nil && len(status.Failures) < maxRecordFailures {
			status.Failures = append(status.Failures, *t.failure)
		}
	}
	status.SyncedCount, status.RetryCount, status.FailedCount, status.RunCount = &synced, &retry, &refused, &r.runs
	status.CompletionTime = &metav1.MicroTime{Time: r.ended}
	ready := summary(synced, retry, refused, r.problem)
	ready.ObservedGeneration, ready.LastTransitionTime = generation, metav1.NewTime(r.ended)
	status.Conditions = []metav1.Condition{ready}
	if ready.Status != metav1.ConditionTrue { // stalled in the sense of kstatus: these runs are over
		ready.Type, ready.Status = inventoryv1alpha1.StalledCondition, metav1.ConditionTrue
		status.Conditions = append(slices.Clip(status.Conditions), ready)
	}
}

// summary is the condition Ready of finished runs.
func summary(synced, retry, refused int32, problem string) metav1.Condition {
	c := metav1.Condition{Type: inventoryv1alpha1.ReadyCondition}
	switch {
	case retry+refused == 0:
		c.Status, c.Reason = metav1.ConditionTrue, inventoryv1alpha1.JobSucceeded
		c.Message = fmt.Sprintf("Confirmed by the channel: %d", synced)
		return c
	case synced > 0:
		c.Status, c.Reason = metav1.ConditionFalse, inventoryv1alpha1.JobPartiallyFailed
	default:
		c.Status, c.Reason = metav1.ConditionFalse, inventoryv1alpha1.JobFailed
	}
	c.Message = fmt.Sprintf("Confirmed by the channel: %d; refused: %d; to be tried again: %d", synced, refused, retry)
	if problem != "" {
		c.Message += ": " + problem
	}
	return c
}
