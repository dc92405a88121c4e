package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// schema is what the test reads of a CRD's OpenAPI schema.
type schema struct {
	Properties map[string]schema `json:"properties"`
	Items      *schema           `json:"items"`
	// Open tells that other fields are kept than those that are declared.
	Open bool `json:"x-kubernetes-preserve-unknown-fields"`
}

// undeclared are the items of which the CRD declares no fields, by the type that they are read as.
var undeclared = map[string]reflect.Type{
	"requests": reflect.TypeFor[inventoryv1alpha1.BatchRequest](),
	"stock":    reflect.TypeFor[inventoryv1alpha1.LocationStock](),
}

// crd is what the test reads of a CRD.
type crd struct {
	Spec struct {
		Scope string `json:"scope"`
		Names struct {
			Kind     string `json:"kind"`
			Singular string `json:"singular"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Schema struct {
				OpenAPIV3Schema schema `json:"openAPIV3Schema"`
			} `json:"schema"`
		} `json:"versions"`
	} `json:"spec"`
}

// foreign are fields whose content is a type of Kubernetes, which its own documentation explains.
var foreign = sets.New("status.conditions", "spec.locationSelector", "spec.exposure.rules[].locationSelector")

// fields adds the paths of all fields below a schema, as the pages write them: spec.jobs,
// spec.jobs.failedLimit, channels[].name.
func (s schema) fields(prefix string, out sets.Set[string]) {
	for name, child := range s.Properties {
		path := prefix + name
		if path == "apiVersion" || path == "kind" || path == "metadata" {
			continue
		}
		if path != "spec" && path != "status" {
			out.Insert(path)
		}
		if foreign.Has(path) {
			continue
		}
		child.fields(path+".", out)
		if child.Items != nil {
			child.Items.fields(path+"[].", out)
			if child.Items.Open {
				out.Insert(fieldsOf(undeclared[path], path+"[].")...)
			}
		}
	}
}

// fieldsOf returns the paths of the fields of a type, as JSON has them.
func fieldsOf(of reflect.Type, prefix string) (out []string) {
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		out = append(out, prefix+name)
	}
	return out
}

// TestPagesNameEveryField keeps the page of each kind complete: each field of the CRD has a heading
// or a row of a table, and nothing else looks like a field.
func TestPagesNameEveryField(t *testing.T) {
	t.Parallel()
	for _, file := range glob(t, "config/crd/bases/*.yaml") {
		var def crd
		if err := yaml.Unmarshal([]byte(read(t, file)), &def); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		want := sets.New[string]()
		for _, version := range def.Spec.Versions {
			version.Schema.OpenAPIV3Schema.fields("", want)
		}
		if want.Len() == 0 {
			t.Errorf("%s: no fields found", file)
		}
		page := filepath.Join("docs", def.Spec.Names.Singular+".md")
		got := pageFields(read(t, page))
		if def.Spec.Names.Singular == "channel" { // each connector has a page of its own
			for _, connector := range glob(t, "docs/channels/*.md") {
				got = got.Union(pageFields(read(t, connector)))
			}
		}
		if missing := sets.List(want.Difference(got)); len(missing) > 0 {
			t.Errorf("%s says nothing of %s", page, strings.Join(missing, ", "))
		}
		if unknown := sets.List(got.Difference(want)); len(unknown) > 0 {
			t.Errorf("%s explains fields that do not exist: %s", page, strings.Join(unknown, ", "))
		}
	}
}

// glob returns the files that match a pattern, of which there must be some.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %q, %v", pattern, files, err)
	}
	return files
}

// fieldLine matches a heading, or the first cell of a row, that is a field's path.
var fieldLine = regexp.MustCompile("^(?:#+ |\\| )`([^` ]+)`")

// pageFields returns the fields that a page explains in its sections Spec, Fields and Status.
func pageFields(page string) sets.Set[string] {
	out := sets.New[string]()
	within := false
	for line := range strings.Lines(page) {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			within = slices.Contains([]string{"Spec", "Fields", "Status"}, strings.TrimSpace(title))
		}
		if match := fieldLine.FindStringSubmatch(line); within && match != nil {
			out.Insert(match[1])
		}
	}
	return out
}

// TestTablesAreComplete compares tables whose rows begin with a name with the code that has the names.
func TestTablesAreComplete(t *testing.T) {
	t.Parallel()
	for _, table := range []struct {
		page      string
		row, name *regexp.Regexp
		code      []string
	}{
		{
			page: "docs/operations.md", row: regexp.MustCompile("(?m)^\\| `(tallyman_[a-z_]+)`"),
			name: regexp.MustCompile(`"(tallyman_[a-z_]+)"`), code: []string{"webhook", "controllers"},
		},
		{
			page: "docs/ingress.md", row: regexp.MustCompile("(?m)^\\| `([A-Z_]+)`"),
			name: regexp.MustCompile(`code[A-Za-z]+\s+= "([A-Z_]+)"`), code: []string{"webhook/errors.go"},
		},
	} {
		want, got := matches(t, table.name, table.code...), sets.New[string]()
		for _, match := range table.row.FindAllStringSubmatch(read(t, table.page), -1) {
			got.Insert(match[1])
		}
		if diff := cmp.Diff(sets.List(want), sets.List(got)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", table.page, diff)
		}
	}
}

// matches returns what the first group of an expression matches in Go files, tests left out.
func matches(t *testing.T, expression *regexp.Regexp, roots ...string) sets.Set[string] {
	t.Helper()
	out := sets.New[string]()
	for _, root := range roots {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			for _, match := range expression.FindAllStringSubmatch(read(t, path), -1) {
				out.Insert(match[1])
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if out.Len() == 0 {
		t.Fatalf("nothing in %v matches %s", roots, expression)
	}
	return out
}

// link matches the target of a Markdown link or picture.
var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// TestLinksLeadSomewhere checks links between files, with the heading that they name.
func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		for _, match := range link.FindAllStringSubmatch(read(t, page), -1) {
			if strings.Contains(match[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(match[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: link to %s: %v", page, match[1], err)
				continue
			}
			if anchor != "" && !anchors(read(t, target)).Has(anchor) {
				t.Errorf("%s: %s has no heading for #%s", page, target, anchor)
			}
		}
	}
}

// anchors returns what the headings of a page are linked by.
func anchors(page string) sets.Set[string] {
	out := sets.New[string]()
	for line := range strings.Lines(page) {
		title := strings.TrimLeft(line, "#")
		if title == line || !strings.HasPrefix(title, " ") {
			continue
		}
		out.Insert(strings.Map(func(r rune) rune {
			switch {
			case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '_':
				return r
			case r == ' ':
				return '-'
			default:
				return -1
			}
		}, strings.ToLower(strings.TrimSpace(title))))
	}
	return out
}

func read(t *testing.T, file string) string {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestDesignNamesTestsThatExist keeps the table of invariants honest.
func TestDesignNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	have := sets.New[string]()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (path == "bin" || path == ".git" || entry.Name() == "node_modules") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		for _, match := range regexp.MustCompile(`(?m)^func (Test\w+)\(`).FindAllStringSubmatch(read(t, path), -1) {
			have.Insert(match[1])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`(Test\\w+)`").FindAllStringSubmatch(read(t, "docs/design.md"), -1)
	if len(named) == 0 {
		t.Fatal("docs/design.md names no test")
	}
	for _, match := range named {
		if !have.Has(match[1]) {
			t.Errorf("docs/design.md names %s, which does not exist", match[1])
		}
	}
}
