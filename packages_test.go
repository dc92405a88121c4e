package main

import (
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
)

// TestDesignNamesEveryPackage compares the table of packages with the folders that have Go files. A <name> in the table
// stands for any.
func TestDesignNamesEveryPackage(t *testing.T) {
	t.Parallel()
	_, section, _ := strings.Cut(read(t, "docs/design.md"), "## Packages")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[string]*regexp.Regexp{}
	for line := range strings.Lines(section) {
		if cells := tableCells(line); len(cells) == 2 && strings.HasPrefix(cells[0], "`") {
			for name := range strings.SplitSeq(cells[0], ", ") {
				name = unquote(name)
				rows[name] = regexp.MustCompile("^" + strings.ReplaceAll(name, "<name>", "[a-z]+") + "$")
			}
		}
	}
	unused := sets.KeySet(rows)
	for folder := range packages(t) {
		named := false
		for row, expression := range rows {
			if expression.MatchString(folder) {
				named = true
				unused.Delete(row)
			}
		}
		if !named {
			t.Errorf("docs/design.md does not name the package %s", folder)
		}
	}
	if unused.Len() > 0 {
		t.Errorf("docs/design.md names packages that do not exist: %s", strings.Join(sets.List(unused), ", "))
	}
}

// packages returns the folders with Go files; main is the top.
func packages(t *testing.T) sets.Set[string] {
	t.Helper()
	out := sets.New[string]()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (path == "bin" || path == ".git" || entry.Name() == "node_modules" || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if folder := filepath.ToSlash(filepath.Dir(path)); filepath.Ext(path) == ".go" {
			out.Insert(strings.Replace(folder, ".", "main", 1))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
