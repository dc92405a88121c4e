package channelsync

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/coalesce"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
)

const (
	// compareRetry is how long a comparison rests that could not be completed.
	compareRetry = 5 * time.Minute

	// repairPoll is how often a comparison looks whether its repairs have reached the channel.
	repairPoll = time.Second
)

// Comparison is what a complete comparison of a channel with the stock found.
type Comparison struct {
	// Began is when it began.
	Began time.Time
	// Compared counts the units that were read back, Differing those that the channel had another
	// quantity of, or did not have, and Repaired those of them that were pushed again.
	Compared, Differing, Repaired int32
}

// comparer compares a channel with the stock at the interval of spec.compare, and has what differs pushed
// again. A comparison counts once its repairs have settled: until then, a restart does it again.
type comparer struct {
	lane         *lane
	reconfigured chan struct{} // pinged when a comparison may have become due

	mu   sync.Mutex
	done Comparison // the last one that counts
}

func newComparer(l *lane) *comparer {
	return &comparer{lane: l, reconfigured: make(chan struct{}, 1)}
}

// wake has the comparer look at the configuration anew.
func (c *comparer) wake() { coalesce.Ping(c.reconfigured) }

// last returns the last comparison that counts in this process.
func (c *comparer) last() Comparison {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// run compares until the context ends.
func (c *comparer) run(ctx context.Context) {
	var retry time.Time // no comparison before
	for {
		due, scheduled := c.next()
		if retry.After(due) {
			due = retry
		}
		if !c.sleepUntil(ctx, due, scheduled) {
			return
		}
		if again, still := c.next(); !still || max(again.Sub(c.lane.clock.Now()), retry.Sub(c.lane.clock.Now())) > 0 {
			continue
		}
		if err := c.compare(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Cannot compare a channel with the stock, will retry", "channel", c.lane.key)
			retry = c.lane.clock.Now().Add(compareRetry)
		}
	}
}

// next returns when the channel is to be compared, or false where it is not.
func (c *comparer) next() (time.Time, bool) {
	k := c.lane.link.Load()
	if k == nil || k.channel.Spec.Compare == nil || k.channel.Suspended() || k.breaker.report().blocked != nil {
		return time.Time{}, false
	}
	if _, ok := k.connector.(channel.Reader); !ok {
		return time.Time{}, false
	}
	last := c.last().Began
	if stored := k.channel.Status.LastCompareTime; stored != nil && stored.After(last) {
		last = earliest(stored.Time, c.lane.clock.Now()) // another clock wrote it
	}
	return last.Add(k.channel.Spec.Compare.Interval.Duration), true
}

// sleepUntil waits for a time, or where nothing is scheduled for a new configuration, which ends
// the wait in any case. It reports whether the context is alive.
func (c *comparer) sleepUntil(ctx context.Context, due time.Time, scheduled bool) bool {
	var over <-chan time.Time
	if scheduled {
		timer := c.lane.clock.NewTimer(due.Sub(c.lane.clock.Now()))
		defer timer.Stop()
		over = timer.C()
	}
	select {
	case <-ctx.Done():
		return false
	case <-c.reconfigured:
	case <-over:
	}
	return true
}

// compare reads the whole channel back, once. One that cannot be completed counts as none.
func (c *comparer) compare(ctx context.Context) error {
	k := c.lane.link.Load()
	if k == nil || k.channel.Spec.Compare == nil {
		return nil
	}
	reader, ok := k.connector.(channel.Reader)
	scope := c.lane.table.Scope()
	if !ok || scope == nil {
		return nil
	}
	spec := k.channel.Spec.Compare
	perMinute := cmp.Or(spec.RepairsPerMinute, inventoryv1alpha1.DefaultRepairsPerMinute)
	run := &comparison{
		lane: c.lane, link: k, reader: reader, repair: spec.Repair,
		repairs: rate.NewLimiter(rate.Limit(float64(perMinute)/time.Minute.Seconds()), 1),
		result:  Comparison{Began: c.lane.clock.Now()},
	}
	for _, units := range comparable(scope, c.lane.stock) {
		for some := range slices.Chunk(units, max(1, reader.Limits().BatchSize)) {
			if err := run.batch(ctx, some); err != nil {
				return err
			}
		}
	}
	if err := run.settled(ctx); err != nil {
		return err
	}
	skusCompared.WithLabelValues(string(k.channel.Spec.Type)).Add(float64(run.result.Compared))
	skusDrifted.WithLabelValues(string(k.channel.Spec.Type)).Add(float64(run.result.Differing))
	c.mu.Lock()
	c.done = run.result
	c.mu.Unlock()
	c.lane.changed()
	return nil
}

// comparable returns the units that a channel sells, by Location.
func comparable(scope *syncstate.Scope, stock *ledger.Store) [][]syncstate.Unit {
	groups := map[string]sets.Set[string]{} // SKUs by Location of the unit
	for _, name := range scope.Selling {
		location := scope.Unit(name, "").Location
		if groups[location] == nil {
			groups[location] = sets.Set[string]{}
		}
		for _, pool := range scope.Keys(name) {
			stock.Each(pool, func(s ledger.StockedSKU) {
				if scope.Exposure.Pushes(s.SKU) { // those that it does not sell, too: it is to have none of them
					groups[location].Insert(s.SKU)
				}
			})
		}
	}
	var out [][]syncstate.Unit
	for location, skus := range groups {
		units := make([]syncstate.Unit, 0, len(skus))
		for _, sku := range sets.List(skus) {
			units = append(units, syncstate.Unit{Location: location, SKU: sku})
		}
		out = append(out, units)
	}
	return out
}
