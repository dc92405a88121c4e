package v1alpha1_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tallyman.dev/tallyman/hack/testenv"
)

// TestKubectlGet lists kinds as a person does: what matters at a glance, and everything.
func TestKubectlGet(t *testing.T) {
	t.Parallel()
	kubectl := filepath.Join(testenv.Assets(), "kubectl")
	if _, err := os.Stat(kubectl); err != nil {
		t.Fatalf("no kubectl beside the API server: %v", err)
	}
	ns := env.Namespace(t)
	kubeconfig := env.Kubeconfig(t)
	c, l, b, s, ch, j := goodClient(), goodLocation(), goodBatch(), goodSnapshot(), goodChannel(), goodJob()
	c.Name, l.Name, b.Name, s.Name, ch.Name, j.Name = "c", "l", "b", "s", "ch", "j"
	c.Namespace, l.Namespace, b.Namespace, s.Namespace, ch.Namespace, j.Namespace = ns, ns, ns, ns, ns, ns
	s.LastChangeTime = &metav1.Time{Time: time.Now().Add(-time.Hour)}
	env.Create(t, c, l, b, s, ch, j)

	glance := map[string]string{
		"client.inventory.tallyman.dev/c":         "CLIENT ID DOMAIN LOCATIONS READY STATUS AGE",
		"location.inventory.tallyman.dev/l":       "CODE TYPE SKUS LAST BATCH FRESH READY AGE",
		"channel.inventory.tallyman.dev/ch":       "TYPE MODE PENDING FAILED LAST SYNC READY STATUS AGE",
		"channelsyncjob.inventory.tallyman.dev/j": "CHANNEL STATUS SYNCED RETRY FAILED AGE",
	}
	everything := maps.Clone(glance)
	everything["inventorybatch.inventory.tallyman.dev/b"] = "FIRST LOCATION LOCATIONS SKUS REQUESTS FIRST CLIENT AGE"
	everything["inventorysnapshot.inventory.tallyman.dev/s"] = "LOCATION POOL SKUS PENDING FAILED LAST CHANGE AGE"
	for what, want := range map[string]map[string]string{"tallyman": glance, "tallyman-all": everything} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			out, err := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", kubeconfig, "-n", ns, "get", what).CombinedOutput()
			if err != nil {
				t.Fatalf("kubectl get %s: %v\n%s", what, err, out)
			}
			if diff := cmp.Diff(want, listed(string(out))); diff != "" {
				t.Errorf("objects and columns (-want +got):\n%s\nkubectl printed:\n%s", diff, out)
			}
		})
	}
	t.Run("snapshots", func(t *testing.T) {
		t.Parallel()
		out, err := exec.CommandContext(t.Context(), kubectl, "--kubeconfig", kubeconfig, "-n", ns, "get", "tmsnap", "--no-headers").CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if row := strings.Fields(string(out)); len(row) != 8 || !slices.Equal(row[:6], []string{"s", "wd003", "0", "1", "0", "0"}) || !strings.HasPrefix(row[6], "60m") {
			t.Errorf("kubectl printed %q", out)
		}
	})
}

// listed returns the columns of each object that kubectl has listed by kinds.
func listed(out string) map[string]string {
	objects, columns := map[string]string{}, ""
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case fields[0] == "NAME":
			columns = strings.Join(fields[1:], " ")
		default:
			objects[fields[0]] = columns
		}
	}
	return objects
}
