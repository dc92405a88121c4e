package channelsync

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/exposure"
)

// errNotLeading is why a call is not made by a process that may have been replaced.
var errNotLeading = channel.NewError(channel.Throttled, "NotLeading", "another replica may lead by now: its quantities are newer")

// errRemoved is why the calls of a channel end that is gone.
var errRemoved = errors.New("the Channel is gone")

// errCutOff is why a call ends that is under way for too long when the process stops.
var errCutOff = errors.New("the process stops")

// caller makes the calls of one run.
type caller struct {
	link      *link
	mode      inventoryv1alpha1.ChannelMode
	namespace uuid.UUID // of idempotency keys
	clock     clock.Clock
	term      *Term
	drain     time.Duration

	mu       sync.Mutex
	succeed  bool           // a call was answered
	failure  *channel.Error // of the first call that failed as a whole: no further ones are made
	timedOut int            // items of the smallest call that ended without an answer in time
	largest  int            // items of the largest call that was answered
}

// call pushes items in as many calls as the connector's limits ask for.
func (c *caller) call(ctx context.Context, items []*item) {
	limits := c.link.connector.Limits()
	limits.BatchSize = c.link.sizes.limit(limits.BatchSize)
	var group errgroup.Group
	group.SetLimit(max(1, limits.MaxParallel))
	for _, b := range batches(items, limits, c.mode) {
		group.Go(func() error {
			c.push(ctx, b)
			return nil // what came of it is in the items
		})
	}
	_ = group.Wait()
}

// teach tells the link what the run has taught.
func (c *caller) teach(ctx context.Context) {
	c.link.sizes.learn(c.timedOut, c.largest)
	switch {
	case c.failure != nil && ctx.Err() == nil:
		c.link.breaker.fail(c.failure)
	case c.succeed:
		c.link.breaker.succeed()
	}
}

// batch is the items of one call.
type batch []*item

// batches divides items by the connector's limits.
func batches(items []*item, limits channel.Limits, mode inventoryv1alpha1.ChannelMode) []batch {
	size := limits.BatchSize
	if size <= 0 {
		size = len(items)
	}
	var groups []batch
	open := map[string]int{} // index of the group of a location that has room
	for _, it := range items {
		location := ""
		if limits.OneLocationPerCall && mode == inventoryv1alpha1.LocationWise {
			location = it.push.LocationCode
		}
		i, ok := open[location]
		if !ok || len(groups[i]) == size {
			i = len(groups)
			open[location] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], it)
	}
	return groups
}

// key identifies a batch in a namespace. It stays the same when the batch is repeated, and changes
// when one of its quantities has changed meanwhile, even if to what it was before.
func (b batch) key(namespace uuid.UUID) string {
	var name []byte
	for _, it := range b {
		name = fmt.Appendf(name, "%q %q %d %d\n", it.push.LocationCode, it.push.SKU, it.push.Quantity, it.Standing.Change)
	}
	return uuid.NewSHA1(namespace, name).String()
}

// push makes one call. Where the channel refuses it because of some item, the halves are tried
// alone, until the culprit is found.
func (c *caller) push(ctx context.Context, b batch) {
	if ctx.Err() != nil || c.failed() {
		return
	}
	result, err := c.send(ctx, b)
	switch {
	case err == nil:
		c.answered(b, result)
	case err.Class == channel.Rejected && len(b) > 1:
		half := len(b) / 2
		c.push(ctx, b[:half])
		c.push(ctx, b[half:])
	case err.Class == channel.Rejected:
		c.answered(b, channel.Result{Failures: map[int]*channel.Error{0: err}})
	default:
		c.fail(err, b)
	}
}

// send makes the call with its own deadline.
func (c *caller) send(ctx context.Context, b batch) (channel.Result, *channel.Error) {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	items := make([]channel.Item, len(b))
	for i, it := range b {
		items[i] = it.push
	}
	if !c.term.held() {
		return channel.Result{}, errNotLeading
	}
	result, err := c.link.connector.Push(ctx, channel.Batch{Mode: c.mode, Items: items, IdempotencyKey: b.key(c.namespace)})
	if err != nil {
		if context.Cause(ctx) == errCutOff { //nolint:errorlint // it is the cause itself
			c.term.soil()
		}
		return channel.Result{}, channel.AsError(err)
	}
	return result, nil
}

// deadline bounds a call. One that is under way when the process stops may go on for a while: it is better
// answered than in doubt.
func (c *caller) deadline(ctx context.Context) (context.Context, context.CancelFunc) {
	call, cut := context.WithCancelCause(context.WithoutCancel(ctx))
	call, cancel := context.WithTimeout(call, c.link.longestCall())
	stop := context.AfterFunc(ctx, func() {
		if cause := context.Cause(ctx); errors.Is(cause, errRemoved) {
			cut(cause)
			return
		}
		if c.drain > 0 {
			select {
			case <-call.Done():
			case <-c.clock.After(c.drain):
			}
		}
		cut(errCutOff)
	})
	return call, func() { stop(); cancel(); cut(nil) }
}

func (c *caller) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure != nil
}

// fail stops the run: what is left would fail likewise.
func (c *caller) fail(err *channel.Error, b batch) {
	if err.Class == channel.Retry { // of the other classes the channel has said that it took nothing
		for _, it := range b {
			it.result = unanswered
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err.Reason == channel.ReasonTimeout && (c.timedOut == 0 || len(b) < c.timedOut) {
		c.timedOut = len(b)
	}
	if c.failure == nil {
		c.failure = err
	}
}

// answered notes the outcome of a call that was answered.
func (c *caller) answered(b batch, result channel.Result) {
	c.mu.Lock()
	c.succeed = true
	c.largest = max(c.largest, len(b))
	c.mu.Unlock()
	for i, it := range b {
		it.result = confirmed
		if err := result.Failures[i]; err != nil && !it.needless(err) {
			it.result, it.err = failed, err
		}
	}
}

// needless reports whether a failure does not matter: the channel was to sell none of a SKU that it does
// not have.
func (it *item) needless(err *channel.Error) bool {
	return it.rule == exposure.UnselectedRule && err.Class == channel.Unmapped
}
