package main

// summarize makes the figures of a load out of its rounds.
func (st *scenarioRun) summarize(step string, l *Load, mine, baseline []measured) error {
	both := func(name string, value func(measured) float64) {
		st.add(each(step, name, collect(mine, value), collect(baseline, value)))
	}
	alone := func(name string, value func(measured) float64) {
		st.add(each(step, name, collect(mine, value), nil))
	}
	both("skus_per_second", func(m measured) float64 { return perSecond(m.skus, m.elapsed) })
	both("batches_per_second", func(m measured) float64 { return perSecond(m.batches, m.elapsed) })
	st.add(percentiles(step, "ack_p50_ms", 50, mine, baseline), percentiles(step, "ack_p99_ms", 99, mine, baseline))
	both("cpu_us_per_sku", func(m measured) float64 { return m.total.product() * 1e6 / float64(m.skus) })
	both("cpu_cores", func(m measured) float64 { return (m.busy.product() + m.busy[roleBench]) / m.elapsed.Seconds() })
	for _, r := range []role{roleManager, roleAPIServer, roleEtcd} {
		both(string(r)+"_cores", func(m measured) float64 { return m.busy[r] / m.elapsed.Seconds() })
	}
	alone("batches_per_create", func(m measured) float64 { return quotient(m.grouped, m.commits) })
	alone("snapshot_writes_per_1000_sku", func(m measured) float64 { return 1000 * m.snapshotWrites / float64(m.skus) })
	alone("refused", func(m measured) float64 { return float64(m.refused) })
	alone("settle_seconds", func(m measured) float64 { return m.settle.Seconds() })
	alone("fsync_ms", func(m measured) float64 { return 1000 * quotient(m.fsyncSeconds, m.fsyncs) })
	if fresh, unasked := st.tracker.take(); fresh.count() > 0 {
		st.add(one(step, "unasked_pushes", float64(unasked)))
		for _, q := range []struct {
			name string
			p    float64
		}{{"freshness_p50_ms", 50}, {"freshness_p99_ms", 99}, {"freshness_max_ms", 100}} {
			f := one(step, q.name, fresh.percentile(q.p))
			f.Samples = fresh.count()
			st.add(f)
		}
	}
	return st.growths(step, l, mine)
}

// growths are the figures of what may fill up.
func (st *scenarioRun) growths(step string, l *Load, mine []measured) error {
	last := mine[len(mine)-1]
	st.add(one(step, "log_peak", peakOf(st.recorder.window(mine[0].from, last.to), logSize)))
	_, p := st.recorder.running()
	peak, err := p.peak()
	if err != nil {
		return err
	}
	st.add(one(step, "manager_rss_peak_mb", float64(peak)/megabyte))
	if l.BatchesPerSecond == 0 {
		return nil
	}
	samples := st.recorder.window(last.from, last.to)
	for _, g := range []struct {
		name  string
		value func(sample) float64
	}{{"log_growth", logSize}, {"rss_growth", managerRSS}, {"etcd_growth", etcdSize}} {
		if v, ok := growth(samples, g.value); ok {
			st.add(one(step, g.name, v))
		}
	}
	return nil
}

// percentiles compares a percentile round by round; value and baseline are those over all rounds together.
func percentiles(step, name string, p float64, mine, baseline []measured) Figure {
	value := func(m measured) float64 { return m.latency.percentile(p) }
	f := each(step, name, collect(mine, value), collect(baseline, value))
	all := together(mine)
	f.Value, f.Samples = all.percentile(p), all.count()
	if f.Baseline != nil {
		f.Baseline = new(together(baseline).percentile(p))
	}
	return f
}

func together(rounds []measured) *latencies {
	all := newLatencies()
	for _, m := range rounds {
		all.merge(m.latency)
	}
	return all
}

func collect(rounds []measured, value func(measured) float64) []float64 {
	var out []float64
	for _, m := range rounds {
		out = append(out, value(m))
	}
	return out
}

// quotient is 0 where there is nothing to divide by.
func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
