package v1alpha1_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tallyman.dev/tallyman/hack/testenv"
)

// TestKubectlGetTallyman lists everything at once, as a person does.
func TestKubectlGetTallyman(t *testing.T) {
	t.Parallel()
	kubectl := filepath.Join(testenv.Assets(), "kubectl")
	if _, err := os.Stat(kubectl); err != nil {
		t.Fatalf("no kubectl beside the API server: %v", err)
	}
	ns := env.Namespace(t)
	c, l, s, sl, ch, j := goodClient(), goodLocation(), goodBatch(), goodSnapshot(), goodChannel(), goodJob()
	c.Name, l.Name, s.Name, sl.Name, ch.Name, j.Name = "c", "l", "s", "sl", "ch", "j"
	c.Namespace, l.Namespace, s.Namespace, sl.Namespace, ch.Namespace, j.Namespace = ns, ns, ns, ns, ns, ns
	env.Create(t, c, l, s, sl, ch, j)

	cmd := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", env.Kubeconfig(t), "-n", ns, "get", "tallyman,tallyman-all")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("kubectl get tallyman,tallyman-all: %v\n%s", err, out)
	}
	for kind, columns := range map[string]string{
		"client.inventory.tallyman.dev/c":             "CLIENT ID DOMAIN LOCATIONS READY STATUS AGE",
		"location.inventory.tallyman.dev/l":           "CODE TYPE SKUS LAST BATCH FRESH READY AGE",
		"inventorybatch.inventory.tallyman.dev/s":     "FIRST LOCATION LOCATIONS SKUS REQUESTS FIRST CLIENT AGE",
		"inventorysnapshot.inventory.tallyman.dev/sl": "LOCATION POOL FROM SKUS PENDING FAILED AGE",
		"channel.inventory.tallyman.dev/ch":           "TYPE MODE PENDING FAILED LAST SYNC READY STATUS AGE",
		"channelsyncjob.inventory.tallyman.dev/j":     "CHANNEL STATUS SYNCED RETRY FAILED AGE",
	} {
		if !strings.Contains(string(out), kind) {
			t.Errorf("the list lacks %s", kind)
		}
		if !strings.Contains(strings.Join(strings.Fields(string(out)), " "), "NAME "+columns) {
			t.Errorf("the list lacks the columns %s of %s", columns, kind)
		}
	}
	if t.Failed() {
		t.Logf("kubectl printed:\n%s", out)
	}
}
