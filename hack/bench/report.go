package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
)

// Report is a whole run.
type Report struct {
	Environment Environment `json:"environment"`
	Results     []Result    `json:"results"`
}

// writeJSON writes the report with every sample.
func (r *Report) writeJSON(file string) error {
	raw, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(raw, '\n'), 0o644)
}

// print writes the report for people.
func (r *Report) print(w io.Writer) error {
	e := r.Environment
	fmt.Fprintf(w, "\n%s, commit %s, set %s, scale %g\n%s, %d cores, %d MB, %s, %s, Kubernetes %s, load %.2f\n",
		e.Date, e.Commit, e.Set, e.Scale, e.CPU, e.Cores, e.MemoryMB, e.OS, e.Go, e.Kubernetes, e.Load1)
	for _, doubt := range e.doubts() {
		fmt.Fprintf(w, "DO NOT QUOTE: %s\n", doubt)
	}
	fmt.Fprintln(w, "\nFigures. \"raw\" is the same load as plain creates; \"ratio\" is the median over rounds of value / raw.")
	if err := r.printFigures(w); err != nil {
		return err
	}
	fmt.Fprintln(w, "\nAims.")
	if err := r.printAims(w); err != nil {
		return err
	}
	for _, one := range r.Results {
		if one.Error != "" {
			fmt.Fprintf(w, "\n%s was broken off: %s\n", one.Scenario.Name, one.Error)
		}
	}
	return nil
}

func (r *Report) printFigures(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SCENARIO\tFIGURE\tVALUE\tRAW\tRATIO\tUNIT\tROUNDS\tSAMPLES")
	for _, one := range r.Results {
		for _, f := range one.Figures {
			fmt.Fprintln(t, strings.Join([]string{
				one.Scenario.Name, f.path(), number(&f.Value), number(f.Baseline), number(f.Ratio), f.Unit,
				count(int64(len(f.Rounds))), count(f.Samples),
			}, "\t"))
		}
	}
	return t.Flush()
}

func (r *Report) printAims(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SCENARIO\tFIGURE\tAIM\tGOT\tVERDICT")
	for _, one := range r.Results {
		for _, v := range one.Outcomes {
			fmt.Fprintln(t, strings.Join([]string{one.Scenario.Name, v.Figure, v.Aim, number(v.Got), v.word()}, "\t"))
		}
	}
	return t.Flush()
}

// word is the outcome in a word.
func (v Outcome) word() string {
	switch {
	case v.Got == nil:
		return "not measured"
	case v.Met:
		return "met"
	default:
		return "MISSED"
	}
}

// number writes a figure with three significant digits, or all that are before the point.
func number(v *float64) string {
	switch {
	case v == nil:
		return "-"
	case *v == math.Trunc(*v) || math.Abs(*v) >= 100:
		return strconv.FormatFloat(*v, 'f', 0, 64)
	case math.Abs(*v) >= 10:
		return strconv.FormatFloat(*v, 'f', 1, 64)
	default:
		return strconv.FormatFloat(*v, 'f', 2, 64)
	}
}

func count(n int64) string {
	if n == 0 {
		return "-"
	}
	return strconv.FormatInt(n, 10)
}
