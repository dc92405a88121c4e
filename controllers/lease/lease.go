// Package lease monitors whether a leader's Lease can still be its own. Leader election alone does not do so: a
// process that was frozen for longer than the Lease lasts goes on as leader when it wakes, beside its
// successor, until its next attempt to renew fails, and could push an old quantity over a newer one.
package lease

import (
	"context"
	"errors"
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
	seen    string    // who held the Lease when it was last read
	// succeeds reports whether the Lease was taken from a holder that had not given it up.
	succeeds bool
	soiled   bool // what this process did may go on after it: it does not give the Lease up
}

// Succeeds reports whether the Lease was taken over from a holder that had not given it up: what that had under way may
// still be.
func (m *Monitor) Succeeds() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.succeeds
}

// Soil has the Lease expire instead of being given up when the process stops, as it leaves something under way
// behind.
func (m *Monitor) Soil() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.soiled = true
}

var errSoiled = errors.New("the Lease is left to expire, as a call was cut off")

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

// Get implements resourcelock.Interface.
func (l *lock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	record, raw, err := l.Interface.Get(ctx)
	if err == nil {
		l.monitor.mu.Lock()
		l.monitor.seen = record.HolderIdentity
		l.monitor.mu.Unlock()
	}
	return record, raw, err //nolint:wrapcheck // it is the caller's own
}

// note counts the time from before the request: others may see the renewal as early.
func (l *lock) note(record resourcelock.LeaderElectionRecord, request func() error) error {
	began := l.monitor.Clock.Now()
	if l.monitor.keeps(record.HolderIdentity == l.Identity()) {
		return errSoiled
	}
	if err := request(); err != nil {
		return err
	}
	l.monitor.mu.Lock()
	defer l.monitor.mu.Unlock()
	if l.monitor.renewed.IsZero() {
		l.monitor.succeeds = l.monitor.seen != "" && l.monitor.seen != l.Identity()
	}
	l.monitor.renewed = began
	if record.HolderIdentity != l.Identity() { // given up
		l.monitor.renewed = time.Time{}
	}
	return nil
}

// keeps reports whether a record that gives the Lease up must not be written.
func (m *Monitor) keeps(holds bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !holds && m.soiled
}
