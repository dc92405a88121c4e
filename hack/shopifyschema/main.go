// Command shopifyschema reduces Shopify's GraphQL Admin schemas, of megabytes each, to what the
// connector's operations reach: the fields that they select, and whole the input types and enums behind
// their arguments. The tests validate operations and variables against the result.
//
// The npm package @shopify/dev-mcp (ISC) holds introspections of all versions:
//
//	npm pack @shopify/dev-mcp@1.16.0
//	tar xzf shopify-dev-mcp-1.16.0.tgz
//	go run ./hack/shopifyschema -package package
//
// Run it again after a change of an operation, and add the versions of a newer package to the API's enum
// when they are supported.
package main

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// header begins a file, with the versions of the API and of the package.
const header = "# Reduced by hack/shopifyschema from the introspection of Admin API %s in the npm package @shopify/dev-mcp %s.\n" +
	"# Copyright Shopify Inc.; see LICENSE beside this file.\n"

// stable matches the file of a stable version.
var stable = regexp.MustCompile(`^admin_(\d{4}-\d{2})\.json\.gz$`)

func main() {
	source := flag.String("package", "package", "directory of the unpacked npm package")
	operations := flag.String("operations", "controllers/channel/shopify/operations", "directory of the operations")
	out := flag.String("out", "controllers/channel/shopify/shopifytest/schema", "directory to write to")
	flag.Parse()
	if err := run(*source, *operations, *out); err != nil {
		fmt.Fprintln(os.Stderr, "shopifyschema:", err)
		os.Exit(1)
	}
}

func run(source, operations, out string) error {
	documents, err := readOperations(operations)
	if err != nil {
		return err
	}
	release, err := packageVersion(source)
	if err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(source, "dist", "data", "admin_*.json.gz"))
	if err != nil {
		return err
	}
	written := 0
	for _, file := range files {
		match := stable.FindStringSubmatch(filepath.Base(file))
		if match == nil {
			continue
		}
		schema, err := readIntrospection(file)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		reduced, err := reduce(schema, documents)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		text := fmt.Sprintf(header, match[1], release) + reduced
		if err := os.WriteFile(filepath.Join(out, match[1]+".graphql"), []byte(text), 0o644); err != nil {
			return err
		}
		written++
	}
	if written == 0 {
		return fmt.Errorf("%s holds no schema", source)
	}
	licence, err := os.ReadFile(filepath.Join(source, "LICENSE"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(out, "LICENSE"), licence, 0o644)
}

func packageVersion(source string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(source, "package.json"))
	if err != nil {
		return "", err
	}
	var manifest struct {
		Version string `json:"version"`
	}
	err = json.Unmarshal(raw, &manifest)
	return manifest.Version, err
}

// introspection is what is read of an answer to the introspection query.
type introspection struct {
	Data struct {
		Schema schema `json:"__schema"`
	} `json:"data"`
}

type schema struct {
	QueryType    named        `json:"queryType"`
	MutationType named        `json:"mutationType"`
	Types        []definition `json:"types"`
	Directives   []directive  `json:"directives"`
}

type named struct {
	Name string `json:"name"`
}

type definition struct {
	Kind        string  `json:"kind"`
	Name        string  `json:"name"`
	Fields      []field `json:"fields"`
	InputFields []value `json:"inputFields"`
	EnumValues  []named `json:"enumValues"`
	Interfaces  []named `json:"interfaces"`
}

type field struct {
	Name string  `json:"name"`
	Args []value `json:"args"`
	Type typeRef `json:"type"`
}

// value is an argument or a field of an input type.
type value struct {
	Name    string  `json:"name"`
	Type    typeRef `json:"type"`
	Default *string `json:"defaultValue"` // in GraphQL's own notation
}

type directive struct {
	Name      string   `json:"name"`
	Args      []value  `json:"args"`
	Locations []string `json:"locations"`
}

type typeRef struct {
	Kind   string   `json:"kind"`
	Name   string   `json:"name"`
	OfType *typeRef `json:"ofType"`
}

func (t typeRef) String() string {
	switch {
	case t.OfType == nil:
		return t.Name
	case t.Kind == "LIST":
		return "[" + t.OfType.String() + "]"
	default:
		return t.OfType.String() + "!"
	}
}

// named is the type within lists and non-null types.
func (t typeRef) named() string {
	if t.OfType == nil {
		return t.Name
	}
	return t.OfType.named()
}

func readIntrospection(file string) (*schema, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unpacked, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var in introspection
	err = json.NewDecoder(unpacked).Decode(&in)
	return &in.Data.Schema, err
}
