package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sections are what a page may have between `<!-- bench: NAME -->` and `<!-- /bench: NAME -->`.
var sections = map[string]func(*Report) string{
	"environment": (*Report).environmentMarkdown,
	"aims":        (*Report).aimsMarkdown,
	"figures":     (*Report).figuresMarkdown,
	"charts":      (*Report).chartsMarkdown,
}

// chartsFolder is where a page's charts are, beside it.
const chartsFolder = "performance"

// writeDocs writes the report into the sections of a page, and the charts beside it.
func writeDocs(r *Report, page string) error {
	raw, err := os.ReadFile(page)
	if err != nil {
		return err
	}
	for name, markdown := range sections {
		if raw, err = replaceSection(raw, name, markdown(r)); err != nil {
			return fmt.Errorf("%s: %w", page, err)
		}
	}
	if err := writeCharts(r, filepath.Join(filepath.Dir(page), chartsFolder)); err != nil {
		return err
	}
	return os.WriteFile(page, raw, 0o644)
}

// replaceSection replaces what is between a section's markers.
func replaceSection(page []byte, name, text string) ([]byte, error) {
	begin, end := []byte("<!-- bench: "+name+" -->\n"), []byte("<!-- /bench: "+name+" -->\n")
	head, rest, opened := bytes.Cut(page, begin)
	_, tail, closed := bytes.Cut(rest, end)
	if !opened || !closed {
		return nil, fmt.Errorf("has no section between %q and %q", bytes.TrimSpace(begin), bytes.TrimSpace(end))
	}
	return bytes.Join([][]byte{head, begin, []byte(text), end, tail}, nil), nil
}

func (r *Report) environmentMarkdown() string {
	e := r.Environment
	out := fmt.Sprintf("%s, commit %s, set %s: %s, %d cores, %d MB, %s, %s, Kubernetes %s.\n",
		e.Date, e.Commit, e.Set, e.CPU, e.Cores, e.MemoryMB, e.OS, e.Go, e.Kubernetes)
	for _, doubt := range e.doubts() {
		out += "\nBut " + doubt + ".\n"
	}
	return out
}

func (r *Report) aimsMarkdown() string {
	out := row("scenario", "figure", "aim", "measured", "verdict") + rule(5)
	for _, one := range r.Results {
		for _, v := range one.Verdicts {
			out += row(one.Scenario.Name, v.Figure, v.Aim, number(v.Got), v.verdict())
		}
	}
	return out
}

func (r *Report) figuresMarkdown() string {
	out := row("scenario", "figure", "value", "raw", "ratio", "unit") + rule(6)
	for _, one := range r.Results {
		for _, f := range one.Figures {
			out += row(one.Scenario.Name, f.path(), number(&f.Value), number(f.Baseline), number(f.Ratio), f.Unit)
		}
	}
	return out
}

func (r *Report) chartsMarkdown() string {
	out := ""
	for _, one := range r.Results {
		if !one.Scenario.Charts || len(one.Samples) < 2 {
			continue
		}
		for _, p := range pictures {
			out += fmt.Sprintf("![%s, %s](%s/%s)\n\n", p.title, one.Scenario.Name, chartsFolder, p.file(one.Scenario.Name))
		}
	}
	return out
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |\n" }

func rule(n int) string { return strings.Repeat("|---", n) + "|\n" }
