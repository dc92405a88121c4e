package channelsync

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/exposure"
)

// caller makes the calls of one job.
type caller struct {
	connector channel.Connector
	mode      inventoryv1alpha1.ChannelMode
	timeout   time.Duration
	namespace uuid.UUID // of idempotency keys
	held      func() bool

	mu       sync.Mutex
	succeed  bool           // a call was answered
	failure  *channel.Error // of the first call that failed as a whole: no further ones are made
	timedOut int            // items of the smallest call that ended without an answer in time
	largest  int            // items of the largest call that was answered
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
		name = fmt.Appendf(name, "%q %q %d %d\n", it.push.LocationCode, it.push.SKU, it.push.Quantity, it.standing.change)
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
		c.fail(err, len(b))
	}
}

// send makes the call with its own deadline.
func (c *caller) send(ctx context.Context, b batch) (channel.Result, *channel.Error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	items := make([]channel.Item, len(b))
	for i, it := range b {
		items[i] = it.push
	}
	if c.held != nil && !c.held() {
		return channel.Result{}, channel.NewError(channel.Retry, "NotLeading", "another replica may lead by now: its quantities are newer")
	}
	result, err := c.connector.Push(ctx, channel.Batch{Mode: c.mode, Items: items, IdempotencyKey: b.key(c.namespace)})
	if err != nil {
		return channel.Result{}, channel.AsError(err)
	}
	return result, nil
}

func (c *caller) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure != nil
}

// fail stops the job: what is left would fail likewise.
func (c *caller) fail(err *channel.Error, items int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err.Reason == channel.TimeoutReason && (c.timedOut == 0 || items < c.timedOut) {
		c.timedOut = items
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
		it.outcome = confirmed
		if err := result.Failures[i]; err != nil && !it.needless(err) {
			it.outcome, it.err = failed, err
		}
	}
}

// needless tells whether a failure does not matter: the channel was to sell none of a SKU that it does
// not have.
func (it *item) needless(err *channel.Error) bool {
	return it.rule == exposure.UnselectedRule && err.Class == channel.Unmapped
}

// describe says how an item that failed is reported.
func describe(err *channel.Error, attempts int32) (reason, message string) {
	message = err.Message
	if attempts > 0 {
		message = fmt.Sprintf("gave up at attempt %d: %s", attempts, message)
	}
	return err.Reason, message
}
