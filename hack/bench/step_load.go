package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// measured is what a round measured.
type measured struct {
	outcome
	busy, total cpu // while batches were sent, and until everything was folded and pushed
	settle      time.Duration
	refused     int64
	// What grew meanwhile.
	commits, grouped, snapshotWrites, fsyncs, fsyncSeconds float64
	from, to                                               float64 // seconds of the scenario while batches were sent
}

// load measures the rounds of a load.
func (st *scenarioRun) load(ctx context.Context, step string, l *Load) error {
	ingress := newIngressTarget(st.clock, st.ingresses(), l.Senders)
	defer ingress.close()
	raw := &rawTarget{client: st.cluster.user}
	targets := []target{ingress}
	if l.Baseline {
		targets = append(targets, raw)
	}
	var mine, baseline []measured
	for round := range l.Rounds {
		if err := st.greet(ctx, ingress); err != nil {
			return err
		}
		if err := st.warm(ctx, l, targets); err != nil {
			return err
		}
		began := st.recorder.seconds()
		if l.Baseline && round%2 == 0 {
			m, err := st.rawRound(ctx, l, raw, round)
			if err != nil {
				return err
			}
			baseline = append(baseline, m)
		}
		m, err := st.round(ctx, step, l, ingress, round)
		if err != nil {
			return err
		}
		mine = append(mine, m)
		// Every other round has the baseline after the load: what drifts meanwhile cancels out.
		if l.Baseline && round%2 == 1 {
			m, err := st.rawRound(ctx, l, raw, round)
			if err != nil {
				return err
			}
			baseline = append(baseline, m)
		}
		st.rounds++
		st.say("%s: round %d of %d: %.0f SKU/s%s, %.0f s in all", step, round+1, l.Rounds, perSecond(m.skus, m.elapsed),
			versus(baseline), st.recorder.seconds()-began)
	}
	return st.summarize(step, l, mine, baseline)
}

// versus says what the last baseline was.
func versus(baseline []measured) string {
	if len(baseline) == 0 {
		return ""
	}
	last := baseline[len(baseline)-1]
	return fmt.Sprintf(" (raw %.0f)", perSecond(last.skus, last.elapsed))
}

func perSecond(n int64, d time.Duration) float64 { return float64(n) / d.Seconds() }

// greet sends one request to each ingress, by itself: what a process builds once, many senders need not wait for.
func (st *scenarioRun) greet(ctx context.Context, ingress *ingressTarget) error {
	for tenant, urls := range ingress.urls {
		p := locationIndex{tenant, st.Tenants.Locations}
		b := batch{p, []string{p.sku(0)}, inventoryv1alpha1.Quantity(st.rounds + 1)}
		for _, url := range urls {
			if _, err := ingress.put(ctx, url, b, encode(b)); err != nil {
				return fmt.Errorf("first request: %w", err)
			}
		}
	}
	return nil
}

// warm opens connections and fills caches: each sender sets a SKU of a location that nobody measures.
func (st *scenarioRun) warm(ctx context.Context, l *Load, targets []target) error {
	for _, t := range targets {
		group, warming := errgroup.WithContext(ctx)
		for sender := range l.Senders {
			for tenant := range st.Tenants.Count {
				p := locationIndex{tenant, st.Tenants.Locations}
				b := batch{p, []string{p.sku(sender)}, inventoryv1alpha1.Quantity(st.rounds + 1)}
				group.Go(func() error { return t.send(warming, b) })
			}
		}
		if err := group.Wait(); err != nil {
			return fmt.Errorf("warm up: %w", err)
		}
	}
	_, err := st.settle(ctx)
	return err
}

// rawRound measures the baseline.
func (st *scenarioRun) rawRound(ctx context.Context, l *Load, raw target, round int) (measured, error) {
	d := driver{clock: st.clock, target: raw}
	_, p := st.recorder.running()
	before, err := p.cpu()
	if err != nil {
		return measured{}, err
	}
	out, err := d.run(ctx, l, newGenerator(l, st.Tenants.Count, round, st.rounds))
	if err != nil {
		return measured{}, fmt.Errorf("baseline: %w", err)
	}
	after, err := p.cpu()
	if err != nil {
		return measured{}, err
	}
	spent := after.since(before)
	spent[roleManager] = 0 // it has no part in this
	return measured{outcome: out, busy: spent, total: spent}, nil
}

// round measures the ingress.
func (st *scenarioRun) round(ctx context.Context, step string, l *Load, ingress *ingressTarget, round int) (measured, error) {
	d := driver{clock: st.clock, target: ingress, sending: st.tracker.sending}
	before, err := st.read(ctx)
	if err != nil {
		return measured{}, err
	}
	refused, from := ingress.refused.Load(), st.recorder.seconds()
	g := newGenerator(l, st.Tenants.Count, round, st.rounds)
	profiles := st.profiler.start(ctx, st.cluster, st.processes, step)
	out, err := d.run(ctx, l, g)
	if err != nil {
		return measured{}, err
	}
	to := st.recorder.seconds()
	_, p := st.recorder.running()
	sent, err := p.cpu()
	if err != nil {
		return measured{}, err
	}
	m := measured{outcome: out, from: from, to: to, busy: sent.since(before.cpu), refused: ingress.refused.Load() - refused}
	if m.settle, err = st.settle(ctx); err != nil {
		return m, err
	}
	if err := profiles(); err != nil {
		return m, err
	}
	if l.Order.feeds() {
		for _, p := range g.locations {
			st.stocked[p] = max(st.stocked[p], l.Catalogue)
		}
	}
	if err := st.checkStock(ctx); err != nil {
		return m, fmt.Errorf("everything was answered with success: %w", err)
	}
	after, err := st.read(ctx)
	if err != nil {
		return m, err
	}
	m.total = after.cpu.since(before.cpu)
	m.commits = after.managers.since(before.managers, metricGroupCommits+"_count")
	m.grouped = after.managers.since(before.managers, metricGroupCommits+"_sum")
	m.snapshotWrites = after.managers.since(before.managers, metricSnapshotWrites)
	m.fsyncs = after.etcd.since(before.etcd, metricEtcdFsync+"_count")
	m.fsyncSeconds = after.etcd.since(before.etcd, metricEtcdFsync+"_sum")
	return m, nil
}

// reading is what is counted up at one moment.
type reading struct {
	cpu            cpu
	managers, etcd metrics
}

func (st *scenarioRun) read(ctx context.Context) (out reading, err error) {
	_, p := st.recorder.running()
	if out.cpu, err = p.cpu(); err != nil {
		return out, err
	}
	if out.managers, err = st.recorder.managers(ctx); err != nil {
		return out, err
	}
	out.etcd, err = scrape(ctx, st.recorder.etcd)
	return out, err
}
