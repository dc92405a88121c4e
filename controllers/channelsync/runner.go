package channelsync

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/coalesce"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// Options are what a Runner works with.
type Options struct {
	Stock  *ledger.Store
	Tables *syncstate.Tables
	Client client.Client // writes ChannelSyncJobs
	Clock  clock.WithTicker
	Limits Limits
	// Owns reports which namespaces are this leader's; nil for all.
	Owns func(namespace string) bool
	// Admit waits until a record of a namespace may be written; nil for at once.
	Admit func(ctx context.Context, namespace string) error
}

// Runner runs a lane for each Channel, on the leader only.
type Runner struct {
	opts    Options
	changed *coalesce.Set[types.NamespacedName] // Channels whose report may have changed

	mu      sync.RWMutex
	ctx     context.Context //nolint:containedctx // of Run, for lanes that are added later
	term    *Term
	records *recorder
	lanes   map[string]map[string]*running // by namespace and name
	// left is until when calls of Channels that are gone may still set what they carried: another one of the name
	// may lead to the same place.
	left map[types.NamespacedName]time.Time
	done sync.WaitGroup
}

// running is a lane with what runs beside it and the way to stop both.
type running struct {
	*lane
	compare *comparer
	cancel  context.CancelCauseFunc
	stopped chan struct{}
}

// New returns a Runner that does not run yet.
func New(opts Options) *Runner {
	return &Runner{
		opts: opts, changed: coalesce.NewSet[types.NamespacedName](),
		lanes: map[string]map[string]*running{}, left: map[types.NamespacedName]time.Time{},
	}
}

// Changed receives when the reports of Channels may have changed; TakeChanged returns which.
func (r *Runner) Changed() <-chan struct{} { return r.changed.Wake() }

// TakeChanged returns the Channels whose report may have changed, once.
func (r *Runner) TakeChanged() []types.NamespacedName { return r.changed.Take() }

// Run follows the ledger for a term until the context ends, and then stops all lanes.
func (r *Runner) Run(ctx context.Context, term *Term) error {
	changes := r.opts.Stock.Subscribe(r.opts.Owns)
	defer changes.Close()
	r.mu.Lock()
	records := newRecorder(r.opts)
	r.ctx, r.term, r.records = ctx, term, records
	r.mu.Unlock()
	var recording sync.WaitGroup
	stillRecording, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last run has ended
	recording.Go(func() { records.run(stillRecording) })
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-changes.Wake():
			for _, namespace := range changes.TakeChanged() {
				upto := r.opts.Stock.Now()
				r.catchUp(namespace)
				changes.Release(namespace, upto)
			}
		}
	}
	r.done.Wait()
	if r.inDoubt() {
		term.soil()
	}
	stop()
	recording.Wait()
	return nil
}

// inDoubt reports whether a call that was not answered may still set what it carried.
func (r *Runner) inDoubt() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, lanes := range r.lanes {
		for _, l := range lanes {
			if l.table.InDoubt() {
				return true
			}
		}
	}
	return false
}

// catchUp has the lanes of a namespace take in what has changed in the ledger.
func (r *Runner) catchUp(namespace string) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, l := range r.lanes[namespace] {
		l.table.CatchUp()
	}
}

// Running reports whether lanes can be configured: the ledger is complete and followed.
func (r *Runner) Running() bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.ctx != nil
}

// Settings returns those of a Channel at present; nil where there are none. Another Channel of the name has none of them.
func (r *Runner) Settings(ch *inventoryv1alpha1.Channel) *syncstate.Settings {
	if l := r.lane(client.ObjectKeyFromObject(ch)); l != nil && l.uid == ch.UID {
		if scope := l.table.Scope(); scope != nil {
			return &scope.Settings
		}
	}
	return nil
}

// Configure brings a Channel's lane to a configuration, and makes the lane if need be. The Runner must be
// running. It reports whether it did: a configuration of an earlier epoch than the present one changes nothing.
func (r *Runner) Configure(cfg Config) bool {
	key := client.ObjectKeyFromObject(cfg.Channel)
	if l := r.lane(key); l != nil && l.uid != cfg.Channel.UID { // of a Channel that is gone
		r.Remove(key)
	}
	r.mu.Lock()
	l := r.lanes[key.Namespace][key.Name]
	if l == nil {
		l = r.newLane(cfg.Channel)
		if r.lanes[key.Namespace] == nil {
			r.lanes[key.Namespace] = map[string]*running{}
		}
		r.lanes[key.Namespace][key.Name] = l
	}
	r.mu.Unlock()
	if !l.configure(cfg) {
		return false
	}
	l.compare.wake()
	return true
}

// Repush has units of a Channel pushed that are in step or were refused. It reports whether the Channel has a lane.
func (r *Runner) Repush(key types.NamespacedName, units ...syncstate.Unit) bool {
	l := r.lane(key)
	if l == nil || l.table.Scope() == nil {
		return false
	}
	l.table.Repush(units...)
	return true
}

// newLane makes a lane and runs it. The lock must be held.
func (r *Runner) newLane(ch *inventoryv1alpha1.Channel) *running {
	key := client.ObjectKeyFromObject(ch)
	ctx, cancel := context.WithCancelCause(r.ctx)
	l := &lane{
		key: key, uid: ch.UID, doubtful: r.left[key], table: r.opts.Tables.Ensure(key), stock: r.opts.Stock, clock: r.opts.Clock, limits: r.opts.Limits,
		term: r.term, records: r.records, changed: func() { r.changed.Add(key) },
		reconfigured: make(chan struct{}, 1), namespace: uuid.New(),
	}
	out := &running{l, newComparer(l), cancel, make(chan struct{})}
	r.done.Go(func() {
		defer close(out.stopped)
		var comparing sync.WaitGroup
		comparing.Go(func() { out.compare.run(ctx) })
		l.run(ctx)
		comparing.Wait()
	})
	return out
}

// Remove stops a Channel's lane and forgets it.
func (r *Runner) Remove(key types.NamespacedName) {
	r.mu.Lock()
	l := r.lanes[key.Namespace][key.Name]
	if delete(r.lanes[key.Namespace], key.Name); len(r.lanes[key.Namespace]) == 0 {
		delete(r.lanes, key.Namespace)
	}
	r.mu.Unlock()
	if l == nil {
		return
	}
	l.cancel(errRemoved) // what it has under way is cut off: nobody wants it any more
	<-l.stopped
	l.records.forget(key)
	r.leave(l)
	r.opts.Tables.Remove(key)
}

// leave remembers until when the calls of a lane that is no more may set what they carried.
func (r *Runner) leave(l *running) {
	k := l.link.Load()
	if k == nil {
		return
	}
	now := l.clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.left, func(_ types.NamespacedName, until time.Time) bool { return !until.After(now) })
	r.left[l.key] = now.Add(k.inDoubt())
}

// Block stops the calls of a connector, by its digest, because a probe found out what a call would.
func (r *Runner) Block(key types.NamespacedName, digest string, err *channel.Error) {
	l := r.lane(key)
	if l == nil {
		return
	}
	if k := l.link.Load(); k != nil && k.digest == digest {
		k.breaker.block(err)
	}
}

// Recording reports whether a ChannelSyncJob is of a run that is under way.
func (r *Runner) Recording(job types.NamespacedName) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.records != nil && r.records.underWay(job)
}

func (r *Runner) lane(key types.NamespacedName) *running {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.lanes[key.Namespace][key.Name]
}

// Report is how a channel fares.
type Report struct {
	syncstate.Report
	// NextAttempt is when the channel is called again after a call that failed; zero if it did not.
	NextAttempt time.Time
	// Failures counts the calls that failed as a whole since the last success.
	Failures int32
	// Blocked is why no call is made until something changes; nil if calls are made.
	Blocked *channel.Error
	// LastError is why the last call failed as a whole; nil if it did not.
	LastError *channel.Error
	// Compared is the last comparison whose repairs have reached the channel; zero before the first in this process.
	Compared Comparison
}

// Report returns how a channel fares, and false where it has no lane.
func (r *Runner) Report(key types.NamespacedName) (Report, bool) {
	l := r.lane(key)
	if l == nil {
		return Report{}, false
	}
	out := Report{Report: l.table.Report(), Compared: l.compare.last()}
	if k := l.link.Load(); k != nil {
		c := k.breaker.report()
		out.NextAttempt, out.Failures, out.Blocked, out.LastError = c.nextAttempt, c.failures, c.blocked, c.last
	}
	return out, true
}
