package channelsync

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// caller makes the calls of one job.
type caller struct {
	connector channel.Connector
	clock     clock.WithTicker
	limiter   *rate.Limiter
	mode      inventoryv1alpha1.ChannelMode
	timeout   time.Duration

	mu      sync.Mutex
	succeed bool           // a call was answered
	failure *channel.Error // of the first call that failed as a whole: no further ones are made
}

// batch is the items of one call.
type batch struct {
	key   string // idempotency key
	items []*item
}

// batches divides items by the connector's limits.
func batches(job string, items []*item, limits channel.Limits, mode inventoryv1alpha1.ChannelMode) []batch {
	size := limits.BatchSize
	if size <= 0 {
		size = len(items)
	}
	var groups [][]*item
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
	out := make([]batch, len(groups))
	for i, group := range groups {
		out[i] = batch{key: job + "-" + strconv.Itoa(i), items: group}
	}
	return out
}

// push makes one call. Where the channel refuses it because of some item, the halves are tried
// alone, until the culprit is found.
func (c *caller) push(ctx context.Context, b batch) {
	if !c.admit(ctx) {
		return
	}
	result, err := c.send(ctx, b)
	switch {
	case err == nil:
		c.answered(b, result)
	case err.Class == channel.Rejected && len(b.items) > 1:
		half := len(b.items) / 2
		c.push(ctx, batch{b.key + "a", b.items[:half]})
		c.push(ctx, batch{b.key + "b", b.items[half:]})
	case err.Class == channel.Rejected:
		c.answered(b, channel.Result{Failures: map[int]*channel.Error{0: err}})
	default:
		c.fail(err)
	}
}

// send makes the call with its own deadline.
func (c *caller) send(ctx context.Context, b batch) (channel.Result, *channel.Error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	items := make([]channel.Item, len(b.items))
	for i, it := range b.items {
		items[i] = it.push
	}
	result, err := c.connector.Push(ctx, channel.Batch{Mode: c.mode, Items: items, IdempotencyKey: b.key})
	if err != nil {
		return channel.Result{}, channel.AsError(err)
	}
	return result, nil
}

// admit waits for the rate limit. It tells whether the call may still be made.
func (c *caller) admit(ctx context.Context) bool {
	if c.failed() {
		return false
	}
	now := c.clock.Now()
	reservation := c.limiter.ReserveN(now, 1)
	if wait := reservation.DelayFrom(now); wait > 0 {
		select {
		case <-ctx.Done():
			return false
		case <-c.clock.After(wait):
		}
	}
	return ctx.Err() == nil && !c.failed()
}

func (c *caller) failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure != nil
}

// fail stops the job: what is left would fail likewise.
func (c *caller) fail(err *channel.Error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = err
	}
}

// answered notes the outcome of a call that was answered.
func (c *caller) answered(b batch, result channel.Result) {
	c.mu.Lock()
	c.succeed = true
	c.mu.Unlock()
	for i, it := range b.items {
		it.outcome = confirmed
		if err := result.Failures[i]; err != nil {
			it.outcome, it.err = failed, err
		}
	}
}

// describe says how an item that failed is reported.
func describe(err *channel.Error, attempts int32) (reason, message string) {
	message = err.Message
	if attempts > 0 {
		message = fmt.Sprintf("gave up after %d attempts: %s", attempts, message)
	}
	return err.Reason, message
}
