package fold

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/ledger"
)

const (
	// foldDelay is how long a location must be quiet to be folded. A change waits for company, and for its
	// push: most SKUs are in step by then, so that one write says both.
	foldDelay = 300 * time.Millisecond

	// foldPatience is how long one that is never quiet waits at the most. Under load the same snapshots change
	// again and again, and each write takes in everything since the last one.
	foldPatience = 5 * time.Second
)

// schedule says when locations are due. It is safe for concurrent use.
type schedule struct {
	clock clock.PassiveClock

	mu     sync.Mutex
	passes map[ledger.LocationKey]*pass  // under way
	unrest map[ledger.LocationKey]unrest // of locations that have changed since their last pass began
}

// pass is one way through all SKUs of a location.
type pass struct {
	ledger.Begun
	pools []int64 // still to be folded
	from  string  // SKU of the first of them to go on from
	uid   types.UID
}

// unrest is when a location has changed.
type unrest struct{ first, last time.Time }

func newSchedule(c clock.PassiveClock) *schedule {
	return &schedule{clock: c, passes: map[ledger.LocationKey]*pass{}, unrest: map[ledger.LocationKey]unrest{}}
}

// reset forgets everything.
func (s *schedule) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.passes)
	clear(s.unrest)
}

// changed notes that a location has changed.
func (s *schedule) changed(key ledger.LocationKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	u, known := s.unrest[key]
	if !known {
		u.first = now
	}
	u.last = now
	s.unrest[key] = u
}

// due is how long to wait until a location should be folded.
func (s *schedule) due(key ledger.LocationKey) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	u, known := s.unrest[key]
	if !known || s.passes[key] != nil {
		return 0
	}
	now := s.clock.Now()
	return min(foldDelay-now.Sub(u.last), foldPatience-now.Sub(u.first))
}

// pass returns the pass over a location that is under way, or else begins one; nil where there is nothing to begin.
func (s *schedule) pass(key ledger.LocationKey, begin func(ledger.LocationKey) (ledger.Begun, bool)) *pass {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.passes[key]; p != nil {
		return p
	}
	delete(s.unrest, key) // what comes from now on may be behind the pass
	begun, known := begin(key)
	if !known {
		return nil
	}
	p := &pass{Begun: begun, pools: begun.Pools}
	s.passes[key] = p
	return p
}

// end ends the pass over a location.
func (s *schedule) end(key ledger.LocationKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.passes, key)
}
