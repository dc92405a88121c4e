// Package budget shares out the writes to the API server that nobody waits for: snapshots, records of what channels were
// told, and the deletion of those. At the rates of real tenants a write costs milliseconds of processor time, and
// what is written in the background must not slow down what senders are promised.
//
// Outside of the budget are writes that something waits for: InventoryBatches, statuses, epochs, finalizers, the Lease; and the
// deletion of InventoryBatches, of which there are as many as were created.
package budget

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"
)

// Kind is what is to be written.
type Kind int

const (
	// Snapshot is an InventorySnapshot: it gets at least half of the budget, and all of it where the log grows.
	Snapshot Kind = iota
	// Record is a ChannelSyncJob, or its deletion.
	Record

	kinds
)

// Budget is a token bucket of writes, fair between kinds and tenants. It is safe for concurrent use.
type Budget struct {
	limiter *rate.Limiter
	clock   clock.Clock
	pressed func() bool

	mu       sync.Mutex
	waiting  [kinds]line
	granted  Kind // the last one that was granted
	granting bool // somebody grants what is waited for
}

// New returns a budget of so many writes a second. Pressed reports whether the log grows, so that
// only snapshots are to be written; nil for never.
func New(perSecond float64, pressed func() bool, c clock.Clock) *Budget {
	if pressed == nil {
		pressed = func() bool { return false }
	}
	return &Budget{
		limiter: rate.NewLimiter(rate.Limit(perSecond), max(1, int(perSecond))), clock: c, pressed: pressed,
		waiting: [kinds]line{newLine(), newLine()},
	}
}

// Wait waits for a write of a tenant, by its namespace. It fails with the context only.
func (b *Budget) Wait(ctx context.Context, kind Kind, tenant string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w := &waiter{granted: make(chan struct{})}
	b.mu.Lock()
	b.waiting[kind].add(tenant, w)
	if !b.granting {
		b.granting = true
		go b.grant()
	}
	b.mu.Unlock()
	select {
	case <-w.granted:
		return nil
	case <-ctx.Done():
		b.mu.Lock()
		defer b.mu.Unlock()
		w.gone = true
		return ctx.Err()
	}
}

// grant grants what is waited for, as fast as the budget allows, until nothing is.
func (b *Budget) grant() {
	for {
		now := b.clock.Now()
		if pause := b.limiter.ReserveN(now, 1).DelayFrom(now); pause > 0 {
			<-b.clock.After(pause)
		}
		for !b.grantOne() {
			if b.idle() {
				return
			}
			<-b.clock.After(pressedPoll) // only records wait, and the log grows
		}
		if b.idle() {
			return
		}
	}
}

// pressedPoll is how often it is looked whether the log has room again.
const pressedPoll = 100 * time.Millisecond

// grantOne grants one write, and reports whether it did: none may be granted where none is waited for, or allowed now.
func (b *Budget) grantOne() bool {
	pressed := b.pressed()
	b.mu.Lock()
	defer b.mu.Unlock()
	first, second := Snapshot, Record
	if b.granted == Snapshot && !pressed {
		first, second = Record, Snapshot
	}
	for _, kind := range [...]Kind{first, second} {
		if pressed && kind != Snapshot {
			continue
		}
		if w := b.waiting[kind].next(); w != nil {
			b.granted = kind
			close(w.granted)
			return true
		}
	}
	return false
}

// idle ends granting where nothing is waited for, and reports whether it did.
func (b *Budget) idle() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for kind := range b.waiting {
		if b.waiting[kind].prune() {
			return false
		}
	}
	b.granting = false
	return true
}
