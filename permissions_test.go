package main

import (
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/yaml"

	"tallyman.dev/tallyman/hack/manifest"
)

// TestPermissionsTable compares the table of the page with the roles that config/rbac gives the manager.
func TestPermissionsTable(t *testing.T) {
	t.Parallel()
	want := map[string][]string{}
	for resource, verbs := range granted(t) {
		want[resource] = sets.List(verbs)
	}
	got := map[string][]string{}
	row := regexp.MustCompile("^`[a-z/`, ]+`$")
	_, section, _ := strings.Cut(read(t, "docs/operations.md"), "## Permissions, namespace by namespace")
	section, _, _ = strings.Cut(section, "\n## ")
	for line := range strings.Lines(section) {
		cells := tableCells(line)
		if len(cells) != 3 || !row.MatchString(cells[0]) {
			continue
		}
		for resource := range strings.SplitSeq(cells[0], ", ") {
			got[unquote(resource)] = slices.Sorted(strings.SplitSeq(cells[1], ", "))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("docs/operations.md (-config/rbac +page):\n%s", diff)
	}
}

// granted returns the verbs that the manager has on each resource, by any of the roles that are bound to it.
func granted(t *testing.T) map[string]sets.Set[string] {
	t.Helper()
	objects, err := manifest.ReadDir(filepath.Join("config", "rbac"))
	if err != nil {
		t.Fatal(err)
	}
	bound := sets.New[string]()
	roles := map[string]rbacv1.ClusterRole{} // a Role has the same rules
	for _, o := range objects {
		switch o.GetKind() {
		case "ClusterRoleBinding", "RoleBinding":
			var binding rbacv1.ClusterRoleBinding
			decode(t, o, &binding)
			bound.Insert(binding.RoleRef.Name)
		case "ClusterRole", "Role":
			var role rbacv1.ClusterRole
			decode(t, o, &role)
			roles[role.Name] = role
		}
	}
	if bound.Len() == 0 {
		t.Fatal("no role is bound")
	}
	verbs := map[string]sets.Set[string]{}
	for name := range bound {
		for _, rule := range roles[name].Rules {
			for _, resource := range rule.Resources {
				verbs[resource] = verbs[resource].Union(sets.New(rule.Verbs...))
			}
		}
	}
	return verbs
}

func decode(t *testing.T, o manifest.Object, into any) {
	t.Helper()
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, into); err != nil {
		t.Fatalf("%s: %v", o, err)
	}
}

// TestProjectNamesEveryKind keeps kubebuilder's record of the project the one of the CRDs, and its layout the one that
// the folders have: main.go and controllers are at the top, as the third version has them.
func TestProjectNamesEveryKind(t *testing.T) {
	t.Parallel()
	type resource struct {
		API struct {
			CRDVersion string `json:"crdVersion"`
			Namespaced bool   `json:"namespaced"`
		} `json:"api"`
		Controller                         bool
		Domain, Group, Kind, Path, Version string
	}
	var project struct {
		Layout    []string
		Repo      string
		Version   string
		Resources []resource
	}
	if err := yaml.Unmarshal([]byte(read(t, "PROJECT")), &project); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"go.kubebuilder.io/v3"}, project.Layout); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
	want, got := map[string]resource{}, map[string]resource{}
	for _, r := range project.Resources {
		got[r.Kind] = r
	}
	reconciled := matches(t, regexp.MustCompile(`For\(&inventoryv1alpha1\.(\w+)\{`), "controllers")
	for _, file := range glob(t, "config/crd/bases/*.yaml") {
		var def crd
		if err := yaml.Unmarshal([]byte(read(t, file)), &def); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		r := resource{
			Controller: reconciled.Has(def.Spec.Names.Kind), Domain: "tallyman.dev", Group: "inventory", Kind: def.Spec.Names.Kind,
			Path: project.Repo + "/api/v1alpha1", Version: def.Spec.Versions[0].Name,
		}
		r.API.CRDVersion, r.API.Namespaced = "v1", def.Spec.Scope == "Namespaced"
		want[r.Kind] = r
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("resources of %v (-want +got):\n%s", slices.Sorted(maps.Keys(got)), diff)
	}
}
