package channelsync

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/ledger"
)

// Planner runs the lanes of all channels, on the leader only.
type Planner struct {
	Store   *ledger.Store
	Client  client.Client
	Clock   clock.WithTicker
	Options Options
	// Held tells whether this process may still call channels as their leader; nil for always.
	Held func() bool
	// Owns tells which namespaces are this leader's; nil for all.
	Owns func(namespace string) bool

	mu          sync.RWMutex
	ctx         context.Context //nolint:containedctx // of Start, for lanes that are added later
	lanes       map[types.NamespacedName]*running
	byNamespace map[string][]*lane // sorted by name
	changed     func(types.NamespacedName)
	done        sync.WaitGroup
}

// running is a lane with the way to stop it.
type running struct {
	*lane
	cancel  context.CancelFunc
	stopped chan struct{}
}

var _ ledger.Listener = (*Planner)(nil)

// OnChange sets what is called, from any goroutine, when a lane's report may have changed.
func (p *Planner) OnChange(changed func(types.NamespacedName)) { p.changed = changed }

func (p *Planner) notify(key types.NamespacedName) {
	if p.changed != nil {
		p.changed(key)
	}
}

// Start listens to the ledger until the context ends, and then stops all lanes.
func (p *Planner) Start(ctx context.Context) error {
	p.Store.Listen(p)
	p.mu.Lock()
	p.ctx = ctx
	p.mu.Unlock()
	<-ctx.Done()
	p.Store.Listen(nil)
	p.done.Wait()
	return nil
}

// start runs a lane. The lock must be held.
func (p *Planner) start(r *running) {
	ctx, cancel := context.WithCancel(p.ctx)
	r.cancel = cancel
	p.done.Go(func() {
		defer close(r.stopped)
		var drift sync.WaitGroup
		drift.Go(func() { r.watchDrift(ctx) })
		r.run(ctx)
		drift.Wait()
	})
}

// Started tells whether lanes can be configured: the ledger is complete and listened to.
func (p *Planner) Started() bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.ctx != nil
}

// Configure brings a channel's lane to a configuration, and makes the lane if need be. The planner
// must have started.
func (p *Planner) Configure(cfg Config) {
	key := client.ObjectKeyFromObject(cfg.Channel)
	p.mu.Lock()
	r := p.lanes[key]
	if r == nil {
		r = &running{lane: newLane(key, p), stopped: make(chan struct{})}
		if p.lanes == nil {
			p.lanes = map[types.NamespacedName]*running{}
		}
		p.lanes[key] = r
		p.index(key.Namespace)
		p.start(r)
	}
	p.mu.Unlock()
	r.configure(cfg)
}

// Remove stops a channel's lane and forgets it.
func (p *Planner) Remove(key types.NamespacedName) {
	p.mu.Lock()
	r := p.lanes[key]
	delete(p.lanes, key)
	p.index(key.Namespace)
	p.mu.Unlock()
	if r != nil {
		r.cancel()
		<-r.stopped
	}
}

// index rebuilds the list of a namespace's lanes. The lock must be held.
func (p *Planner) index(namespace string) {
	var lanes []*lane
	for key, r := range p.lanes {
		if key.Namespace == namespace {
			lanes = append(lanes, r.lane)
		}
	}
	slices.SortFunc(lanes, func(a, b *lane) int { return cmp.Compare(a.key.Name, b.key.Name) })
	if p.byNamespace == nil {
		p.byNamespace = map[string][]*lane{}
	}
	p.byNamespace[namespace] = lanes
}

// of returns the lanes of a namespace.
func (p *Planner) of(namespace string) []*lane {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.byNamespace[namespace]
}

// Leads implements ledger.Listener.
func (p *Planner) Leads(namespace string) bool { return p.Owns == nil || p.Owns(namespace) }

// QuantitiesChanged implements ledger.Listener.
func (p *Planner) QuantitiesChanged(pool ledger.PoolKey, skus []string) {
	for _, l := range p.of(pool.Location.Namespace) {
		l.quantitiesChanged(pool.Location.Name, pool.PoolID, skus)
	}
}

// Report is how a channel fares.
type Report struct {
	// Pending and Failed count the units that wait for a push or a retry, and those that the
	// channel refused.
	Pending, Failed int32
	// LastSync is when the channel last confirmed a quantity in this process; zero if it has not.
	LastSync time.Time
	// NextAttempt is when the channel is called again after a call that failed; zero if it did not.
	NextAttempt time.Time
	// Failures counts the calls that failed as a whole since the last success.
	Failures int32
	// Blocked is why no call is made until something changes; nil if calls are made.
	Blocked *channel.Error
	// LastError is why the last call failed as a whole; nil if it did not.
	LastError *channel.Error
	// Compared is the last complete comparison of the channel with the stock; zero before the first in
	// this process.
	Compared Comparison
	// Selling are the locations that the channel sells from.
	Selling []string
	// Withdrawing are the locations that the channel no longer sells from but has not been told of.
	Withdrawing []string
	// SyncDigest is the SyncDigest of the lane's configuration, and Settled tells whether nothing
	// is due and everything that is not in step has been folded: the channel is synced with it.
	SyncDigest string
	Settled    bool
}

// Report returns how a channel fares, and false where it has no lane.
func (p *Planner) Report(key types.NamespacedName) (Report, bool) {
	r := p.lane(key)
	if r == nil {
		return Report{}, false
	}
	return r.report(), true
}

// Running tells whether a job is under way.
func (p *Planner) Running(channel types.NamespacedName, job string) bool {
	r := p.lane(channel)
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.job == job
}

// Redo queues the items of a job that was cut off: whether the channel has them is unknown. It
// returns false where the channel has no lane yet.
func (p *Planner) Redo(channel types.NamespacedName, items []inventoryv1alpha1.SyncItem) bool {
	r := p.lane(channel)
	if r == nil {
		return false
	}
	r.redo(items)
	return true
}

func (p *Planner) lane(key types.NamespacedName) *running {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.lanes[key]
}

// Block stops a channel until its configuration changes, because a probe found out what a call
// would.
func (p *Planner) Block(key types.NamespacedName, err *channel.Error) {
	if r := p.lane(key); r != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.gate.blocked = err
	}
}

func (l *lane) report() Report {
	l.mu.Lock()
	now := l.clock.Now()
	out := Report{
		Pending:     int32(l.unfailed),                    //nolint:gosec // far below 2^31
		Failed:      int32(len(l.standings) - l.unfailed), //nolint:gosec // far below 2^31
		LastSync:    l.lastSync,
		NextAttempt: l.gate.nextAttempt(now),
		Failures:    l.gate.failures,
		Blocked:     l.gate.blocked,
		LastError:   l.gate.lastError,
		SyncDigest:  l.config.SyncDigest,
		Compared:    l.compared,
	}
	settled, locations := true, l.memberNames()
	for name, m := range l.members {
		settled = settled && m.restored
		if m.withdrawn {
			out.Withdrawing = append(out.Withdrawing, name)
		} else {
			out.Selling = append(out.Selling, name)
		}
	}
	for _, s := range l.standings {
		if s.state == inventoryv1alpha1.SyncPending {
			settled = false
			break
		}
	}
	l.mu.Unlock()
	slices.Sort(out.Selling)
	slices.Sort(out.Withdrawing)
	for _, name := range locations {
		settled = settled && l.store.Folded(ledger.LocationKey{Namespace: l.key.Namespace, Name: name})
	}
	out.Settled = settled
	return out
}
