package channelsync

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// itemBackoff is the first pause before a single SKU is tried again; it doubles up to itemBackoffMax.
	itemBackoff    = 5 * time.Second
	itemBackoffMax = 10 * time.Minute

	// callBackoff is the first pause after a call that failed as a whole; it doubles up to callBackoffMax.
	callBackoff    = time.Second
	callBackoffMax = 5 * time.Minute

	// unmappedPause is how long a SKU rests that the channel cannot identify: people have to create or
	// rename something.
	unmappedPause = 15 * time.Minute

	// backoffJitter spreads pauses, so that what failed together is not tried together.
	backoffJitter = 0.2
)

// item is one quantity of a job, with what became of it.
type item struct {
	unit     unit
	standing *standing // when it was frozen
	push     channel.Item
	rule     string // of exposure that made the quantity; empty for all there is
	outcome  outcome
	err      *channel.Error
}

type outcome int

const (
	notAttempted outcome = iota // no call was made, or the call failed as a whole
	confirmed
	failed // err says why
)

// parked tells whether nothing is to be pushed: the channel refused the SKU.
func (s *standing) parked(now time.Time) bool {
	return s.state == inventoryv1alpha1.SyncFailed && (s.next.IsZero() || s.next.After(now))
}

// push runs one job over units and puts them back where they are not in step.
func (l *lane) push(ctx context.Context, units []unit) {
	items := l.freeze(units)
	if len(items) > 0 {
		l.runJob(ctx, items)
	}
	for _, u := range units {
		l.queue.Done(u)
	}
	l.afterRun(ctx, items)
}

// runJob stores the job, makes its calls and records their outcome.
func (l *lane) runJob(ctx context.Context, items []*item) {
	job, err := l.createJob(ctx, items)
	if err != nil {
		if ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Cannot store a ChannelSyncJob, will retry", "channel", l.key)
			l.failCalls(channel.AsError(err))
		}
		return
	}
	l.call(ctx, items)
	l.record(items)
	if err := l.finishJob(ctx, job, items); err != nil && ctx.Err() == nil {
		log.FromContext(ctx).Error(err, "Cannot store the outcome of a ChannelSyncJob", "channel", l.key, "job", job.Name)
	}
}

// call pushes the items in as many calls as the connector's limits ask for.
func (l *lane) call(ctx context.Context, items []*item) {
	l.mu.Lock()
	ch := l.config.Channel
	limits := l.connector.Limits()
	limits.BatchSize = l.sizes.limit(limits.BatchSize)
	c := &caller{
		connector: l.connector, mode: l.config.mode(), namespace: l.namespace, held: l.held,
		timeout: max(ch.Timeout(), min(limits.Patience, channel.MaxPatience)),
	}
	l.mu.Unlock()
	var group errgroup.Group
	group.SetLimit(max(1, limits.MaxParallel))
	for _, b := range batches(items, limits, c.mode) {
		group.Go(func() error {
			c.push(ctx, b)
			return nil // outcomes are in the items
		})
	}
	_ = group.Wait()
	l.mu.Lock()
	l.sizes.learn(c.timedOut, c.largest)
	l.mu.Unlock()
	switch {
	case c.failure != nil && ctx.Err() == nil:
		l.failCalls(c.failure)
	case c.succeed:
		l.openGate()
	}
}

// openGate notes that the channel answers.
func (l *lane) openGate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gate.failures, l.gate.lastError, l.gate.until = 0, nil, time.Time{}
}

// afterRun ends a job: what was not attempted goes back to the queue.
func (l *lane) afterRun(_ context.Context, items []*item) {
	l.mu.Lock()
	l.lastRun = l.clock.Now()
	for _, it := range items {
		if s := l.standings[it.unit]; s != nil && s == it.standing && it.outcome == notAttempted {
			l.queue.Add(it.unit)
		}
	}
	l.mu.Unlock()
	l.changed()
}

// failCalls closes the gate after a call that failed as a whole.
func (l *lane) failCalls(err *channel.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gate.failures++
	l.gate.lastError = err
	switch err.Class {
	case channel.Unauthorized, channel.Terminal:
		l.gate.blocked = err
	default:
		pause := max(err.RetryAfter, backoff(callBackoff, callBackoffMax, l.gate.failures))
		l.gate.until = l.clock.Now().Add(pause)
	}
}

// backoff returns the pause before attempt n+1, with jitter.
func backoff(first, most time.Duration, n int32) time.Duration {
	pause := first
	for ; n > 1 && pause < most; n-- {
		pause *= 2
	}
	return wait.Jitter(min(pause, most), backoffJitter)
}
