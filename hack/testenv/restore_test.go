package testenv_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
)

// TestAdministratorsRestoreSnapshots does what docs/operations.md says: it creates copies as Tallyman's account, with no
// more rights than config/rbac gives that.
func TestAdministratorsRestoreSnapshots(t *testing.T) {
	t.Parallel()
	for _, obj := range build(t, "default") {
		if obj.GroupVersionKind().Group == "rbac.authorization.k8s.io" || obj.GetKind() == "Namespace" {
			apply(t, env.Client, obj)
		}
	}
	ns := env.Namespace(t)
	want := map[string]map[string]inventoryv1alpha1.Quantity{"one": {"A": 1}, "two": {"B": 2}}
	for name, skus := range want {
		env.Create(t, &inventoryv1alpha1.InventorySnapshot{
			ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name}, LocationName: "wd003", LocationUID: "of-another-cluster", SKUs: skus,
		})
	}
	kubectl := filepath.Join(testenv.Assets(), "kubectl")
	kubeconfig := env.Kubeconfig(t)
	out, err := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", kubeconfig, "-n", ns, "get", "tmsnap", "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	backup := stripped(t, out)
	if err := env.Client.DeleteAllOf(t.Context(), &inventoryv1alpha1.InventorySnapshot{}, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}

	create := func(ctx context.Context, flags ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, kubectl, append(flags, "--kubeconfig", kubeconfig, "create", "-f", "-")...)
		cmd.Stdin = bytes.NewReader(backup)
		return cmd.CombinedOutput()
	}
	if out, err := create(t.Context()); err == nil || !bytes.Contains(out, []byte("to restore a backup")) {
		t.Errorf("kubectl create as an administrator: %v\n%s", err, out)
	}
	// The API server learns of roles by watch.
	err = wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		out, err = create(ctx, "--as="+testenv.Account)
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("kubectl create as Tallyman's account: %v\n%s", err, out)
	}
	list := &inventoryv1alpha1.InventorySnapshotList{}
	if err := env.Client.List(t.Context(), list, client.InNamespace(ns)); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string]inventoryv1alpha1.Quantity{}
	for _, s := range list.Items {
		got[s.Name] = s.SKUs
		if s.LocationUID != "" {
			t.Errorf("%s belongs to the Location %s of another cluster", s.Name, s.LocationUID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("snapshots (-want +got):\n%s", diff)
	}
}

// stripped does what the page's jq does: one document after the other, without what belongs to the old cluster.
func stripped(t *testing.T, list []byte) []byte {
	t.Helper()
	var content struct{ Items []map[string]any }
	if err := json.Unmarshal(list, &content); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, item := range content.Items {
		delete(item, "locationUID")
		meta, _ := item["metadata"].(map[string]any)
		delete(meta, "uid")
		delete(meta, "resourceVersion")
		if err := json.NewEncoder(&out).Encode(item); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}
