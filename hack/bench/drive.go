package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
)

// outcome is what the senders of a round saw.
type outcome struct {
	elapsed       time.Duration // from the first send to the last answer
	batches, skus int64
	latency       *latencies // from when a batch was due to its answer
}

// driver has senders send a round's batches to a target.
type driver struct {
	clock  clock.WithTicker
	target target
	// sending is told of every batch before it is sent, with the time at which it was due; nil for nobody.
	sending func(batch, time.Time)
}

// run sends until the generator has no more.
func (d *driver) run(ctx context.Context, l *Load, g *generator) (outcome, error) {
	began := d.clock.Now()
	due := (<-chan time.Time)(nil)
	group, ctx := errgroup.WithContext(ctx)
	if l.BatchesPerSecond > 0 {
		ch := make(chan time.Time)
		due = ch
		group.Go(func() error { return d.pace(ctx, l, began, ch) })
	}
	seen := make([]outcome, l.Senders)
	for sender := range l.Senders {
		seen[sender].latency = newLatencies()
		group.Go(func() error { return d.sender(ctx, g, sender, due, &seen[sender]) })
	}
	if err := group.Wait(); err != nil {
		return outcome{}, fmt.Errorf("send batches: %w", err)
	}
	all := outcome{elapsed: d.clock.Since(began), latency: newLatencies()}
	for _, one := range seen {
		all.batches += one.batches
		all.skus += one.skus
		all.latency.merge(one.latency)
	}
	return all, nil
}

// pace says when batches are due. The times are those of an ideal clockwork, however late senders are: a
// batch that had to wait for a sender is as late for its receiver.
func (d *driver) pace(ctx context.Context, l *Load, began time.Time, due chan<- time.Time) error {
	defer close(due)
	limiter := rate.NewLimiter(rate.Limit(l.BatchesPerSecond), 1)
	for range l.total() {
		at := began.Add(limiter.ReserveN(began, 1).DelayFrom(began))
		if wait := at.Sub(d.clock.Now()); wait > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-d.clock.After(wait):
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case due <- at:
		}
	}
	return nil
}

// sender sends batches one after the other: when they are due, or at once where due is nil.
func (d *driver) sender(ctx context.Context, g *generator, n int, due <-chan time.Time, seen *outcome) error {
	for {
		at := time.Time{}
		if due != nil {
			var open bool
			if at, open = <-due; !open {
				return ctx.Err()
			}
		}
		b, ok := g.batch(n)
		if !ok {
			return nil
		}
		if due == nil {
			at = d.clock.Now()
		}
		if d.sending != nil {
			d.sending(b, at)
		}
		if err := d.target.send(ctx, b); err != nil {
			return err
		}
		seen.latency.add(d.clock.Since(at))
		seen.batches++
		seen.skus += int64(len(b.skus))
	}
}
