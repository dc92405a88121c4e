package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// place matches a function that a page names by its file.
var place = regexp.MustCompile("`([a-z0-9_/]+\\.go)(?:: (\\w+))?`")

// TestDesignNamesPlacesThatExist keeps the walk, and whatever else names a function by its file, true of the code.
func TestDesignNamesPlacesThatExist(t *testing.T) {
	t.Parallel()
	page := read(t, "docs/design.md")
	if !place.MatchString(page) {
		t.Fatal("docs/design.md names no function by its file")
	}
	for _, match := range place.FindAllStringSubmatch(page, -1) {
		file, function := match[1], match[2]
		code, err := os.ReadFile(file)
		if err != nil {
			t.Errorf("docs/design.md: %v", err)
			continue
		}
		declared := regexp.MustCompile(`(?m)^func (\(\w* ?\*?\w+\) )?` + regexp.QuoteMeta(function) + `\(`)
		if function != "" && !declared.Match(code) {
			t.Errorf("docs/design.md: %s has no function %s", file, function)
		}
	}
}

// TestWalkNamesFunctions wants every hop of the walk to say where it is.
func TestWalkNamesFunctions(t *testing.T) {
	t.Parallel()
	_, walk, _ := strings.Cut(read(t, "docs/design.md"), "## Where a SKU's quantity goes")
	walk, _, _ = strings.Cut(walk, "\n## ")
	hops := regexp.MustCompile(`(?m)^\d+\. `).Split(walk, -1)[1:]
	for i, hop := range hops {
		if !place.MatchString(hop) {
			t.Errorf("docs/design.md: hop %d of the walk names no function", i+1)
		}
	}
	if len(hops) == 0 {
		t.Error("docs/design.md: the walk has no hops")
	}
}
