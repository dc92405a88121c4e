// Package commit stores accepted quantities as InventoryBatches, by group commit: one create in
// flight for each namespace, and what arrives meanwhile, for whatever locations, goes together into the
// next one. Only large batches of other SKUs, such as the pages of a full feed, do not wait for each other.
//
// A success means that the API server has acknowledged the batch. A create whose outcome is
// unknown is settled before its lane goes on, so that it can never land behind a newer batch.
package commit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Errors that Write returns, besides a refusal by the API server.
var (
	// ErrSaturated means that too much waits to be stored already; nothing was enqueued.
	ErrSaturated = errors.New("too many quantities wait to be stored")
	// ErrLogFull means that the log has no room, because the snapshots do not follow; nothing was enqueued.
	ErrLogFull = errors.New("the log is full: it is not folded as fast as it grows")
	// ErrUnavailable means that the API server could not be reached, does not let this manager in, or
	// did not say whether the batch is stored.
	ErrUnavailable = errors.New("the API server stores nothing at present")
	// ErrKeyReused means that a batch of the name exists that another request has made.
	ErrKeyReused = errors.New("the idempotency key belongs to another request")
)

// Commit is what one request sets for one Client, or a part of it. It is stored as a whole or not at all.
type Commit struct {
	Namespace string
	// RequestID and Sender say where it comes from.
	RequestID string
	Sender    inventoryv1alpha1.BatchSender
	// Stock has each location and pool once, at most MaxBatchStock of them, and takes at most MaxStockBytes. The
	// writer sets the request of each entry.
	Stock []inventoryv1alpha1.LocationStock
	// Name is the batch's name, for a request with an Idempotency-Key; empty otherwise.
	Name string
	// Digest identifies that request's body.
	Digest string
}

// Options of a Writer; zero values stand for the defaults.
type Options struct {
	// Client stores batches; see NewClient.
	Client client.Client
	Clock  clock.WithTickerAndDelayedExecution
	// BatchSKUs is the most SKUs that are committed together.
	BatchSKUs int
	// MaxInFlight is the most creates in flight for a namespace, of disjoint SKUs; those beyond the first
	// have at least ParallelSKUs SKUs.
	MaxInFlight  int
	ParallelSKUs int
	// Patience is how long small batches wait for a create in flight, before they are stored beside it.
	Patience time.Duration
	// MaxLinger bounds how long a create waits for the next batches of many senders that were just answered.
	MaxLinger time.Duration
	// PendingSKUs is the most SKUs that wait to be stored, in all, and PendingBytes the most bytes of JSON that they
	// take; a namespace gets half of both at the most, a location and pool a quarter.
	PendingSKUs, PendingBytes int
	// LogFull tells whether a namespace's log has no room; nil for never.
	LogFull func(namespace string) bool
	// CreateTimeout bounds one create.
	CreateTimeout time.Duration
	// MaxWait is how long a request waits to be stored at the most.
	MaxWait time.Duration
}

// Defaults of Options.
const (
	DefaultBatchSKUs     = 1000
	DefaultMaxInFlight   = 4
	DefaultParallelSKUs  = 256
	DefaultPatience      = 200 * time.Millisecond
	DefaultMaxLinger     = 20 * time.Millisecond
	DefaultPendingSKUs   = 200_000
	DefaultPendingBytes  = 32 << 20 // in memory about as much
	DefaultCreateTimeout = 10 * time.Second
	DefaultMaxWait       = 20 * time.Second
)

// Writer stores commits. It is safe for concurrent use.
type Writer struct {
	opts    Options
	ctx     context.Context //nolint:containedctx // creates outlive the requests that they serve
	stop    context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex
	closed bool             // nothing more is accepted
	lanes  map[string]*lane // by namespace
	budget budget
}

// New makes a writer.
func New(opts Options) *Writer {
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	setDefault(&opts.BatchSKUs, DefaultBatchSKUs)
	setDefault(&opts.MaxInFlight, DefaultMaxInFlight)
	setDefault(&opts.ParallelSKUs, DefaultParallelSKUs)
	setDefault(&opts.Patience, DefaultPatience)
	setDefault(&opts.MaxLinger, DefaultMaxLinger)
	setDefault(&opts.PendingSKUs, DefaultPendingSKUs)
	setDefault(&opts.PendingBytes, DefaultPendingBytes)
	setDefault(&opts.CreateTimeout, DefaultCreateTimeout)
	setDefault(&opts.MaxWait, DefaultMaxWait)
	ctx, stop := context.WithCancel(context.Background())
	return &Writer{
		opts: opts, ctx: ctx, stop: stop, lanes: map[string]*lane{},
		budget: newBudget(size{opts.PendingSKUs, opts.PendingBytes}),
	}
}

func setDefault[T comparable](value *T, fallback T) {
	var zero T
	if *value == zero {
		*value = fallback
	}
}

// Write stores commits and returns an error for each, nil where the API server has acknowledged it.
// When the context ends, what is not stored yet may still be: the quantities must not be changed
// after the call either.
func (w *Writer) Write(ctx context.Context, commits []Commit) []error {
	errs := make([]error, len(commits))
	waiting := make([]*entry, len(commits))
	for i := range commits {
		waiting[i], errs[i] = w.enqueue(&commits[i])
	}
	patience := w.opts.Clock.NewTimer(w.opts.MaxWait)
	defer patience.Stop()
	var gaveUp error
	for i, e := range waiting {
		if e == nil {
			continue
		}
		if gaveUp == nil {
			select {
			case errs[i] = <-e.done:
				continue
			case <-ctx.Done():
				gaveUp = fmt.Errorf("%w: %w", ErrUnavailable, context.Cause(ctx))
			case <-patience.C():
				gaveUp = fmt.Errorf("%w within %s", ErrUnavailable, w.opts.MaxWait)
			}
		}
		errs[i] = w.abandon(e, gaveUp)
	}
	return errs
}

// enqueue adds a commit to its lane, which is started if need be.
func (w *Writer) enqueue(c *Commit) (*entry, error) {
	if w.opts.LogFull != nil && w.opts.LogFull(c.Namespace) {
		logFull.Inc()
		return nil, ErrLogFull
	}
	e := newEntry(c)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil, fmt.Errorf("%w: shutting down", ErrUnavailable)
	}
	if !w.budget.take(e) {
		saturated.Inc()
		return nil, ErrSaturated
	}
	l := w.lanes[c.Namespace]
	if l == nil {
		l = &lane{namespace: c.Namespace}
		w.lanes[c.Namespace] = l
	}
	l.queue = append(l.queue, e)
	l.queued += e.size.skus
	w.pump(l)
	return e, nil
}

// abandon gives up waiting. What has not been taken up yet will not be stored.
func (w *Writer) abandon(e *entry, reason error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case err := <-e.done: // just now
		return err
	default:
	}
	if l := w.lanes[e.commit.Namespace]; l != nil && l.drop(e) {
		w.budget.give(e)
	}
	return reason
}

// Close accepts nothing more, and waits until everything that was accepted is stored, or the
// context ends.
func (w *Writer) Close(ctx context.Context) error {
	w.mu.Lock()
	w.closed = true
	for _, l := range w.lanes { // nobody else comes
		w.pump(l)
	}
	w.mu.Unlock()
	drained := make(chan struct{})
	go func() {
		w.running.Wait()
		close(drained)
	}()
	defer w.stop()
	select {
	case <-drained:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("storing accepted batches: %w", ctx.Err())
	}
}
