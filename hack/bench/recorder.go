package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// sampleEvery is how often the recorder looks.
const sampleEvery = time.Second

// sample is one look at everything. What could not be read at that moment is zero.
type sample struct {
	Seconds      float64        `json:"seconds"` // since the scenario began
	RSS          map[role]int64 `json:"rssBytes"`
	EtcdBytes    float64        `json:"etcdBytes"`      // size of the file, which never shrinks
	EtcdInUse    float64        `json:"etcdInUseBytes"` // what compaction has left of it
	LogBatches   float64        `json:"logBatches"`     // stored, folded or not
	UnfoldedSKUs float64        `json:"unfoldedSKUs"`
	Waiting      int            `json:"waiting"` // quantities on their way to channels
}

// recorder looks at processes and metrics while scenarios run.
type recorder struct {
	clock   clock.WithTicker
	etcd    string // URL of etcd's metrics
	tracker *tracker
	began   time.Time

	mu        sync.Mutex
	procs     procs
	processes []*process
	samples   []sample
}

// use tells the recorder which managers run; none while they are started or stopped.
func (r *recorder) use(processes []*process, p procs) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.processes, r.procs = processes, p
}

// running returns what use was told last.
func (r *recorder) running() ([]*process, procs) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.processes, r.procs
}

// run looks on until the context ends.
func (r *recorder) run(ctx context.Context) {
	ticker := r.clock.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		if s, err := r.look(ctx); err == nil { // a process that is just going leaves a gap
			r.mu.Lock()
			r.samples = append(r.samples, s)
			r.mu.Unlock()
		}
	}
}

// look takes one sample.
func (r *recorder) look(ctx context.Context) (sample, error) {
	_, p := r.running()
	s := sample{Seconds: r.seconds(), Waiting: r.tracker.waiting()}
	var err error
	if s.RSS, err = p.rss(); err != nil {
		return s, err
	}
	etcd, err := scrape(ctx, r.etcd)
	if err != nil {
		return s, err
	}
	s.EtcdBytes, s.EtcdInUse = etcd[metricEtcdSize], etcd[metricEtcdInUse]
	ledger, err := r.managers(ctx)
	if err != nil {
		return s, err
	}
	s.LogBatches, s.UnfoldedSKUs = ledger[metricLog], ledger[metricUnfolded]
	return s, nil
}

// seconds since the scenario began.
func (r *recorder) seconds() float64 { return r.clock.Since(r.began).Seconds() }

// managers returns the metrics of all managers: counters summed over processes. Processes with the same tenants
// know the same stock: of their gauges, the largest counts, summed over sets of tenants.
func (r *recorder) managers(ctx context.Context) (metrics, error) {
	processes, _ := r.running()
	out, gauges := metrics{}, map[string]metrics{}
	for _, p := range processes {
		m, err := scrape(ctx, p.metrics)
		if err != nil {
			return nil, fmt.Errorf("metrics of a manager: %w", err)
		}
		if gauges[p.namespaces] == nil {
			gauges[p.namespaces] = metrics{}
		}
		for name, v := range m {
			if counts(name) {
				out[name] += v
				continue
			}
			gauges[p.namespaces][name] = max(gauges[p.namespaces][name], v)
		}
	}
	for _, m := range gauges {
		for name, v := range m {
			out[name] += v
		}
	}
	return out, nil
}

// counts reports whether a metric is a counter, not a gauge, by the naming rules of Prometheus.
func counts(name string) bool {
	return strings.HasSuffix(name, "_total") || strings.HasSuffix(name, "_sum") || strings.HasSuffix(name, "_count")
}

// window returns the samples from one time to another, in seconds since the scenario began.
func (r *recorder) window(from, to float64) []sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []sample
	for _, s := range r.samples {
		if s.Seconds >= from && s.Seconds <= to {
			out = append(out, s)
		}
	}
	return out
}

// all returns every sample so far.
func (r *recorder) all() []sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.samples)
}

// peakOf returns the largest of what is looked at.
func peakOf(samples []sample, value func(sample) float64) float64 {
	most := 0.0
	for _, s := range samples {
		most = max(most, value(s))
	}
	return most
}

// medianOf returns the median of what is looked at; 0 without samples.
func medianOf(samples []sample, value func(sample) float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = value(s)
	}
	return median(values)
}

// minThirds is the fewest samples whose growth says anything.
const minThirds = 9

// growth compares the peak in the last third of a time with that in the second; 1 means none. The first third
// is for getting there. It is false where there are too few samples, or nothing to compare with.
func growth(samples []sample, value func(sample) float64) (float64, bool) {
	third := len(samples) / 3
	if len(samples) < minThirds {
		return 0, false
	}
	before := peakOf(samples[third:2*third], value)
	return peakOf(samples[2*third:], value) / before, before > 0
}
