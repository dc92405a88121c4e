package main

import (
	"bytes"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// sampleReport is a report with everything in it.
func sampleReport() *Report {
	samples := samplesOf(120, func(i int) float64 { return 50 * (1 + math.Sin(float64(i)/10)) })
	return &Report{
		Environment: Environment{
			Date: "2024-02-29T12:00:00Z", Commit: "abc1234", CPU: "A processor", Cores: 2, MemoryMB: 8192,
			OS: "linux/amd64", Go: "go1.26.0", Kubernetes: "1.37.2", Load1: 0.1, Scale: 1, Set: "short",
		},
		Results: []Result{
			{
				Scenario: &Scenario{Name: "feed", Charts: true}, Samples: samples,
				Figures: []Figure{
					{Step: "sorted", Name: "skus_per_second", Unit: "SKU/s", Value: 45678.9, Baseline: new(50000.0), Ratio: new(0.9136), Rounds: []float64{1, 2}},
					{Step: "sorted", Name: "ack_p50_ms", Unit: "ms", Value: 12.34, Samples: 1000},
				},
				Outcomes: []Outcome{
					{Expectation: Expectation{Figure: "sorted.skus_per_second"}, Aim: "at least 0.9 x raw", Got: new(0.9136), Met: true},
					{Expectation: Expectation{Figure: "sorted.ack_p50_ms"}, Aim: "at most 10", Got: new(12.34)},
					{Expectation: Expectation{Figure: "sorted.log_growth"}, Aim: "at most 1.2"},
				},
			},
			{Scenario: &Scenario{Name: "lone"}, Error: "no etcd"},
		},
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := sampleReport().print(&out); err != nil {
		t.Fatal(err)
	}
	golden(t, "report.txt", out.Bytes())
}

func TestChart(t *testing.T) {
	t.Parallel()
	svg, err := pictures[0].draw("feed", sampleReport().Results[0].Samples)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "memory.svg", svg)
}

func TestThin(t *testing.T) {
	t.Parallel()
	got := thin(samplesOf(1000, func(int) float64 { return 0 }), 4)
	var seconds []float64
	for _, s := range got {
		seconds = append(seconds, s.Seconds)
	}
	if diff := cmp.Diff([]float64{0, 333, 666, 999}, seconds); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDoubts(t *testing.T) {
	t.Parallel()
	e := Environment{Scale: 0.5, Load1: 3, Commit: "abc-dirty"}
	if got := len(e.doubts()); got != 3 {
		t.Errorf("got %d doubts, want 3", got)
	}
	if got := sampleReport().Environment.doubts(); len(got) != 0 {
		t.Errorf("got doubts %q where there is no reason", got)
	}
}

func TestWriteDocs(t *testing.T) {
	t.Parallel()
	page := filepath.Join(t.TempDir(), "page.md")
	var text bytes.Buffer
	text.WriteString("# Before\n")
	for _, name := range []string{"environment", "aims", "figures", "charts"} {
		fmt.Fprintf(&text, "<!-- bench: %[1]s -->\nold\n<!-- /bench: %[1]s -->\n", name)
	}
	text.WriteString("after\n")
	if err := os.WriteFile(page, text.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeDocs(sampleReport(), page); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "page.md", got)
	for _, p := range pictures {
		if _, err := os.Stat(filepath.Join(filepath.Dir(page), "performance", p.file("feed"))); err != nil {
			t.Error(err)
		}
	}
	if err := os.WriteFile(page, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeDocs(sampleReport(), page); err == nil || !strings.Contains(err.Error(), "has no section") {
		t.Errorf("got %v for a page without markers", err)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"nothing":            {nil, ""},
		"an unknown set":     {[]string{"-set", "long"}, "-set long: must be short or full"},
		"no scale":           {[]string{"-scale", "0"}, "-scale 0: must be above 0"},
		"not a number":       {[]string{"-scale", "NaN"}, "must be above 0"},
		"docs of a mere try": {[]string{"-scale", "0.1", "-docs", "x.md"}, "-docs: a scaled run"},
	} {
		_, err := parse(tc.args, &bytes.Buffer{})
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}
