package channelsync

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/coalesce"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// lane keeps one channel in step: it takes what is due, freezes it, calls, settles and records.
type lane struct {
	key      types.NamespacedName
	uid      types.UID // of the Channel
	doubtful time.Time // until then, calls of another Channel of the name may still set what they carried
	table    *syncstate.Table
	stock    *ledger.Store
	clock    clock.WithTicker
	limits   Limits
	term     *Term
	records  *recorder
	changed  func() // asks for an update of the Channel's status

	link         atomic.Pointer[link]
	reconfigured chan struct{} // pinged when calls may be made that could not
	// namespace is that of the lane's idempotency keys: a restart counts changes anew.
	namespace uuid.UUID
	rested    time.Time // when the last run ended
}

// run pushes until the context ends.
func (l *lane) run(ctx context.Context) {
	for l.await(ctx) && l.gather(ctx) {
		if k := l.link.Load(); l.open(k) { // it may have closed meanwhile
			l.push(ctx, k)
		}
	}
}

// open reports whether calls may be made.
func (l *lane) open(k *link) bool {
	if k == nil {
		return false
	}
	_, open := k.wait()
	return open
}

// await waits until something is due and calls may be made. It reports whether the context is alive.
func (l *lane) await(ctx context.Context) bool {
	for {
		wait, ready := l.pause()
		if ready {
			return ctx.Err() == nil
		}
		var over <-chan time.Time
		stop := func() bool { return true }
		if wait > 0 {
			timer := l.clock.NewTimer(wait)
			over, stop = timer.C(), timer.Stop
		}
		select {
		case <-ctx.Done():
		case <-l.table.News():
		case <-l.reconfigured:
		case <-over:
		}
		stop()
		if ctx.Err() != nil {
			return false
		}
	}
}

// pause reports whether a run can begin, or else for how long to wait; 0 means until something changes.
func (l *lane) pause() (wait time.Duration, ready bool) {
	k := l.link.Load()
	if k == nil {
		return 0, false
	}
	wait, open := k.wait()
	if !open {
		return wait, false
	}
	n, next := l.table.Due()
	if n == 0 && !next.IsZero() {
		return max(next.Sub(l.clock.Now()), time.Nanosecond), false
	}
	return 0, n > 0
}

// gather waits for company: at rest not at all, under load until nothing arrives for the idle
// window, the maximal window has passed or a run is full. It reports whether the context is alive.
func (l *lane) gather(ctx context.Context) bool {
	if l.clock.Since(l.rested) >= l.limits.MaxWindow {
		return true
	}
	deadline := l.clock.NewTimer(l.limits.MaxWindow)
	defer deadline.Stop()
	idle := l.clock.NewTimer(l.limits.IdleWindow)
	defer idle.Stop()
	for most := inventoryv1alpha1.MaxJobItems; ; {
		if k := l.link.Load(); k != nil {
			most = k.mostItems(l.limits)
		}
		if n, _ := l.table.Due(); n >= most {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-deadline.C():
			return true
		case <-idle.C():
			return true
		case <-l.table.News():
			idle.Reset(l.limits.IdleWindow)
		}
	}
}

// push makes one run over what is due.
func (l *lane) push(ctx context.Context, k *link) {
	taken := l.table.Take(k.mostItems(l.limits))
	if len(taken) == 0 {
		return
	}
	f := freezer{l.table.Scope(), l.stock}
	if !l.uses(k) { // what was taken may be meant for another destination
		l.putBack(taken)
		return
	}
	items := f.freeze(taken, l.term.sequence())
	r := l.records.begin(k.channel, f.scope.Mode, items)
	c := &caller{
		link: k, mode: f.scope.Mode, namespace: l.namespace, clock: l.clock, term: l.term, drain: l.limits.Drain,
	}
	raises, others := l.divide(f, items)
	c.call(ctx, others)
	l.settle(k, others)
	c.call(ctx, l.allowed(f, raises))
	l.settle(k, raises)
	c.teach(ctx)
	l.records.end(r, items, c.failure)
	l.rested = l.clock.Now()
	l.changed()
}

// configure brings the lane to a configuration. It reports whether it did: one of an earlier epoch than
// the present one changes nothing.
func (l *lane) configure(cfg Config) bool {
	if l.table.Passed(cfg.Channel.Status.Epochs) {
		return false
	}
	next := newLink(cfg, l.link.Load(), l.clock.Now)
	if cfg.Settings != nil {
		// Between the two, no connector may be called: what is due belongs to the next one.
		l.link.Store(nil)
		start := syncstate.Start{Locations: cfg.Channel.Status.Locations, Doubtful: l.doubtful}
		if l.term.Succeeds {
			start.Doubtful = l.clock.Now().Add(next.inDoubt())
		}
		l.table.Configure(*cfg.Settings, cfg.Channel.Status.Epochs, start)
	}
	l.link.Store(next)
	coalesce.Ping(l.reconfigured)
	return true
}

// uses reports whether a link's connector is the one in use.
func (l *lane) uses(k *link) bool {
	is := l.link.Load()
	return is != nil && is.digest == k.digest
}

// putBack makes what was taken due again.
func (l *lane) putBack(taken []syncstate.Taken) {
	settlements := make([]syncstate.Settlement, len(taken))
	for i, t := range taken {
		settlements[i] = syncstate.Settlement{Taken: t, Outcome: syncstate.Outcome{State: inventoryv1alpha1.SyncPending}}
	}
	l.table.Settle(settlements)
}
