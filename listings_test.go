package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// listedBy is what the test reads of a CRD.
type listedBy struct {
	Spec struct {
		Names struct {
			Singular   string   `json:"singular"`
			Plural     string   `json:"plural"`
			ShortNames []string `json:"shortNames"`
		} `json:"names"`
		Versions []struct {
			Columns []struct {
				Name     string `json:"name"`
				Priority int    `json:"priority"`
			} `json:"additionalPrinterColumns"`
		} `json:"versions"`
	} `json:"spec"`
}

// columns is the headline that kubectl prints, with one space between words.
func (l listedBy) columns() string {
	words := []string{"NAME"}
	for _, column := range l.Spec.Versions[0].Columns {
		if column.Priority == 0 {
			words = append(words, strings.ToUpper(column.Name))
		}
	}
	return strings.Join(words, " ")
}

var (
	kubectlGet = regexp.MustCompile(`kubectl get ([a-z]+)`)
	rowOf      = regexp.MustCompile(`^([a-z]+)\.inventory\.tallyman\.dev/`)
)

// TestPagesShowPresentColumns compares what pages show of `kubectl get` with the columns that the CRDs have.
func TestPagesShowPresentColumns(t *testing.T) {
	t.Parallel()
	want := map[string]string{}
	for _, file := range glob(t, "config/crd/bases/*.yaml") {
		var def listedBy
		if err := yaml.Unmarshal([]byte(read(t, file)), &def); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, name := range append(def.Spec.Names.ShortNames, def.Spec.Names.Singular, def.Spec.Names.Plural) {
			want[name] = def.columns()
		}
	}
	shown := 0
	for _, page := range append(glob(t, "docs/*.md"), "README.md") {
		asked, head := "", ""
		for line := range strings.Lines(read(t, page)) {
			if match := kubectlGet.FindStringSubmatch(line); match != nil {
				asked = match[1]
			}
			kind := asked
			if match := rowOf.FindStringSubmatch(line); match != nil {
				kind = match[1]
			}
			switch fields := strings.Fields(line); {
			case slices.Contains(fields, "NAME"):
				head = strings.Join(fields, " ")
			case head != "": // the first row below it
				if diff := cmp.Diff(want[kind], head); diff != "" {
					t.Errorf("%s: columns of %s (-CRD +page):\n%s", page, kind, diff)
				}
				head = ""
				shown++
			}
		}
	}
	if shown == 0 {
		t.Error("no page shows a list of kubectl's")
	}
}
