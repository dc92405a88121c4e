package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const want = `# Reduced by hack/shopifyschema from the introspection of Admin API 2026-04 in the npm package @shopify/dev-mcp 9.9.9.
# Copyright Shopify Inc.; see LICENSE beside this file.
schema {
  query: QueryRoot
  mutation: Mutation
}

directive @once(key: String!) on FIELD

type Mutation {
  set(input: SetInput!): QueryRoot
}

interface Node {
  id: ID!
}

type QueryRoot {
  node(id: ID!): Node
}

type Shop implements Node {
  id: ID!
  name(style: Style = LONG): String!
}

input SetInput {
  inner: [SetInput!]
  style: Style
}

enum Style {
  LONG
  SHORT
}
`

// TestRun reduces a schema that has more than the operations use, and lacks a field of another version.
func TestRun(t *testing.T) {
	t.Parallel()
	dir, out := t.TempDir(), t.TempDir()
	name := func(n string) typeRef { return typeRef{Name: n} }
	required := func(n string) typeRef { return typeRef{Kind: "NON_NULL", OfType: &typeRef{Name: n}} }
	inner := required("SetInput")
	long := "LONG"
	style := value{Name: "style", Type: name("Style"), Default: &long}
	var in introspection
	in.Data.Schema = schema{
		QueryType: named{"QueryRoot"}, MutationType: named{"Mutation"},
		Types: []definition{
			{Kind: "OBJECT", Name: "QueryRoot", Fields: []field{
				{Name: "node", Args: []value{{Name: "id", Type: required("ID")}}, Type: name("Node")},
				{Name: "unused", Type: name("Unused")},
			}},
			{Kind: "OBJECT", Name: "Mutation", Fields: []field{{Name: "set", Args: []value{{Name: "input", Type: required("SetInput")}}, Type: name("QueryRoot")}}},
			{Kind: "INTERFACE", Name: "Node", Fields: []field{{Name: "id", Type: required("ID")}}},
			{Kind: "OBJECT", Name: "Shop", Interfaces: []named{{"Node"}, {"Unused"}}, Fields: []field{
				{Name: "id", Type: required("ID")}, {Name: "name", Args: []value{style}, Type: required("String")}, {Name: "unused", Type: name("String")},
			}},
			{Kind: "INPUT_OBJECT", Name: "SetInput", InputFields: []value{
				{Name: "inner", Type: typeRef{Kind: "LIST", OfType: &inner}}, {Name: "style", Type: name("Style")},
			}},
			{Kind: "ENUM", Name: "Style", EnumValues: []named{{"LONG"}, {"SHORT"}}},
			{Kind: "INTERFACE", Name: "Unused", Fields: []field{{Name: "id", Type: required("ID")}}},
		},
		Directives: []directive{{Name: "once", Args: []value{{Name: "key", Type: required("String")}}, Locations: []string{"FIELD"}}},
	}
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(raw); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for file, content := range map[string][]byte{
		"package.json": []byte(`{"version":"9.9.9"}`), "LICENSE": []byte("ISC\n"),
		"dist/data/admin_2026-04.json.gz": packed.Bytes(), "dist/data/admin_unstable.json.gz": []byte("not read"),
		"query.graphql":    []byte(`query($id: ID!) { node(id: $id) { ... on Shop { name unknown } } }`),
		"mutation.graphql": []byte(`mutation($in: SetInput!) { set(input: $in) @once(key: "k") @other { node(id: 1) { id } } }`),
	} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(dir, dir, out); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(out, "2026-04.graphql"))
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("schema (-want +got):\n%s%v", diff, err)
	}
	if licence, err := os.ReadFile(filepath.Join(out, "LICENSE")); string(licence) != "ISC\n" {
		t.Errorf("licence %q, %v", licence, err)
	}
	if err := run(t.TempDir(), dir, out); err == nil {
		t.Error("no error without the package")
	}
	if err := run(dir, t.TempDir(), out); err == nil {
		t.Error("no error without operations")
	}
}
