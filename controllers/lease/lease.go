// Package lease monitors whether a leader's Lease can still be its own. Leader election alone does not do so: a
// process that was frozen for longer than the Lease lasts goes on as leader when it wakes, beside its
// successor, until its next attempt to renew fails, and could push an old quantity over a newer one.
package lease

import (
	"context"
	"sync"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/utils/clock"
)

// Times of leader election, those that client-go recommends.
const (
	// Duration is how long others wait after the last renewal that they saw before they take over.
	Duration = 15 * time.Second
	// RenewDeadline is how long a leader tries to renew before it gives up.
	RenewDeadline = 10 * time.Second
)

// Monitor remembers when a Lease was renewed. It is safe for concurrent use.
type Monitor struct {
	Clock clock.PassiveClock

	mu      sync.Mutex
	renewed time.Time // when the last renewal that succeeded was begun; zero if the Lease is not held
}

// Held reports whether the Lease is held, and nobody else can have taken it over yet.
func (m *Monitor) Held() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.renewed.IsZero() && m.Clock.Since(m.renewed) < Duration
}

// Lock returns a lock whose renewals are noted.
func (m *Monitor) Lock(inner resourcelock.Interface) resourcelock.Interface { return &lock{inner, m} }

type lock struct {
	resourcelock.Interface
	monitor *Monitor
}

// Create implements resourcelock.Interface.
func (l *lock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.note(record, func() error { return l.Interface.Create(ctx, record) })
}

// Update implements resourcelock.Interface.
func (l *lock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.note(record, func() error { return l.Interface.Update(ctx, record) })
}

// note counts the time from before the request: others may see the renewal as early.
func (l *lock) note(record resourcelock.LeaderElectionRecord, request func() error) error {
	began := l.monitor.Clock.Now()
	if err := request(); err != nil {
		return err
	}
	l.monitor.mu.Lock()
	defer l.monitor.mu.Unlock()
	l.monitor.renewed = began
	if record.HolderIdentity != l.Identity() { // given up
		l.monitor.renewed = time.Time{}
	}
	return nil
}
