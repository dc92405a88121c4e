package shopifytest

import (
	"embed"
	"path"
	"strings"
	"sync"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

//go:embed schema/*.graphql
var files embed.FS

// Schemas returns the part of each version's schema that the connector uses.
var Schemas = sync.OnceValue(func() map[string]*ast.Schema {
	entries, err := files.ReadDir("schema")
	if err != nil {
		panic(err)
	}
	out := map[string]*ast.Schema{}
	for _, e := range entries {
		text, err := files.ReadFile(path.Join("schema", e.Name()))
		if err != nil {
			panic(err)
		}
		version := strings.TrimSuffix(e.Name(), path.Ext(e.Name()))
		out[version] = gqlparser.MustLoadSchema(&ast.Source{Name: e.Name(), Input: string(text)})
	}
	return out
})
