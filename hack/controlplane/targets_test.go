package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestStampKubernetes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.FixedZone("", 3600))
	got := stampKubernetes(moduleVersion{Path: kubernetesModule, Version: "v1.40.11", Time: &at})
	for _, want := range []string{
		"-X k8s.io/component-base/version.gitVersion=v1.40.11",
		"-X k8s.io/component-base/version.gitMajor=1 ",
		"-X k8s.io/component-base/version.gitMinor=40 ",
		"-X k8s.io/component-base/version.gitTreeState=clean",
		"-X k8s.io/component-base/version.buildDate=2026-03-04T04:06:07Z",
		"-X k8s.io/client-go/pkg/version.gitVersion=v1.40.11",
	} {
		if !strings.Contains(got+" ", want) {
			t.Errorf("%q is missing in %q", want, got)
		}
	}
	if got := stampKubernetes(moduleVersion{Version: "v1.40.11"}); strings.Contains(got, "buildDate") {
		t.Errorf("a build date from nowhere: %q", got)
	}
}

// The tests of the main module look for the binaries in a folder of this name.
func TestVersionsAgree(t *testing.T) {
	t.Parallel()
	gomod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?m)^\tk8s\.io/kubernetes v(\S+)`).FindSubmatch(gomod)
	if match == nil {
		t.Fatal("go.mod does not require k8s.io/kubernetes")
	}
	if got, want := constant(t, "../testenv/testenv.go", "KubernetesVersion"), string(match[1]); got != want {
		t.Errorf("hack/testenv looks for Kubernetes %s, this module builds %s", got, want)
	}
}

// constant returns the value of a string constant in a Go file.
func constant(t *testing.T, path, name string) string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	value := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && spec.Names[0].Name == name && len(spec.Values) == 1 {
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				value, err = strconv.Unquote(lit.Value)
			}
		}
		return true
	})
	if err != nil || value == "" {
		t.Fatalf("%s has no string constant %s (%v)", path, name, err)
	}
	return value
}
