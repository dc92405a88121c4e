package main

import (
	"context"
	"fmt"
	"time"
)

const (
	// settlePoll is how exactly the time until everything has settled is known.
	settlePoll = 250 * time.Millisecond

	// settleQuiet is how long nothing may be under way: what the API server has acknowledged reaches the
	// managers a moment later.
	settleQuiet = time.Second
)

// settle waits until everything that was sent is folded and pushed, and returns when that was: how long after the call.
func (st *scenarioRun) settle(ctx context.Context) (time.Duration, error) {
	began := st.clock.Now()
	quiet := began
	for {
		now := st.clock.Now()
		m, err := st.recorder.managers(ctx)
		if err != nil {
			return 0, err
		}
		unfolded, waiting := m[metricUnfolded], st.tracker.waiting()
		switch {
		case unfolded > 0 || waiting > 0:
			quiet = time.Time{}
		case quiet.IsZero():
			quiet = now
		}
		if !quiet.IsZero() && now.Sub(quiet) >= settleQuiet {
			return quiet.Sub(began), nil
		}
		if now.Sub(began) > settlePatience {
			return 0, fmt.Errorf("%s after the last answer, %.0f quantities are not folded, and %d have not reached their channel",
				settlePatience, unfolded, waiting)
		}
		if err := st.pause(ctx, settlePoll); err != nil {
			return 0, err
		}
	}
}

// rest looks on while nothing happens.
func (st *scenarioRun) rest(ctx context.Context, step string, r *Rest) error {
	if _, err := st.settle(ctx); err != nil {
		return err
	}
	_, p := st.recorder.running()
	from := st.recorder.seconds()
	before, err := p.cpu()
	if err != nil {
		return err
	}
	if err := st.pause(ctx, r.Duration.Duration); err != nil {
		return err
	}
	after, err := p.cpu()
	if err != nil {
		return err
	}
	peak, err := p.peak()
	if err != nil {
		return err
	}
	samples := st.recorder.window(from, st.recorder.seconds())
	if len(samples) == 0 {
		return fmt.Errorf("rest.duration: %s: is too short for a look each %s", r.Duration.Duration, sampleEvery)
	}
	rss := medianOf(samples, managerRSS)
	st.add(
		one(step, "rss_mb", rss/megabyte),
		one(step, "manager_rss_peak_mb", float64(peak)/megabyte),
		one(step, "manager_cpu_percent", 100*after.since(before)[roleManager]/r.Duration.Seconds()),
		one(step, "etcd_mb", medianOf(samples, etcdSize)/megabyte),
		one(step, "etcd_in_use_mb", medianOf(samples, func(s sample) float64 { return s.EtcdInUse })/megabyte),
	)
	if residents := st.residents(); residents > 0 {
		st.add(one(step, "rss_bytes_per_sku", (rss-allowance)/float64(residents)))
	}
	st.say("%s: %.0f MB resident with %d SKU-locations", step, rss/megabyte, st.residents())
	return nil
}

// residents is the number of SKU-locations that are known to be there.
func (st *scenarioRun) residents() int {
	n := 0
	for _, skus := range st.stocked {
		n += skus
	}
	return n
}

func managerRSS(s sample) float64 { return float64(s.RSS[roleManager]) }
func etcdSize(s sample) float64   { return s.EtcdBytes }
func logSize(s sample) float64    { return s.LogBatches }
