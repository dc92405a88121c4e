package channelsync

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/ledger"
)

// unit is what a channel holds one quantity of: a SKU at a location, or in Consolidated mode a
// SKU, with an empty location.
type unit struct{ location, sku string }

// standing is where a unit stands that is not in step. It is replaced, never changed, so that a
// push can tell whether its unit changed meanwhile.
type standing struct {
	state    inventoryv1alpha1.SyncState
	reason   string
	message  string
	change   uint64    // counts the changes that the lane was told of
	attempts int32     // pushes that ended without a verdict since the quantity changed
	next     time.Time // of the next attempt; zero if none is scheduled or it is due
	trigger  string    // the location whose change is to be pushed
	derived  bool      // only what another location is shown of the SKU has changed, if it has
}

// member is a location that the channel sells from, or has sold from.
type member struct {
	code   string
	labels labels.Set
	// matching identifies the rules of exposure that apply.
	matching string
	// withdrawn means that the location is no longer selected: its stock counts as zero until the
	// channel has been told so.
	withdrawn bool
	// restored means that the standing of its SKUs has been read from the snapshots.
	restored bool
}

// lane keeps one channel in step.
//
// Lock order: the store's lock may be held when a lane's is taken, never the other way round.
type lane struct {
	key     types.NamespacedName
	store   *ledger.Store
	client  client.Client
	clock   clock.WithTicker
	options Options
	changed func() // asks for an update of the Channel's status
	held    func() bool

	queue   workqueue.TypedDelayingInterface[unit] // units due for a push
	arrived chan struct{}                          // pinged when a unit is queued
	reopen  chan struct{}                          // pinged when the gate may have opened
	// reconfigured is pinged when a comparison may have become due.
	reconfigured chan struct{}

	mu        sync.Mutex
	config    Config
	connector channel.Connector
	sizes     batchSizes
	pools     map[int64]bool
	members   map[string]*member
	standings map[unit]*standing // units that are not in step
	unfailed  int                // standings that are not Failed
	changes   uint64             // see standing.change
	namespace uuid.UUID          // of the lane's idempotency keys: a restart counts changes anew
	gate      gate
	job       string // name of the job under way
	lastRun   time.Time
	lastSync  time.Time
	compared  Comparison // the last complete one
}

// gate says whether calls may be made.
type gate struct {
	suspended bool
	blocked   *channel.Error // stops everything until the Channel or its Secret changes
	until     time.Time      // no call before; set after a call that failed as a whole
	failures  int32          // such calls since the last success
	lastError *channel.Error // of the last such call
}

func newLane(key types.NamespacedName, p *Planner) *lane {
	return &lane{
		key:     key,
		store:   p.Store,
		client:  p.Client,
		clock:   p.Clock,
		options: p.Options,
		changed: func() { p.notify(key) },
		held:    p.Held,
		queue: workqueue.NewTypedDelayingQueueWithConfig(workqueue.TypedDelayingQueueConfig[unit]{
			Clock: p.Clock,
		}),
		arrived:      make(chan struct{}, 1),
		reopen:       make(chan struct{}, 1),
		reconfigured: make(chan struct{}, 1),
		members:      map[string]*member{},
		standings:    map[unit]*standing{},
		namespace:    uuid.New(),
	}
}

// run pushes until the context ends.
func (l *lane) run(ctx context.Context) {
	defer l.queue.ShutDown() // whoever sees the context end may be faster than what it sets off
	stop := context.AfterFunc(ctx, l.queue.ShutDown)
	defer stop()
	for {
		first, shutdown := l.queue.Get()
		if shutdown {
			return
		}
		if !l.passGate(ctx) || !l.gather(ctx) || !l.passGate(ctx) {
			l.queue.Done(first)
			return
		}
		l.push(ctx, l.take(first))
	}
}

// gather waits for company: at rest not at all, under load until nothing arrives for the idle
// window, the maximal window has passed or a job is full. It tells whether the context is alive.
func (l *lane) gather(ctx context.Context) bool {
	l.mu.Lock()
	rested := l.clock.Since(l.lastRun) >= l.options.MaxWindow
	l.mu.Unlock()
	if rested {
		return true
	}
	deadline := l.clock.NewTimer(l.options.MaxWindow)
	defer deadline.Stop()
	idle := l.clock.NewTimer(l.options.IdleWindow)
	defer idle.Stop()
	for most := l.jobItems(); l.queue.Len()+1 < most; {
		select {
		case <-ctx.Done():
			return false
		case <-deadline.C():
			return true
		case <-idle.C():
			return true
		case <-l.arrived:
			idle.Reset(l.options.IdleWindow)
		}
	}
	return true
}

// take removes the units of the next job from the queue.
func (l *lane) take(first unit) []unit {
	l.mu.Lock() // a batch's SKUs are queued together under the lock: take all or none
	defer l.mu.Unlock()
	units := []unit{first}
	for most := l.mostItems(); len(units) < most && l.queue.Len() > 0; {
		u, shutdown := l.queue.Get()
		if shutdown {
			break
		}
		units = append(units, u)
	}
	return units
}

// jobItems is the most units of a job.
func (l *lane) jobItems() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mostItems()
}

// mostItems is jobItems for those who hold the lock.
func (l *lane) mostItems() int {
	if l.connector == nil {
		return l.options.JobItems
	}
	return min(max(l.options.JobItems, l.connector.Limits().JobItems), inventoryv1alpha1.MaxJobItems)
}

// passGate waits until calls may be made. It tells whether the context is alive.
func (l *lane) passGate(ctx context.Context) bool {
	for {
		wait, open := l.gateWait()
		if open {
			return ctx.Err() == nil
		}
		var timeout <-chan time.Time
		if wait > 0 {
			timeout = l.clock.After(wait)
		}
		select {
		case <-ctx.Done():
			return false
		case <-l.reopen:
		case <-timeout:
		}
	}
}

// gateWait tells whether the gate is open, or else for how long to wait; 0 means until something changes.
func (l *lane) gateWait() (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.gate.suspended || l.gate.blocked != nil || l.connector == nil {
		return 0, false
	}
	if wait := l.gate.until.Sub(l.clock.Now()); wait > 0 {
		return wait, false
	}
	return 0, true
}

func ping(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
