package v1alpha1_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
	"sigs.k8s.io/yaml"

	"tallyman.dev/tallyman/hack/testenv"
)

// unbroken are the rules that no case of the tables breaks.
var unbroken = sets.New(
	"Channel: type is immutable",                                 // the field of the other type comes first
	"Location: spec.fulfillmentLocationId is immutable once set", // TestImmutability sets it first
)

// TestEveryRuleIsBroken finds CEL rules that no case of the tables breaks.
func TestEveryRuleIsBroken(t *testing.T) {
	t.Parallel()
	broken := sets.New[string]()
	for _, tc := range badObjects(t) {
		for _, want := range tc.want {
			broken.Insert(kindOf(t, tc.obj) + ": " + want)
		}
	}
	for _, tc := range badChanges() {
		broken.Insert(kindOf(t, tc.obj) + ": " + tc.want)
	}
	files, err := filepath.Glob(filepath.Join(testenv.Root(), "config", "crd", "bases", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("CRDs: %q, %v", files, err)
	}
	got := sets.New[string]()
	for _, file := range files {
		got = got.Union(rules(t, file).Difference(broken))
	}
	if diff := cmp.Diff(sets.List(unbroken), sets.List(got)); diff != "" {
		t.Errorf("rules that no case breaks (-want +got):\n%s", diff)
	}
}

func kindOf(t *testing.T, obj client.Object) string {
	t.Helper()
	gvk, err := apiutil.GVKForObject(obj, env.Scheme)
	if err != nil {
		t.Fatal(err)
	}
	return gvk.Kind
}

// rules returns the messages of all CEL rules of a CRD, each after its kind.
func rules(t *testing.T, file string) sets.Set[string] {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var crd struct {
		Spec struct {
			Names    struct{ Kind string }
			Versions any
		}
	}
	if err := yaml.Unmarshal(content, &crd); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	out := sets.New[string]()
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, child := range node {
				walk(child)
			}
		case map[string]any:
			if message, ok := node["message"].(string); ok && node["rule"] != nil {
				out.Insert(crd.Spec.Names.Kind + ": " + message)
			}
			for _, child := range node {
				walk(child)
			}
		}
	}
	walk(crd.Spec.Versions)
	return out
}
