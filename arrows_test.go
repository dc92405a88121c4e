package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
)

const module = "tallyman.dev/tallyman"

// testEnv starts a control plane.
const testEnv = "hack/testenv"

// arrow says which packages of the module the packages that match a pattern may import.
type arrow struct {
	of   string
	know []string
}

// arrows are who may know whom, by paths below the module. The first pattern that matches counts, as path.Match
// does; some packages are yet to come. Of main, commands and tools nothing is said: they may know everything.
var arrows = []arrow{
	{"api/v1alpha1", nil},
	{"controllers/exposure", []string{"api/v1alpha1"}},
	{"controllers/ledger", []string{"api/v1alpha1", "controllers/coalesce"}},
	{"controllers/syncstate", upTo("controllers/ledger", "controllers/coalesce")},
	{"controllers/fold", upTo("controllers/syncstate", helpers...)},
	{"controllers/channelsync", upTo("controllers/syncstate", append(helpers, "controllers/channel", "controllers/coalesce")...)},
	{"controllers/budget", nil},
	{"controllers/coalesce", nil},
	{"controllers/status", []string{"api/v1alpha1"}},
	{"controllers/lease", nil},
	{"controllers/shard", nil},
	{"controllers", upTo("controllers/channelsync", append(helpers, "controllers/channel", "controllers/channel/credentials")...)},
	{"controllers/simulation", nil}, // tests alone

	{"controllers/channel", []string{"api/v1alpha1", "controllers/channel/credentials"}},
	{"controllers/channel/credentials", nil},
	{"controllers/channel/fakeserver", nil},
	{"controllers/channel/kit", kit[:3]},
	{"controllers/channel/graphql", kit[:4]},
	{"controllers/channel/resolve", kit[:4]},
	{"controllers/channel/fake", kit[:4]},
	{"controllers/channel/contract", append(kit[:4:4], "controllers/channel/fakeserver")},
	{"controllers/channel/*/*test", []string{"controllers/channel/contract", "controllers/channel/fakeserver"}}, // a channel's fake
	{"controllers/channel/*", kit},                                                                              // a connector

	{"webhook/commit", []string{"api/v1alpha1"}},
	{"webhook/console", upTo("controllers/syncstate")},
	{"webhook", upTo("controllers/syncstate", "controllers/channel/credentials", "webhook/commit", "webhook/console")},
}

// engine is the line from the API to the lanes; the last two do not know each other.
var engine = []string{
	"api/v1alpha1", "controllers/exposure", "controllers/ledger", "controllers/syncstate", "controllers/fold", "controllers/channelsync",
}

// helpers know nothing of stock.
var helpers = []string{"controllers/status", "controllers/lease", "controllers/shard", "controllers/budget"}

// kit is what connectors may know.
var kit = []string{
	"api/v1alpha1", "controllers/channel", "controllers/channel/credentials", "controllers/channel/kit", "controllers/channel/graphql", "controllers/channel/resolve",
}

// pure are packages that only compute, or whose fakes are in memory: their tests need no control plane.
var pure = append([]string{
	"controllers/exposure", "controllers/syncstate", "controllers/channel", "controllers/channel/credentials", "controllers/channel/kit",
	"controllers/channel/graphql", "controllers/channel/resolve", "controllers/channel/contract", "controllers/channel/fake",
}, helpers...)

// upTo returns the engine as far as a package, and more.
func upTo(last string, more ...string) []string {
	return append(slices.Clone(engine[:slices.Index(engine, last)+1]), more...)
}

// listedPackage is what the test reads of a package, as `go list` names it. Import paths are full.
type listedPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// relative returns paths of the module's packages below it, and leaves out those of others.
func relative(imports ...string) []string {
	var out []string
	for _, p := range imports {
		if p == module {
			out = append(out, ".")
		} else if below, ok := strings.CutPrefix(p, module+"/"); ok {
			out = append(out, below)
		}
	}
	return out
}

// brokenArrows returns what packages know that they must not, sorted.
func brokenArrows(packages []listedPackage) []string {
	var broken []string
	imports := map[string][]string{}
	for _, p := range packages {
		of := relative(p.ImportPath)[0]
		imports[of] = relative(p.Imports...)
	}
	for of := range imports {
		know, ruled := mayKnow(of)
		if !ruled {
			broken = append(broken, of+" has no rule")
			continue
		}
		for _, p := range imports[of] {
			if know != nil && !know.Has(p) {
				broken = append(broken, of+" knows "+p)
			}
		}
	}
	for _, p := range packages {
		of := relative(p.ImportPath)[0]
		if slices.Contains(pure, of) && reach(imports, relative(slices.Concat(p.TestImports, p.XTestImports)...)).Has(testEnv) {
			broken = append(broken, of+" is tested with "+testEnv)
		}
	}
	slices.Sort(broken)
	return broken
}

// mayKnow returns what a package may import, where nil is everything, and whether there is a rule.
func mayKnow(of string) (know sets.Set[string], ruled bool) {
	if top, _, _ := strings.Cut(of, "/"); top == "." || top == "hack" || top == "cmd" {
		return nil, true
	}
	for _, a := range arrows {
		if ok, err := path.Match(a.of, of); err == nil && ok {
			return sets.New(a.know...), true
		}
	}
	return nil, false
}

// reach returns packages with all that they import, directly or not.
func reach(imports map[string][]string, from []string) sets.Set[string] {
	reached := sets.New[string]()
	for len(from) > 0 {
		next := from[0]
		if from = from[1:]; !reached.Has(next) {
			reached.Insert(next)
			from = append(from, imports[next]...)
		}
	}
	return reached
}

// TestArrows keeps the order of packages: who may know whom.
func TestArrows(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listedPackage
	seen := sets.New[string]()
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listedPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
		seen.Insert(relative(p.ImportPath)...)
	}
	if want := sets.New(append(upTo("controllers/ledger"), ".", "controllers/channelsync", "controllers/channel", "controllers", "webhook", testEnv)...); !seen.IsSuperset(want) {
		t.Errorf("go list knows %v, want %v among them", sets.List(seen), sets.List(want))
	}
	for _, b := range brokenArrows(packages) {
		t.Error(b)
	}
}
