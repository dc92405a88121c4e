package channelsync

import (
	"cmp"
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/log"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/ledger"
)

// driftRetry is how long a comparison rests that could not be completed.
const driftRetry = 5 * time.Minute

// Comparison is what a complete comparison of a channel with the stock found.
type Comparison struct {
	// Began is when it began.
	Began time.Time
	// Compared counts the units that were read back, Differing those that the channel had another
	// quantity of, or did not have, and Repaired those of them that are pushed again.
	Compared, Differing, Repaired int32
}

// watchDrift compares the channel with the stock at the interval of spec.compare until the context ends.
func (l *lane) watchDrift(ctx context.Context) {
	var retry time.Time // no comparison before
	for {
		due, scheduled := l.nextComparison()
		if retry.After(due) {
			due = retry
		}
		if !l.sleepUntil(ctx, due, scheduled) {
			return
		}
		if due, scheduled = l.nextComparison(); !scheduled || max(due.Sub(l.clock.Now()), retry.Sub(l.clock.Now())) > 0 {
			continue
		}
		if err := l.compare(ctx); err != nil && ctx.Err() == nil {
			log.FromContext(ctx).Error(err, "Cannot compare a channel with the stock, will retry", "channel", l.key)
			retry = l.clock.Now().Add(driftRetry)
		}
	}
}

// nextComparison tells when the channel is to be compared, or false where it is not.
func (l *lane) nextComparison() (time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.config.Channel == nil || l.config.Channel.Spec.Compare == nil || l.connector == nil {
		return time.Time{}, false
	}
	if _, ok := l.connector.(channel.Reader); !ok || l.gate.suspended || l.gate.blocked != nil {
		return time.Time{}, false
	}
	return l.compared.Began.Add(l.config.Channel.Spec.Compare.Interval.Duration), true
}

// sleepUntil waits for a time, or where nothing is scheduled for a new configuration, which ends
// the wait in any case. It tells whether the context is alive.
func (l *lane) sleepUntil(ctx context.Context, due time.Time, scheduled bool) bool {
	var over <-chan time.Time
	if scheduled {
		timer := l.clock.NewTimer(due.Sub(l.clock.Now()))
		defer timer.Stop()
		over = timer.C()
	}
	select {
	case <-ctx.Done():
		return false
	case <-l.reconfigured:
	case <-over:
	}
	return true
}

// compare reads the whole channel back. One that cannot be completed counts as none.
func (l *lane) compare(ctx context.Context) error {
	l.mu.Lock()
	reader, ok := l.connector.(channel.Reader)
	spec := l.config.Channel.Spec
	l.mu.Unlock()
	if !ok || spec.Compare == nil {
		return nil
	}
	perMinute := cmp.Or(spec.Compare.RepairsPerMinute, inventoryv1alpha1.DefaultRepairsPerMinute)
	c := &comparison{
		lane: l, reader: reader, repair: spec.Compare.Repair,
		repairs: rate.NewLimiter(rate.Limit(float64(perMinute)/time.Minute.Seconds()), 1),
		result:  Comparison{Began: l.clock.Now()},
	}
	for _, units := range l.comparable() {
		for batch := range slices.Chunk(units, max(1, reader.Limits().BatchSize)) {
			if err := c.batch(ctx, batch); err != nil {
				return err
			}
		}
	}
	skusCompared.WithLabelValues(string(spec.Type)).Add(float64(c.result.Compared))
	skusDrifted.WithLabelValues(string(spec.Type)).Add(float64(c.result.Differing))
	l.mu.Lock()
	l.compared = c.result
	l.mu.Unlock()
	l.changed()
	return nil
}

// comparable returns the units that the channel sells, by location.
func (l *lane) comparable() [][]unit {
	l.mu.Lock()
	f := l.frame()
	l.mu.Unlock()
	groups := map[string]sets.Set[string]{} // SKUs by location of the unit
	for _, name := range f.sorted {
		location := name
		if f.mode == inventoryv1alpha1.Consolidated {
			location = ""
		}
		if groups[location] == nil {
			groups[location] = sets.Set[string]{}
		}
		for _, pool := range f.pools[name] {
			l.store.Each(pool, func(s ledger.StockedSKU) {
				if f.policy.Selects(s.SKU) {
					groups[location].Insert(s.SKU)
				}
			})
		}
	}
	var out [][]unit
	for location, skus := range groups {
		units := make([]unit, 0, len(skus))
		for sku := range skus {
			units = append(units, unit{location, sku})
		}
		slices.SortFunc(units, func(a, b unit) int { return cmp.Compare(a.sku, b.sku) })
		out = append(out, units)
	}
	return out
}
