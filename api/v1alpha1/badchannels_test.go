package v1alpha1_test

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"tallyman.dev/tallyman/api/v1alpha1"
)

// wantComment begins a line of a file in testdata/refused: what the API server's words must contain.
const wantComment = "# want: "

// badChannels are Channels of every type without its configuration, and those of testdata/refused,
// where each connector has its own.
func badChannels(t *testing.T) map[string]badObject {
	t.Helper()
	cases := map[string]badObject{}
	for name, field := range connectorFields(t) {
		channel := goodChannel()
		channel.Spec.Type, channel.Spec.Omni = v1alpha1.ChannelType(name), nil
		cases[name+" without its config"] = badObject{channel, []string{field + " must be set if and only if type is " + name}}
	}
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		cases[filepath.Base(file)] = readRefused(t, file)
	}
	return cases
}

// connectorFields returns the field that configures each type.
func connectorFields(t *testing.T) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for f := range reflect.TypeFor[v1alpha1.ChannelSpec]().Fields() {
		if f.Type.Kind() != reflect.Pointer {
			continue
		}
		name, isConnector := strings.CutSuffix(f.Type.Elem().Name(), "Channel")
		if isConnector {
			fields[name], _, _ = strings.Cut(f.Tag.Get("json"), ",")
		}
	}
	if fields["Omni"] != "omni" {
		t.Fatalf("the connectors' fields are %v", fields)
	}
	return fields
}

func readRefused(t *testing.T, file string) badObject {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := badObject{obj: &unstructured.Unstructured{}}
	for line := range bytes.Lines(content) {
		if want, ok := strings.CutPrefix(string(line), wantComment); ok {
			out.want = append(out.want, strings.TrimSpace(want))
		}
	}
	if err := yaml.UnmarshalStrict(content, out.obj); err != nil || len(out.want) == 0 {
		t.Fatalf("%s: %v, wants %q", file, err, out.want)
	}
	return out
}
