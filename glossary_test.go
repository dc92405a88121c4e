package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"
)

// TestGlossary keeps one word for one thing: a word is explained once, is not named as one to avoid by itself, and
// no kind is forgotten.
func TestGlossary(t *testing.T) {
	t.Parallel()
	words := sets.New[string]()
	for line := range strings.Lines(read(t, "docs/glossary.md")) {
		cells := tableCells(line)
		if len(cells) != 3 || cells[0] == "word" || strings.HasPrefix(cells[0], "---") {
			continue
		}
		avoided := sets.New(strings.Split(cells[2], ", ")...)
		for word := range strings.SplitSeq(strings.ReplaceAll(cells[0], ", or ", ", "), ", ") {
			if words.Has(word) {
				t.Errorf("%q is explained twice", word)
			}
			if avoided.Has(word) {
				t.Errorf("%q is to be avoided for itself", word)
			}
			words.Insert(word)
		}
	}
	kinds := sets.New[string]()
	for _, file := range glob(t, "config/crd/bases/*.yaml") {
		var def crd
		if err := yaml.Unmarshal([]byte(read(t, file)), &def); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		kinds.Insert(def.Spec.Names.Kind)
	}
	if diff := cmp.Diff(sets.List(kinds), sets.List(kinds.Intersection(words))); diff != "" {
		t.Errorf("kinds that are not explained (-want +got):\n%s", diff)
	}
}
