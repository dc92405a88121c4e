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
	var out strings.Builder
	e := r.Environment
	fmt.Fprintf(&out, "%s, commit %s, set %s: %s, %d cores, %d MB, %s, %s, Kubernetes %s.\n",
		e.Date, e.Commit, e.Set, e.CPU, e.Cores, e.MemoryMB, e.OS, e.Go, e.Kubernetes)
	for _, doubt := range e.doubts() {
		fmt.Fprintf(&out, "\nBut %s.\n", doubt)
	}
	return out.String()
}

func (r *Report) aimsMarkdown() string {
	t := newTable("scenario", "figure", "aim", "measured", "verdict")
	for _, one := range r.Results {
		for _, v := range one.Outcomes {
			t.row(one.Scenario.Name, v.Figure, v.Aim, number(v.Got), v.word())
		}
	}
	return t.String()
}

func (r *Report) figuresMarkdown() string {
	t := newTable("scenario", "figure", "value", "raw", "ratio", "unit")
	for _, one := range r.Results {
		for _, f := range one.Figures {
			t.row(one.Scenario.Name, f.path(), number(&f.Value), number(f.Baseline), number(f.Ratio), f.Unit)
		}
	}
	return t.String()
}

func (r *Report) chartsMarkdown() string {
	var out strings.Builder
	for _, one := range r.Results {
		if !one.Scenario.Charts || len(one.Samples) < 2 {
			continue
		}
		for _, p := range pictures {
			fmt.Fprintf(&out, "![%s, %s](%s/%s)\n\n", p.title, one.Scenario.Name, chartsFolder, p.file(one.Scenario.Name))
		}
	}
	return out.String()
}

// table is a table in Markdown.
type table struct{ strings.Builder }

func newTable(columns ...string) *table {
	t := &table{}
	t.row(columns...)
	t.WriteString(strings.Repeat("|---", len(columns)) + "|\n")
	return t
}

func (t *table) row(cells ...string) { t.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
