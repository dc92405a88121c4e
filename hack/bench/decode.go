package main

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"
)

//go:embed scenarios/*.yaml
var builtIn embed.FS

// Sets of scenarios.
const (
	setShort = "short"
	setFull  = "full"
)

// decode reads one scenario. Unknown fields are errors.
func decode(raw []byte) (*Scenario, error) {
	s := &Scenario{}
	if err := yaml.UnmarshalStrict(raw, s); err != nil {
		return nil, err
	}
	s.setDefaults()
	if err := s.validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// load reads scenarios: those of files where some are given, or else the built-in ones of a set. Of them, only
// those are kept whose name contains one of the words, where there are some.
func load(files []string, set string, words []string) ([]*Scenario, error) {
	all, err := read(files)
	if err != nil {
		return nil, err
	}
	var kept []*Scenario
	for _, s := range all {
		if len(files) == 0 && !slices.Contains(s.Sets, set) {
			continue
		}
		if len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s.Name, w) }) {
			continue
		}
		kept = append(kept, s)
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("no scenario of set %q has one of the words %q in its name", set, words)
	}
	return kept, nil
}

func read(files []string) ([]*Scenario, error) {
	var source fs.FS = osFiles{}
	if len(files) == 0 {
		source = builtIn
		var err error
		if files, err = fs.Glob(builtIn, "scenarios/*.yaml"); err != nil {
			return nil, err
		}
	}
	var all []*Scenario
	for _, file := range files {
		raw, err := fs.ReadFile(source, file)
		if err != nil {
			return nil, err
		}
		s, err := decode(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b *Scenario) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(all); i++ {
		if all[i].Name == all[i-1].Name {
			return nil, fmt.Errorf("name: two scenarios are called %q", all[i].Name)
		}
	}
	return all, nil
}

// osFiles opens files by any path, which os.DirFS does not.
type osFiles struct{}

// Open implements fs.FS.
func (osFiles) Open(name string) (fs.File, error) { return os.Open(name) }
