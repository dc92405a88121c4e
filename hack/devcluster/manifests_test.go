package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"tallyman.dev/tallyman/hack/manifest"
)

const rbacManifest = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: manager}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: manager}
subjects:
- {kind: ServiceAccount, name: controller, namespace: system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: manager}
rules:
- {apiGroups: [""], resources: [configmaps], verbs: [get, list]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: controller, namespace: system}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: leader}
rules: []
`

const clientManifest = `
apiVersion: inventory.tallyman.dev/v1alpha1
kind: Client
metadata: {name: demo-wms, namespace: shop}
spec: {clientId: 7, credentialsSecretRefs: [{name: login}]}
`

func channelManifest(name, url string) string {
	return fmt.Sprintf(`
apiVersion: inventory.tallyman.dev/v1alpha1
kind: Channel
metadata: {name: %s, namespace: shop}
spec: {clientRef: {name: demo-wms}, type: Omni, mode: Consolidated, omni: {url: %q}}
`, name, url)
}

// writeFiles writes files into a fresh folder.
func writeFiles(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func manifests(t *testing.T, files map[string]string) []manifest.Object {
	t.Helper()
	objects, err := manifest.ReadDir(writeFiles(t, files))
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

// recordSay returns a say function and what was said to it.
func recordSay() (func(string, ...any), *[]string) {
	var said []string
	return func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }, &said
}

func TestPlaceRBAC(t *testing.T) {
	t.Parallel()
	objects := manifests(t, map[string]string{"rbac.yaml": rbacManifest})
	account, err := placeRBAC(objects)
	if err != nil || account != "controller" {
		t.Fatalf("got %q, %v, want controller", account, err)
	}
	got := map[string]string{}
	for _, o := range objects {
		got[o.GetKind()] = o.GetNamespace()
		if o.GetKind() == "ClusterRoleBinding" {
			subjects, _, _ := unstructured.NestedSlice(o.Object, "subjects")
			got["subject"], _, _ = unstructured.NestedString(subjects[0].(map[string]any), "namespace")
		}
	}
	want := map[string]string{
		"ServiceAccount": systemNamespace, "Role": systemNamespace, "subject": systemNamespace,
		"ClusterRole": "", "ClusterRoleBinding": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}

	if _, err := placeRBAC(nil); err == nil {
		t.Error("no error without a ServiceAccount")
	}
	if _, err := placeRBAC(append(manifests(t, map[string]string{"again.yaml": rbacManifest}), objects...)); err == nil {
		t.Error("no error with two ServiceAccounts")
	}
}

func TestReadSamples(t *testing.T) {
	t.Parallel()
	dir := writeFiles(t, map[string]string{
		"client.yaml":    clientManifest,
		"market.yaml":    channelManifest("market", "http://127.0.0.1:8090/market/inventories?x=1"),
		"elsewhere.yaml": channelManifest("elsewhere", "https://shop.example/inventories"),
	})
	s, err := readSamples(dir, "127.0.0.1:18090")
	if err != nil {
		t.Fatal(err)
	}
	if s.client.Name != "demo-wms" || s.client.Spec.ClientID != 7 {
		t.Errorf("got client %+v", s.client)
	}
	urls := map[string]string{}
	for _, o := range s.objects {
		if o.GetKind() == "Channel" {
			urls[o.GetName()], _, _ = unstructured.NestedString(o.Object, "spec", "omni", "url")
		}
	}
	want := map[string]string{
		"market":    "http://127.0.0.1:18090/market/inventories?x=1",
		"elsewhere": "https://shop.example/inventories",
	}
	if diff := cmp.Diff(want, urls); diff != "" {
		t.Errorf("URLs (-want +got):\n%s", diff)
	}
	if len(s.channels) != 1 || s.channels[0].Name != "market" || string(s.channels[0].Spec.Omni.URL) != want["market"] {
		t.Errorf("the demo has channels %+v, want market alone", s.channels)
	}
}

// The samples of the repository have to work with `make run`.
func TestRepositorySamples(t *testing.T) {
	t.Parallel()
	s, err := readSamples(filepath.Join("..", "..", "config", "samples"), "127.0.0.1:18090")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.channels) != 2 {
		t.Errorf("%d sample channels have a URL on %s, want 2", len(s.channels), defaultDemoAddr)
	}
}
