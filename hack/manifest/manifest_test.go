package manifest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// folder writes files into a fresh folder.
func folder(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestReadDir(t *testing.T) {
	t.Parallel()
	objects, err := ReadDir(folder(t, map[string]string{
		"a-channel.yaml":     "{apiVersion: inventory.tallyman.dev/v1alpha1, kind: Channel, metadata: {name: c, namespace: shop}}",
		"b-rest.yaml":        "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: shop}}\n---\n# nothing\n---\n{apiVersion: inventory.tallyman.dev/v1alpha1, kind: Client, metadata: {name: wms, namespace: shop}}",
		"c-odd.yaml":         "{apiVersion: v1, kind: ConfigMap, metadata: {name: m, namespace: shop}}",
		"z-namespace.yaml":   "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
		"kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: []\n",
		"README.md":          "not a manifest",
	}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range objects {
		got = append(got, o.String()+" of "+filepath.Base(o.File))
	}
	want := []string{
		"Namespace shop of z-namespace.yaml", "Secret shop/s of b-rest.yaml", "Client shop/wms of b-rest.yaml",
		"Channel shop/c of a-channel.yaml", "ConfigMap shop/m of c-odd.yaml",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestReadDirErrors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"an empty folder": {want: "no manifests"},
		"broken YAML":     {files: map[string]string{"broken.yaml": "a: [1"}, want: "broken.yaml"},
		"a field twice":   {files: map[string]string{"twice.yaml": "kind: A\nkind: B"}, want: "twice.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := ReadDir(folder(t, tc.files)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}
