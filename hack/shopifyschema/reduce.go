package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"k8s.io/apimachinery/pkg/util/sets"
)

func readOperations(dir string) ([]*ast.QueryDocument, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.graphql"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s holds no operations", dir)
	}
	var out []*ast.QueryDocument
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		document, err := parser.ParseQuery(&ast.Source{Name: file, Input: string(text)})
		if err != nil {
			return nil, err
		}
		out = append(out, document)
	}
	return out, nil
}

// builtIn are scalars that every schema has.
var builtIn = sets.New("Boolean", "Float", "ID", "Int", "String")

// reducer collects what operations reach.
type reducer struct {
	types      map[string]definition
	directives map[string]directive
	fields     map[string]sets.Set[string] // of objects and interfaces that are kept
	whole      sets.Set[string]            // scalars, enums and input types that are kept
	kept       sets.Set[string]            // directives
}

// reduce returns a schema in GraphQL's notation. What an operation selects that the schema does not have
// is left out: another version may have it.
func reduce(s *schema, documents []*ast.QueryDocument) (string, error) {
	r := &reducer{
		types: map[string]definition{}, directives: map[string]directive{},
		fields: map[string]sets.Set[string]{}, whole: sets.New[string](), kept: sets.New[string](),
	}
	for _, t := range s.Types {
		r.types[t.Name] = t
	}
	for _, d := range s.Directives {
		r.directives[d.Name] = d
	}
	for _, document := range documents {
		for _, operation := range document.Operations {
			root := s.QueryType.Name
			if operation.Operation == ast.Mutation {
				root = s.MutationType.Name
			}
			r.selection(operation.SelectionSet, root)
		}
	}
	r.complete()
	text := fmt.Sprintf("schema {\n  query: %s\n  mutation: %s\n}\n", s.QueryType.Name, s.MutationType.Name) + r.print()
	if _, err := gqlparser.LoadSchema(&ast.Source{Input: text}); err != nil {
		return "", fmt.Errorf("the reduced schema is invalid: %w", err)
	}
	return text, nil
}

func (r *reducer) selection(selections ast.SelectionSet, parent string) {
	if r.fields[parent] == nil {
		r.fields[parent] = sets.New[string]()
	}
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			r.field(s, parent)
		case *ast.InlineFragment:
			r.selection(s.SelectionSet, cmp.Or(s.TypeCondition, parent))
		}
	}
}

func (r *reducer) field(selected *ast.Field, parent string) {
	for _, d := range selected.Directives {
		if known, ok := r.directives[d.Name]; ok {
			r.kept.Insert(d.Name)
			r.inputs(known.Args)
		}
	}
	fields := r.types[parent].Fields
	i := slices.IndexFunc(fields, func(f field) bool { return f.Name == selected.Name })
	if i < 0 {
		return
	}
	r.fields[parent].Insert(selected.Name)
	r.inputs(fields[i].Args)
	if result := fields[i].Type.named(); len(selected.SelectionSet) > 0 {
		r.selection(selected.SelectionSet, result)
	} else {
		r.input(result)
	}
}

func (r *reducer) inputs(values []value) {
	for _, v := range values {
		r.input(v.Type.named())
	}
}

// input keeps a type of values, with those of its fields.
func (r *reducer) input(name string) {
	if !builtIn.Has(name) && !r.whole.Has(name) {
		r.whole.Insert(name)
		r.inputs(r.types[name].InputFields)
	}
}

// complete gives interfaces all their fields, and objects those of their interfaces that are kept.
func (r *reducer) complete() {
	for name := range r.fields {
		for _, i := range append(r.types[name].Interfaces, named{name}) {
			if t := r.types[i.Name]; t.Kind == "INTERFACE" && r.fields[i.Name] != nil {
				for _, f := range t.Fields {
					r.fields[i.Name].Insert(f.Name)
					r.fields[name].Insert(f.Name)
				}
			}
		}
	}
}

func (r *reducer) print() string {
	var b strings.Builder
	for _, name := range sets.List(r.kept) {
		d := r.directives[name]
		fmt.Fprintf(&b, "\ndirective @%s%s on %s\n", name, arguments(d.Args), strings.Join(d.Locations, " | "))
	}
	for _, name := range slices.Sorted(maps.Keys(r.fields)) {
		r.object(&b, r.types[name])
	}
	for _, name := range sets.List(r.whole) {
		r.value(&b, r.types[name])
	}
	return b.String()
}

func (r *reducer) object(b *strings.Builder, t definition) {
	keyword := map[string]string{"OBJECT": "type", "INTERFACE": "interface"}[t.Kind]
	var implements []string
	for _, i := range t.Interfaces {
		if r.fields[i.Name] != nil {
			implements = append(implements, i.Name)
		}
	}
	fmt.Fprintf(b, "\n%s %s", keyword, t.Name)
	if len(implements) > 0 {
		fmt.Fprintf(b, " implements %s", strings.Join(implements, " & "))
	}
	b.WriteString(" {\n")
	for _, f := range t.Fields {
		if r.fields[t.Name].Has(f.Name) {
			fmt.Fprintf(b, "  %s%s: %s\n", f.Name, arguments(f.Args), f.Type)
		}
	}
	b.WriteString("}\n")
}

func (r *reducer) value(b *strings.Builder, t definition) {
	switch t.Kind {
	case "ENUM":
		fmt.Fprintf(b, "\nenum %s {\n", t.Name)
		for _, v := range t.EnumValues {
			fmt.Fprintf(b, "  %s\n", v.Name)
		}
		b.WriteString("}\n")
	case "INPUT_OBJECT":
		fmt.Fprintf(b, "\ninput %s {\n", t.Name)
		for _, f := range t.InputFields {
			fmt.Fprintf(b, "  %s\n", f)
		}
		b.WriteString("}\n")
	default:
		fmt.Fprintf(b, "\nscalar %s\n", t.Name)
	}
}

func arguments(values []value) string {
	if len(values) == 0 {
		return ""
	}
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = v.String()
	}
	return "(" + strings.Join(out, ", ") + ")"
}

func (v value) String() string {
	text := v.Name + ": " + v.Type.String()
	if v.Default != nil {
		text += " = " + *v.Default
	}
	return text
}
