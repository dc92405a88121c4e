package testenv_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"tallyman.dev/tallyman/hack/manifest"
	"tallyman.dev/tallyman/hack/testenv"
)

var env *testenv.Env

func TestMain(m *testing.M) { os.Exit(testenv.Main(m, &env)) }

// TestConfigIsAccepted applies what `make deploy` does, and the samples, with strict validation.
func TestConfigIsAccepted(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"default", "overlays/namespaced", "overlays/sharded", "network-policy", "samples"} {
		objects := build(t, dir)
		if len(objects) == 0 {
			t.Errorf("config/%s is empty", dir)
		}
		strict := client.WithFieldValidation(env.Client, "Strict")
		for _, obj := range objects {
			apply(t, strict, obj)
		}
	}
}

// TestChannelSamples applies the sample of every connector, each of which has one.
func TestChannelSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(testenv.Root(), "config", "samples", "channels", "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	c := client.NewNamespacedClient(client.WithFieldValidation(env.Client, "Strict"), env.Namespace(t))
	sampled := sets.New[string]()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, obj := range parse(t, raw) {
			apply(t, c, obj)
			if kind, _, _ := unstructured.NestedString(obj.Object, "spec", "type"); obj.GetKind() == "Channel" {
				sampled.Insert(kind)
			}
		}
	}
	if diff := cmp.Diff(sets.List(connectors(t)), sets.List(sampled)); diff != "" {
		t.Errorf("connectors with a sample (-want +got):\n%s", diff)
	}
}

// connectors returns the types of Channel that the CRD knows.
func connectors(t *testing.T) sets.Set[string] {
	t.Helper()
	crd := &unstructured.Unstructured{}
	crd.SetAPIVersion("apiextensions.k8s.io/v1")
	crd.SetKind("CustomResourceDefinition")
	if err := env.Client.Get(t.Context(), client.ObjectKey{Name: "channels.inventory.tallyman.dev"}, crd); err != nil {
		t.Fatal(err)
	}
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions")
	names, _, _ := unstructured.NestedStringSlice(versions[0].(map[string]any), //nolint:forcetypeassert // a test
		"schema", "openAPIV3Schema", "properties", "spec", "properties", "type", "enum")
	return sets.New(names...)
}

// TestPrometheusBuilds builds what needs CRDs of others.
func TestPrometheusBuilds(t *testing.T) {
	t.Parallel()
	if n := len(build(t, "prometheus")); n != 2 {
		t.Errorf("config/prometheus has %d objects, want 2", n)
	}
}

func apply(t *testing.T, c client.Client, obj *unstructured.Unstructured) {
	t.Helper()
	err := c.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(obj), client.FieldOwner("test"), client.ForceOwnership)
	if err != nil {
		t.Errorf("apply %s %s: %v", obj.GetKind(), obj.GetName(), err)
	}
}

func build(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	return buildIn(t, filepath.Join(testenv.Root(), "config"), dir)
}

// buildIn is build for a copy of config/.
func buildIn(t *testing.T, config, dir string) []*unstructured.Unstructured {
	t.Helper()
	out, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join(config, dir))
	if err != nil {
		t.Fatalf("build config/%s: %v", dir, err)
	}
	raw, err := out.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, raw)
}

// parse reads the documents of a YAML file.
func parse(t *testing.T, raw []byte) []*unstructured.Unstructured {
	t.Helper()
	objects, err := manifest.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}
