package testenv_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/hack/testenv"
)

// typed returns the objects of a kind, in the order of a build.
func typed[T any](t *testing.T, kind string, objects []*unstructured.Unstructured) []T {
	t.Helper()
	var out []T
	for _, obj := range objects {
		if obj.GetKind() != kind {
			continue
		}
		var one T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(obj.Object, &one, true); err != nil {
			t.Fatalf("%s %s: %v", kind, obj.GetName(), err)
		}
		out = append(out, one)
	}
	if len(out) == 0 {
		t.Fatalf("there is no %s", kind)
	}
	return out
}

// TestInstallationsBringTheirNamespaces finds objects in a namespace that must have been there before.
func TestInstallationsBringTheirNamespaces(t *testing.T) {
	t.Parallel()
	for _, dir := range []string{"default", "overlays/namespaced", "overlays/sharded", "samples"} {
		brought, used := sets.New[string](), sets.New[string]()
		for _, obj := range build(t, dir) {
			if obj.GetKind() == "Namespace" {
				brought.Insert(obj.GetName())
			} else if obj.GetNamespace() != "" {
				used.Insert(obj.GetNamespace())
			}
		}
		if diff := cmp.Diff(sets.List(used), sets.List(brought)); diff != "" {
			t.Errorf("config/%s (-used +created):\n%s", dir, diff)
		}
	}
}

// TestNamespacedBindsTenantsOnly builds the overlay for named namespaces: the manager gets no right on objects of
// other namespaces, and asks for just those in which it has its roles.
func TestNamespacedBindsTenantsOnly(t *testing.T) {
	t.Parallel()
	objects := build(t, "overlays/namespaced")
	bound := map[string]sets.Set[string]{"tallyman-manager": sets.New[string](), "tallyman-credentials-reader": sets.New[string]()}
	for _, obj := range objects {
		if obj.GetKind() == "ClusterRoleBinding" {
			t.Errorf("ClusterRoleBinding %s is left", obj.GetName())
		}
	}
	for _, binding := range typed[rbacv1.RoleBinding](t, "RoleBinding", objects) {
		if role, ok := bound[binding.RoleRef.Name]; ok {
			role.Insert(binding.Namespace)
		}
	}
	named := sets.New[string]()
	for _, deployment := range typed[appsv1.Deployment](t, "Deployment", objects) {
		for _, arg := range deployment.Spec.Template.Spec.Containers[0].Args {
			if list, ok := strings.CutPrefix(arg, "--namespaces="); ok {
				named.Insert(strings.Split(list, ",")...)
			}
		}
	}
	if named.Len() == 0 {
		t.Error("the manager runs without --namespaces")
	}
	for role, namespaces := range bound {
		if diff := cmp.Diff(sets.List(named), sets.List(namespaces)); diff != "" {
			t.Errorf("%s (-named in the flag +bound):\n%s", role, diff)
		}
	}
}

// TestShardsRunOneImage sets the image as `make deploy` does.
func TestShardsRunOneImage(t *testing.T) {
	t.Parallel()
	config := t.TempDir()
	if err := os.CopyFS(config, os.DirFS(filepath.Join(testenv.Root(), "config"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(config, "manager", "deployment", "kustomization.yaml")
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("newName: tallyman", "newName: example.com/tallyman", "newTag: dev", "newTag: 1.0.0").Replace(string(raw))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, deployment := range typed[appsv1.Deployment](t, "Deployment", buildIn(t, config, "overlays/sharded")) {
		got[deployment.Name] = deployment.Spec.Template.Spec.Containers[0].Image
	}
	want := map[string]string{"tallyman": "example.com/tallyman:1.0.0", "tallyman-shard-1": "example.com/tallyman:1.0.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// TestShardsHaveBudgetsOfTheirOwn keeps a drain from taking all replicas of one shard while another's are left.
func TestShardsHaveBudgetsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for dir, want := range map[string]map[string][]string{
		"default":          {"tallyman": {"tallyman"}},
		"overlays/sharded": {"tallyman": {"tallyman"}, "tallyman-shard-1": {"tallyman-shard-1"}},
	} {
		objects := build(t, dir)
		got := map[string][]string{}
		for _, budget := range typed[policyv1.PodDisruptionBudget](t, "PodDisruptionBudget", objects) {
			selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
			if err != nil {
				t.Fatal(err)
			}
			for _, deployment := range typed[appsv1.Deployment](t, "Deployment", objects) {
				if selector.Matches(labels.Set(deployment.Spec.Template.Labels)) {
					got[deployment.Name] = append(got[deployment.Name], budget.Name)
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("config/%s: the budgets over each Deployment (-want +got):\n%s", dir, diff)
		}
	}
}
