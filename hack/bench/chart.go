package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/go-analyze/charts"
)

// Size of charts, in pixels, and how many points a line has at the most: more than one for each pixel says nothing.
const (
	chartWidth  = 800
	chartHeight = 320
	chartPoints = 400
)

// curve is one line of a chart.
type curve struct {
	name  string
	value func(sample) float64
}

// picture is a chart over a scenario's time.
type picture struct {
	name, title string
	curves      []curve
}

// pictures are the growth curves.
var pictures = []picture{
	{"memory", "Resident memory, MB", []curve{
		{"manager", func(s sample) float64 { return managerRSS(s) / megabyte }},
		{"API server", func(s sample) float64 { return float64(s.RSS[roleAPIServer]) / megabyte }},
		{"etcd", func(s sample) float64 { return float64(s.RSS[roleEtcd]) / megabyte }},
	}},
	{"etcd", "etcd's database, MB", []curve{
		{"file", func(s sample) float64 { return etcdSize(s) / megabyte }},
		{"in use", func(s sample) float64 { return s.EtcdInUse / megabyte }},
	}},
	{"log", "Stored batches", []curve{{"batches", logSize}}},
	{"lag", "Quantities on their way", []curve{
		{"to snapshots", func(s sample) float64 { return s.UnfoldedSKUs }},
		{"to channels", func(s sample) float64 { return float64(s.Waiting) }},
	}},
}

// writeCharts writes the growth curves of the scenarios that want some.
func writeCharts(r *Report, dir string) error {
	for _, one := range r.Results {
		if !one.Scenario.Charts || len(one.Samples) < 2 {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for _, p := range pictures {
			svg, err := p.draw(one.Scenario.Name, one.Samples)
			if err != nil {
				return fmt.Errorf("chart %s of %s: %w", p.name, one.Scenario.Name, err)
			}
			if err := os.WriteFile(filepath.Join(dir, p.file(one.Scenario.Name)), svg, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p picture) file(scenario string) string { return scenario + "-" + p.name + ".svg" }

// draw makes the chart as SVG.
func (p picture) draw(scenario string, samples []sample) ([]byte, error) {
	samples = thin(samples, chartPoints)
	values := make([][]float64, len(p.curves))
	names := make([]string, len(p.curves))
	for i, c := range p.curves {
		names[i] = c.name
		for _, s := range samples {
			values[i] = append(values[i], c.value(s))
		}
	}
	opt := charts.NewLineChartOptionWithData(values)
	opt.Title.Text = fmt.Sprintf("%s (%s)", p.title, scenario)
	opt.Title.FontStyle.FontSize = 12
	opt.Legend.SeriesNames = names
	opt.Legend.Offset = charts.OffsetRight
	opt.LineStrokeWidth = 1.5
	opt.Symbol.Shape = charts.SymbolNone
	opt.XAxis.Title = "minutes"
	opt.XAxis.Labels = nil // in place of those that number the points
	for _, s := range samples {
		opt.XAxis.Labels = append(opt.XAxis.Labels, fmt.Sprintf("%.1f", s.Seconds/60))
	}
	opt.XAxis.LabelCount = 10
	for i := range opt.YAxis {
		opt.YAxis[i].Min = new(0.0)
	}
	painter := charts.NewPainter(charts.PainterOptions{OutputFormat: charts.ChartOutputSVG, Width: chartWidth, Height: chartHeight})
	if err := painter.LineChart(opt); err != nil {
		return nil, err
	}
	return painter.Bytes()
}

// thin keeps at most so many samples, evenly spread, the last one among them.
func thin(samples []sample, most int) []sample {
	if len(samples) <= most {
		return samples
	}
	out := make([]sample, most)
	for i := range out {
		out[i] = samples[i*(len(samples)-1)/(most-1)]
	}
	return out
}
