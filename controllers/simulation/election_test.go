package simulation

import (
	"context"
	"sync"
	"time"

	"tallyman.dev/tallyman/controllers/lease"
)

// election has one leader after the other, as a Lease would.
type election struct {
	*world
	*chance
	leads   *process
	terms   uint64
	unclean bool          // whoever led last did not step down
	gone    chan struct{} // closed when the one who leads has gone
	leading sync.WaitGroup
}

// lead has a new process lead.
func (e *election) lead() {
	ctx, kill := context.WithCancel(context.Background())
	e.terms++
	p, gone := &process{kill: kill, number: e.terms, succeeds: e.unclean}, make(chan struct{})
	e.unclean = true // until it steps down
	e.leads, e.gone = p, gone
	e.leading.Go(func() {
		defer close(gone)
		newLeader(e.api, e.market, p).run(ctx)
	})
}

// hold has leaders come and go for a while. The last one stays.
func (e *election) hold(ctx context.Context) {
	const changes = 4
	for range changes {
		if e.leads == nil {
			e.lead()
		}
		pause(ctx, e.upTo(2*time.Second))
		[]func(context.Context){e.kill, e.killAtStep, e.killAtStep, e.stumble, e.sleep, e.stop}[e.n(6)](ctx)
		pause(ctx, e.upTo(time.Second))
	}
	if e.leads == nil {
		e.lead()
	}
}

// kill kills the leader wherever it is.
func (e *election) kill(context.Context) {
	e.note("the leader is killed")
	e.leads.die()
	<-e.gone
	e.leads = nil
}

// killAtStep kills it around something that it does to the outside.
func (e *election) killAtStep(ctx context.Context) {
	steps, before := 1+e.n(15), e.n(2) == 0
	e.note("the leader is killed at step %d, before it: %v", steps, before)
	e.leads.dieAfter(steps, before)
	timer := time.NewTimer(3 * time.Second)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-e.gone:
	case <-ctx.Done():
	}
	e.kill(ctx)
}

// stumble has the leader stand still for less than its Lease lasts.
func (e *election) stumble(ctx context.Context) {
	e.note("the leader stands still")
	e.leads.freeze()
	pause(ctx, e.upTo(lease.Duration-time.Second))
	e.note("it goes on")
	e.leads.thaw()
}

// sleep has it stand still for longer: another one leads meanwhile, and when it wakes the two do for a moment.
func (e *election) sleep(ctx context.Context) {
	old, gone := e.leads, e.gone
	e.note("the leader stands still")
	old.freeze()
	pause(ctx, lease.Duration+e.upTo(2*time.Second))
	e.note("another leads")
	e.lead()
	pause(ctx, e.upTo(5*time.Second))
	e.note("the former one goes on")
	old.thaw()
	pause(ctx, e.upTo(2*time.Second))
	e.note("and sees that it does not lead")
	old.die()
	<-gone
}

// stop ends the leader in good order.
func (e *election) stop(context.Context) {
	e.note("the leader steps down")
	e.leads.kill()
	<-e.gone
	e.unclean, e.leads = e.leads.soiled, nil
}

// end ends everything.
func (e *election) end() {
	if e.leads != nil {
		e.leads.die()
	}
	e.leading.Wait()
	e.api.awaitLate()
}
