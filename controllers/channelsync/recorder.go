package channelsync

import (
	"context"
	"fmt"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// longRun is how long a run lasts that has its object while it is under way.
	longRun = 2 * time.Second

	// recordWorkers is how many records are written at once.
	recordWorkers = 2

	// recordFlush bounds what is written of open records when the process stops.
	recordFlush = 3 * time.Second

	// maxFull is how many full windows of a channel wait to be written; what comes then is not recorded.
	maxFull = 4

	// recordRetryMin and recordRetryMax bound the pause after a write that failed; recordAttempts is how
	// often it is repeated.
	recordRetryMin = time.Second
	recordRetryMax = time.Minute
	recordAttempts = 5
)

// recorder writes ChannelSyncJobs: what channels were told, within a window each. A run that lasts has its
// object while it is under way; one that failed has it at once, unless the channel had another one within the window.
// Nothing waits for a record, and one that cannot be written is given up: no state depends on it.
type recorder struct {
	client client.Client
	clock  clock.WithTicker
	window time.Duration
	admit  func(ctx context.Context, namespace string) error
	queue  workqueue.TypedRateLimitingInterface[due]

	mu      sync.Mutex
	open    map[types.NamespacedName]*record   // the window of each channel
	full    map[types.NamespacedName]int       // windows that have no room any more and wait to be written
	flushed map[types.NamespacedName]time.Time // when a channel last had a record written early
	running map[types.NamespacedName]struct{}  // stored records of runs that are under way
}

// due is a record that is to be looked at.
type due struct {
	*record
	lasts bool // because its run may last
}

func newRecorder(opts Options) *recorder {
	admit := opts.Admit
	if admit == nil {
		admit = func(context.Context, string) error { return nil }
	}
	return &recorder{
		client: opts.Client, clock: opts.Clock, window: opts.Limits.RecordWindow, admit: admit,
		queue: workqueue.NewTypedRateLimitingQueueWithConfig(
			workqueue.NewTypedItemExponentialFailureRateLimiter[due](recordRetryMin, recordRetryMax),
			workqueue.TypedRateLimitingQueueConfig[due]{Clock: opts.Clock}),
		open: map[types.NamespacedName]*record{}, full: map[types.NamespacedName]int{},
		flushed: map[types.NamespacedName]time.Time{}, running: map[types.NamespacedName]struct{}{},
	}
}

// run writes records until the context ends.
func (r *recorder) run(ctx context.Context) {
	var workers sync.WaitGroup
	for range recordWorkers {
		workers.Go(func() {
			for {
				d, shutdown := r.queue.Get()
				if shutdown {
					return
				}
				r.work(ctx, d)
			}
		})
	}
	<-ctx.Done()
	r.queue.ShutDown()
	workers.Wait()
	r.flush(context.WithoutCancel(ctx))
}

// begin notes that a run begins.
func (r *recorder) begin(ch *inventoryv1alpha1.Channel, mode inventoryv1alpha1.ChannelMode, items []*item) *record {
	rec := newRecord(ch, mode, items, r.clock.Now())
	r.queue.AddAfter(due{rec, true}, longRun)
	return rec
}

// end notes what came of a run. Where it has no object yet, it becomes part of the channel's window.
func (r *recorder) end(rec *record, items []*item, failure *channel.Error) {
	now := r.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	rec.finish(items, failure, now)
	if rec.begun {
		r.queue.Add(due{record: rec})
		return
	}
	key := rec.channel
	window := r.open[key]
	switch {
	case window != nil && window.merge(rec):
	case window != nil && r.full[key] >= maxFull:
		recordsDropped.Inc()
		return
	default:
		if window != nil { // it is full
			r.full[key]++
			window.left = true
			r.queue.Add(due{record: window})
		}
		r.open[key], window = rec, rec
		r.queue.AddAfter(due{record: rec}, r.window)
	}
	if window.failed() && now.Sub(r.flushed[key]) >= r.window {
		r.flushed[key] = now
		r.queue.Add(due{record: window})
	}
}

// forget drops what is remembered of a channel that is gone.
func (r *recorder) forget(channel types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, channel)
	delete(r.full, channel)
	delete(r.flushed, channel)
}

// underWay reports whether a stored record is of a run that is under way in this process.
func (r *recorder) underWay(job types.NamespacedName) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, running := r.running[job]
	return running
}

// work writes a record where it has something to say that is not stored.
func (r *recorder) work(ctx context.Context, d due) {
	defer r.queue.Done(d)
	if !r.wanted(d) {
		r.queue.Forget(d)
		return
	}
	err := r.admit(ctx, d.channel.Namespace)
	if err == nil { // meanwhile, a window takes in more
		err = r.write(ctx, d)
	}
	if err == nil || ctx.Err() != nil || r.queue.NumRequeues(d) >= recordAttempts {
		r.queue.Forget(d)
	} else {
		r.queue.AddRateLimited(d)
	}
	if err != nil && ctx.Err() == nil {
		recordErrors.Inc()
		log.FromContext(ctx).Error(err, "Cannot record what a channel was told", "channel", d.channel)
	}
}

// wanted reports whether there is anything to write.
func (r *recorder) wanted(d due) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !d.merged && !d.written && (!d.lasts || !d.finished)
}

// claim closes the window that a record is, and returns the object as it is to be; nil where nothing is to be written.
func (r *recorder) claim(d due) (job *inventoryv1alpha1.ChannelSyncJob, finished bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.merged || d.written || d.lasts && d.finished && !d.begun {
		return nil, false
	}
	if d.writing { // by somebody else, who will look again
		d.again = true
		return nil, false
	}
	d.writing = true
	if r.open[d.channel] == d.record {
		delete(r.open, d.channel)
	}
	d.begun = true
	job = d.job()
	if !d.finished {
		r.running[client.ObjectKeyFromObject(job)] = struct{}{} // before it can be seen: one that nobody runs is superseded
	}
	return job, d.finished
}

// write brings the object of a record to what it says.
func (r *recorder) write(ctx context.Context, d due) error {
	job, finished := r.claim(d)
	if job == nil {
		return nil
	}
	err := r.put(ctx, job)
	r.mu.Lock()
	defer r.mu.Unlock()
	if d.writing = false; d.again {
		d.again = false
		r.queue.Add(due{record: d.record})
	}
	if finished {
		delete(r.running, client.ObjectKeyFromObject(job))
	}
	if err != nil {
		return fmt.Errorf("write ChannelSyncJob %s: %w", job.Name, err)
	}
	d.revision, d.written = job.ResourceVersion, finished
	if finished && d.left {
		r.full[d.channel]--
	}
	return nil
}

// put creates or updates an object.
func (r *recorder) put(ctx context.Context, job *inventoryv1alpha1.ChannelSyncJob) error {
	if job.ResourceVersion != "" {
		return client.IgnoreNotFound(r.client.Update(ctx, job)) // somebody may have deleted it
	}
	err := r.client.Create(ctx, job)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	// An attempt whose outcome was not known: what it stored may be older.
	stored := &inventoryv1alpha1.ChannelSyncJob{}
	if err := r.client.Get(ctx, client.ObjectKeyFromObject(job), stored); err != nil {
		return err
	}
	job.ResourceVersion = stored.ResourceVersion
	generation := stored.Generation + 1
	observe(job, generation)
	return r.client.Update(ctx, job)
}

// flush writes open records when the process stops, as far as that goes.
func (r *recorder) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, recordFlush)
	defer cancel()
	r.mu.Lock()
	var left []*record
	for _, rec := range r.open {
		left = append(left, rec)
	}
	r.mu.Unlock()
	for _, rec := range left {
		if ctx.Err() != nil {
			return
		}
		if err := r.write(ctx, due{record: rec}); err != nil {
			log.FromContext(ctx).Error(err, "Cannot record what a channel was told", "channel", rec.channel)
		}
	}
}
