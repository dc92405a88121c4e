package simulation

import (
	"context"
	"sync"
	"time"

	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/lease"
)

// process is one that runs over a server's API. It can be killed between any two things that it does to the
// outside, and stand still. Nil is one that nothing happens to.
type process struct {
	kill context.CancelFunc

	mu       sync.Mutex
	dead     bool
	left     int  // steps to go until it is killed, where it is more than 0
	before   bool // it is killed before that step is done, not after it
	frozen   time.Time
	thawed   chan struct{} // closed when it goes on
	expired  bool          // its Lease has been another's
	number   uint64        // of its term
	succeeds bool          // the one before had not stepped down
	soiled   bool          // it leaves calls under way behind
}

// term is the one that the process leads for.
func (p *process) term() *channelsync.Term {
	return &channelsync.Term{Revision: p.number, Succeeds: p.succeeds, Held: p.held, Soil: func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.soiled = true
	}}
}

// runs waits while the process stands still, and reports whether it goes on after that.
func (p *process) runs() bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	thawed := p.thawed
	p.mu.Unlock()
	if thawed != nil {
		<-thawed
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.dead
}

// step does something to the outside. The process may be killed before or after it.
func (p *process) step(do func() error) error {
	if p == nil {
		return do()
	}
	p.mu.Lock()
	last := p.left == 1
	p.left = max(0, p.left-1)
	before := last && p.before
	p.mu.Unlock()
	if before {
		p.die()
		return errLost
	}
	err := do()
	if last {
		p.die()
		return errLost
	}
	return err
}

// dieAfter has the process killed around one of its next steps.
func (p *process) dieAfter(steps int, before bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.left, p.before = steps, before
}

// die kills the process.
func (p *process) die() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.kill()
}

// freeze has the process stand still.
func (p *process) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen, p.thawed = time.Now(), make(chan struct{})
}

// thaw has it go on.
func (p *process) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expired = p.expired || time.Since(p.frozen) >= lease.Duration
	close(p.thawed)
	p.thawed = nil
}

// held reports whether nobody else can lead.
func (p *process) held() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.expired && !p.dead
}
