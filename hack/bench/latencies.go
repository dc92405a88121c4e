package main

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bounds of what is recorded, in microseconds, with three significant digits.
const (
	shortest = 1
	longest  = int64(time.Hour / time.Microsecond)
	digits   = 3
)

// latencies is a distribution of durations.
type latencies struct{ h *hdrhistogram.Histogram }

func newLatencies() *latencies { return &latencies{hdrhistogram.New(shortest, longest, digits)} }

// add records a duration; what is out of bounds counts as the bound.
func (l *latencies) add(d time.Duration) {
	_ = l.h.RecordValue(min(max(d.Microseconds(), shortest), longest)) // within bounds it has no error
}

func (l *latencies) merge(other *latencies) { l.h.Merge(other.h) }

func (l *latencies) count() int64 { return l.h.TotalCount() }

// percentile returns the latency in milliseconds that p of a hundred do not exceed.
func (l *latencies) percentile(p float64) float64 {
	return float64(l.h.ValueAtPercentile(p)) / 1000
}

// median of values, of which there must be some. Of an even number, it is the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratios divides pairwise.
func ratios(values, by []float64) []float64 {
	out := make([]float64, len(values))
	for i := range values {
		out[i] = values[i] / by[i]
	}
	return out
}
