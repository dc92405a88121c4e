package main

import (
	"fmt"
	"slices"
)

// Figure is one result.
type Figure struct {
	Step  string  `json:"step"`
	Name  string  `json:"name"`
	Unit  string  `json:"unit,omitempty"`
	Value float64 `json:"value"`
	// Baseline is the same of plain creates, and Ratio the value divided by it: the median over the rounds of
	// what each measured side by side.
	Baseline *float64 `json:"baseline,omitempty"`
	Ratio    *float64 `json:"ratio,omitempty"`
	// Rounds and BaselineRounds are what the rounds measured one by one.
	Rounds         []float64 `json:"rounds,omitempty"`
	BaselineRounds []float64 `json:"baselineRounds,omitempty"`
	// Samples is how many single measurements a percentile comes from.
	Samples int64 `json:"samples,omitempty"`
}

func (f Figure) path() string { return f.Step + "." + f.Name }

// definition says what a figure is.
type definition struct {
	unit, meaning string
	measuredBy    func(*Step, *Scenario) bool
}

// Who measures a figure.
var (
	byLoad      = func(st *Step, _ *Scenario) bool { return st.Load != nil }
	byOpenLoad  = func(st *Step, _ *Scenario) bool { return st.Load != nil && st.Load.BatchesPerSecond > 0 }
	byFreshness = func(st *Step, s *Scenario) bool { return st.Load != nil && len(s.Tenants.Channels) > 0 }
	byStart     = func(st *Step, _ *Scenario) bool { return st.Start != nil }
	byResidents = func(st *Step, _ *Scenario) bool { return st.Residents != nil }
	byRest      = func(st *Step, _ *Scenario) bool { return st.Rest != nil }
)

const (
	megabyte = 1e6

	// allowance is the memory of a manager without stock, in bytes, that the aim per SKU does not count.
	allowance = 60 * megabyte
)

// figures are all that steps measure.
var figures = map[string]definition{
	"skus_per_second":              {"SKU/s", "quantities acknowledged in a second", byLoad},
	"batches_per_second":           {"batch/s", "requests acknowledged in a second", byLoad},
	"ack_p50_ms":                   {"ms", "from when a batch was due to its answer, median", byLoad},
	"ack_p99_ms":                   {"ms", "from when a batch was due to its answer, 99th percentile", byLoad},
	"cpu_us_per_sku":               {"µs", "processor time of manager, API server and etcd for a quantity, until it is folded and pushed", byLoad},
	"cpu_cores":                    {"cores", "processors busy while batches were sent, senders included", byLoad},
	"manager_cores":                {"cores", "of those, the managers'", byLoad},
	"apiserver_cores":              {"cores", "of those, the API server's", byLoad},
	"etcd_cores":                   {"cores", "of those, etcd's", byLoad},
	"batches_per_create":           {"", "requests that went into one batch, mean", byLoad},
	"snapshot_writes_per_1000_sku": {"", "snapshots written for a thousand quantities", byLoad},
	"refused":                      {"", "answers that asked to send a batch again", byLoad},
	"settle_seconds":               {"s", "from the last answer until everything is folded and pushed", byLoad},
	"fsync_ms":                     {"ms", "mean duration of etcd's fsyncs meanwhile", byLoad},
	"log_peak":                     {"", "most batches stored at once", byLoad},
	"manager_rss_peak_mb":          {"MB", "most memory that a manager has had resident so far", func(st *Step, _ *Scenario) bool { return st.Load != nil || st.Start != nil || st.Rest != nil }},
	"freshness_p50_ms":             {"ms", "from when a batch was due to the channel's receipt, median over quantities and channels", byFreshness},
	"freshness_p99_ms":             {"ms", "from when a batch was due to the channel's receipt, 99th percentile", byFreshness},
	"freshness_max_ms":             {"ms", "from when a batch was due to the channel's receipt, longest", byFreshness},
	"unasked_pushes":               {"", "quantities that channels were told of that they had already, those of the warm-up among them", byFreshness},
	"log_growth":                   {"", "peak of stored batches in the last third of the load, divided by that in the second", byOpenLoad},
	"rss_growth":                   {"", "peak of the manager's memory in the last third of the load, divided by that in the second", byOpenLoad},
	"etcd_growth":                  {"", "peak of etcd's file in the last third of the load, divided by that in the second", byOpenLoad},
	"ready_seconds":                {"s", "from the start of the processes until all of them serve", byStart},
	"leading_seconds":              {"s", "from the start of the processes until one of each group leads", byStart},
	"snapshots_per_second":         {"snapshot/s", "snapshots created in a second", byResidents},
	"rss_mb":                       {"MB", "memory that the largest manager has resident, median", byRest},
	"rss_bytes_per_sku":            {"B", "of that, what is above 60 MB, for each resident SKU-location", byRest},
	"manager_cpu_percent":          {"%", "of one processor that the managers use at rest", byRest},
	"etcd_mb":                      {"MB", "size of etcd's file", byRest},
	"etcd_in_use_mb":               {"MB", "size of what is in use of it", byRest},
}

// one makes a figure of a single measurement.
func one(step, name string, value float64) Figure {
	return Figure{Step: step, Name: name, Unit: unitOf(name), Value: value}
}

// each makes a figure of a measurement per round, with that of the baseline where there was one.
func each(step, name string, rounds, baseline []float64) Figure {
	f := one(step, name, median(rounds))
	if len(rounds) > 1 {
		f.Rounds, f.BaselineRounds = rounds, baseline
	}
	if len(baseline) > 0 && !slices.Contains(baseline, 0) {
		f.Baseline, f.Ratio = new(median(baseline)), new(median(ratios(rounds, baseline)))
	}
	return f
}

func unitOf(name string) string {
	def, ok := figures[name]
	if !ok {
		panic(fmt.Sprintf("figure %q is not defined", name)) // a programming error
	}
	return def.unit
}
