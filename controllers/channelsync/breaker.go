package channelsync

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// callBackoff is the first pause after a call that failed as a whole; it doubles up to callBackoffMax.
	callBackoff    = time.Second
	callBackoffMax = 5 * time.Minute

	// backoffJitter spreads pauses, so that what failed together is not tried together.
	backoffJitter = 0.2
)

// breaker is the circuit breaker of one connector: it says whether calls may be made. It belongs to the
// connector that it judges, so that an answer of one that was replaced changes nothing. It is safe for
// concurrent use.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex
	blocked  *channel.Error // nothing is called until the Channel or its Secret changes
	until    time.Time      // no call before; set after a call that failed as a whole
	failures int32          // such calls since the last success
	last     *channel.Error // of the last such call
}

func newBreaker(now func() time.Time) *breaker { return &breaker{now: now} }

// resumeBreaker makes a breaker that goes on where the status of a Channel says that calls have failed.
func resumeBreaker(now func() time.Time, status *inventoryv1alpha1.ChannelStatus) *breaker {
	b := newBreaker(now)
	if next := status.NextAttemptTime; next != nil {
		// Another clock wrote it: no pause is longer than the longest.
		b.until = earliest(next.Time, now().Add(callBackoffMax))
	}
	if n := status.ConsecutiveFailures; n != nil {
		b.failures = *n
	}
	return b
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wait reports whether calls may be made, or else for how long to wait; 0 means until something changes.
func (b *breaker) wait() (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.blocked != nil {
		return 0, false
	}
	if pause := b.until.Sub(b.now()); pause > 0 {
		return pause, false
	}
	return 0, true
}

// succeed notes that the channel answers.
func (b *breaker) succeed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.last, b.until = 0, nil, time.Time{}
}

// fail notes a call that failed as a whole.
func (b *breaker) fail(err *channel.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	b.last = err
	switch err.Class {
	case channel.Unauthorized, channel.Terminal:
		b.blocked = err
	default:
		b.until = b.now().Add(max(err.RetryAfter, backoff(callBackoff, callBackoffMax, b.failures)))
	}
}

// block stops all calls, because a probe found out what a call would.
func (b *breaker) block(err *channel.Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.blocked = err
}

// circuit is what a breaker reports.
type circuit struct {
	blocked, last *channel.Error
	failures      int32
	nextAttempt   time.Time // zero if no pause is under way
}

func (b *breaker) report() circuit {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := circuit{blocked: b.blocked, last: b.last, failures: b.failures}
	if b.blocked == nil && b.until.After(b.now()) {
		out.nextAttempt = b.until
	}
	return out
}

// backoff returns the pause before attempt n+1, with jitter.
func backoff(first, most time.Duration, n int32) time.Duration {
	pause := first
	for ; n > 1 && pause < most; n-- {
		pause *= 2
	}
	return wait.Jitter(min(pause, most), backoffJitter)
}
