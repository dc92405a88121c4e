package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// flagRow is one flag as the README's table has it.
type flagRow struct{ Name, Default, Meaning string }

// TestFlagTable keeps the README's table of flags the one that the binary has, in the order of
// their names.
func TestFlagTable(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	opts := defaultOptions()
	flags := flag.NewFlagSet("tallyman", flag.ContinueOnError)
	opts.bind(flags)
	var want []flagRow
	flags.VisitAll(func(f *flag.Flag) {
		want = append(want, flagRow{"--" + f.Name, f.DefValue, f.Usage})
	})
	if diff := cmp.Diff(want, readFlagTable(t, string(readme))); diff != "" {
		t.Errorf("table of flags in README.md (-want +got):\n%s", diff)
	}
}

// readFlagTable reads the table between the markers.
func readFlagTable(t *testing.T, text string) []flagRow {
	t.Helper()
	_, text, begins := strings.Cut(text, "<!-- flags -->\n")
	text, _, ends := strings.Cut(text, "<!-- /flags -->")
	if !begins || !ends {
		t.Fatal("README.md lacks the markers of the table of flags")
	}
	var rows []flagRow
	for line := range strings.Lines(text) {
		cells := tableCells(line)
		if len(cells) == 0 || !strings.HasPrefix(cells[0], "`--") {
			continue // the head, and the line below it
		}
		if len(cells) != 3 {
			t.Fatalf("%d cells, want 3: %s", len(cells), line)
		}
		rows = append(rows, flagRow{unquote(cells[0]), unquote(cells[1]), cells[2]})
	}
	return rows
}

// tableCells splits a line of a Markdown table; none where it is another line.
func tableCells(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || !strings.HasSuffix(line, "|") || len(line) < 2 {
		return nil
	}
	cells := strings.Split(line[1:len(line)-1], "|")
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	return cells
}

// unquote takes the backticks off.
func unquote(cell string) string { return strings.Trim(cell, "`") }
