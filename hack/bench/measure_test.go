package main

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestMedian(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{4, 1, 2, 9}, 3}} {
		if got := median(tc.values); got != tc.want {
			t.Errorf("median of %v: got %v, want %v", tc.values, got, tc.want)
		}
	}
}

func TestPercentiles(t *testing.T) {
	t.Parallel()
	a, b := newLatencies(), newLatencies()
	for ms := 1; ms <= 50; ms++ {
		a.add(time.Duration(ms) * time.Millisecond)
		b.add(time.Duration(ms+50) * time.Millisecond)
	}
	a.merge(b)
	for p, want := range map[float64]float64{50: 50, 99: 99, 100: 100} {
		if got := a.percentile(p); math.Abs(got-want) > want/1000 {
			t.Errorf("p%v: got %v ms, want %v", p, got, want)
		}
	}
	a.add(0)
	a.add(2 * time.Hour)
	if got := a.count(); got != 102 {
		t.Errorf("got %d latencies, want those out of bounds too: 102", got)
	}
}

// TestRatiosAreThoseOfRounds has both sides drift by the same factor.
func TestRatiosAreThoseOfRounds(t *testing.T) {
	t.Parallel()
	got := each("load", "skus_per_second", []float64{90, 180, 45}, []float64{100, 200, 50})
	want := Figure{
		Step: "load", Name: "skus_per_second", Unit: "SKU/s", Value: 90, Baseline: new(100.0), Ratio: new(0.9),
		Rounds: []float64{90, 180, 45}, BaselineRounds: []float64{100, 200, 50},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f := each("load", "refused", []float64{1}, []float64{0}); f.Ratio != nil {
		t.Errorf("got a ratio %v to nothing", *f.Ratio)
	}
}

func TestCompareFigures(t *testing.T) {
	t.Parallel()
	figures := []Figure{
		{Step: "a", Name: "x", Value: 10, Ratio: new(0.8)},
		{Step: "b", Name: "x", Value: 20},
		{Step: "c", Name: "x"},
	}
	expect := func(figure string, of Comparand, other string, least, most *float64) Expectation {
		return Expectation{Figure: figure, Of: of, RelativeTo: other, AtLeast: least, AtMost: most}
	}
	type outcome struct {
		Aim string
		Got *float64
		Met bool
	}
	cases := map[string]struct {
		expect Expectation
		want   outcome
	}{
		"a value that is enough":     {expect("a.x", OfValue, "", new(10.0), nil), outcome{"at least 10", new(10.0), true}},
		"a value that is too much":   {expect("a.x", OfValue, "", nil, new(9.5)), outcome{"at most 9.5", new(10.0), false}},
		"a ratio that is too little": {expect("a.x", OfBaseline, "", new(0.9), nil), outcome{"at least 0.9 x raw", new(0.8), false}},
		"a ratio to a figure":        {expect("b.x", OfFigure, "a.x", nil, new(2.0)), outcome{"at most 2 x a.x", new(2.0), true}},
		"no baseline":                {expect("b.x", OfBaseline, "", new(0.9), nil), outcome{"at least 0.9 x raw", nil, false}},
		"no figure":                  {expect("d.x", OfValue, "", new(0.9), nil), outcome{"at least 0.9", nil, false}},
		"nothing to divide by":       {expect("a.x", OfFigure, "c.x", nil, new(2.0)), outcome{"at most 2 x c.x", nil, false}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := compareFigures([]Expectation{tc.expect}, figures)[0]
			if diff := cmp.Diff(tc.want, outcome{v.Aim, v.Got, v.Met}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMissed(t *testing.T) {
	t.Parallel()
	aims, broken := missed([]Result{
		{Outcomes: []Outcome{{Met: true}, {Met: false}}},
		{Error: "no etcd", Outcomes: []Outcome{{Met: false}}},
	})
	if aims != 2 || broken != 1 {
		t.Errorf("got %d aims missed and %d scenarios broken off, want 2 and 1", aims, broken)
	}
}

// samplesOf makes a sample a second.
func samplesOf(seconds int, log func(second int) float64) []sample {
	out := make([]sample, seconds)
	for i := range out {
		out[i] = sample{
			Seconds: float64(i), LogBatches: log(i), EtcdBytes: 20e6 + 1e5*log(i), EtcdInUse: 15e6,
			RSS: map[role]int64{roleManager: 60e6, roleAPIServer: 400e6, roleEtcd: 100e6},
		}
	}
	return out
}

func TestGrowth(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		log  func(int) float64
		want float64
	}{
		"without bound": {func(i int) float64 { return float64(i + 1) }, 1.5},
		"a saw":         {func(i int) float64 { return float64(i % 30) }, 1},
		"a plateau":     {func(i int) float64 { return min(float64(i), 120) }, 1},
	} {
		got, ok := growth(samplesOf(600, tc.log), logSize)
		if !ok || math.Abs(got-tc.want) > 0.01 {
			t.Errorf("%s: got %v, %t, want %v", name, got, ok, tc.want)
		}
	}
	if _, ok := growth(samplesOf(8, func(int) float64 { return 1 }), logSize); ok {
		t.Error("eight samples have no growth to speak of")
	}
	if _, ok := growth(samplesOf(60, func(int) float64 { return 0 }), logSize); ok {
		t.Error("nothing has no growth")
	}
}

func TestTracker(t *testing.T) {
	t.Parallel()
	began := time.Unix(1000, 0)
	at := func(ms int) time.Time { return began.Add(time.Duration(ms) * time.Millisecond) }
	tr := newTracker(2)
	tr.sending(batch{locationIndex{1, 0}, []string{"A"}, 5}, at(0))
	tr.sending(batch{locationIndex{1, 0}, []string{"A"}, 6}, at(10))
	tr.received(2, "A", 4, at(20)) // older than both
	tr.received(2, "A", 6, at(30)) // overtakes 5
	tr.received(0, "A", 6, at(30)) // another tenant's
	tr.received(2, "X", 1, at(30)) // nobody measures it
	if got := tr.waiting(); got != 2 {
		t.Errorf("%d quantities are under way, want those of the second channel: 2", got)
	}
	tr.received(3, "A", 5, at(40))
	tr.received(3, "A", 6, at(50))
	got, unasked := tr.take()
	if tr.waiting() != 0 || got.count() != 4 || unasked != 3 {
		t.Errorf("%d are under way, %d have arrived, and %d came unasked, want 0, 4 and 3", tr.waiting(), got.count(), unasked)
	}
	if p := got.percentile(100); math.Abs(p-40) > 0.1 {
		t.Errorf("the longest took %v ms, want 40", p)
	}
	if got, unasked = tr.take(); got.count() != 0 || unasked != 0 {
		t.Error("what was taken is there again")
	}
}

func TestParseMetrics(t *testing.T) {
	t.Parallel()
	const page = `# TYPE a_total counter
a_total{x="1"} 2
a_total{x="2"} 3
# TYPE b gauge
b 7
# TYPE c histogram
c_bucket{le="1"} 1
c_bucket{le="+Inf"} 4
c_sum 6
c_count 4
`
	got, err := parseMetrics(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(metrics{"a_total": 5, "b": 7, "c_sum": 6, "c_count": 4}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]bool{true, true, true, false}, []bool{counts("a_total"), counts("c_sum"), counts("c_count"), counts("b")}); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func TestCPU(t *testing.T) {
	t.Parallel()
	got := cpu{roleManager: 3, roleEtcd: 2, roleBench: 9}.since(cpu{roleManager: 1, roleEtcd: 1.5, roleBench: 1})
	if diff := cmp.Diff(cpu{roleManager: 2, roleEtcd: 0.5, roleBench: 8}, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got.product() != 2.5 {
		t.Errorf("got %v s without the senders, want 2.5", got.product())
	}
}
