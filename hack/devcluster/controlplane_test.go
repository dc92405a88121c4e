package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/hack/testenv"
)

// startPlane starts a control plane on dir and returns it with an administrator's client.
func startPlane(t *testing.T, dir *workDir) (*controlPlane, client.Client) {
	t.Helper()
	plane, err := startControlPlane(options{assets: testenv.Assets()}, dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = plane.stop() }) // for a test that fails half-way; the second stop does nothing
	admin, err := plane.admin()
	if err != nil {
		t.Fatal(err)
	}
	kube, err := client.New(admin.Config(), client.Options{Scheme: testenv.Scheme()})
	if err != nil {
		t.Fatal(err)
	}
	return plane, kube
}

func openDir(t *testing.T) *workDir {
	t.Helper()
	dir, err := openWorkDir(filepath.Join(t.TempDir(), "dev"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.close() })
	return dir
}

func TestDataOutlivesRuns(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	plane, kube := startPlane(t, dir)
	made := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "made-in-the-first-run"}}
	if err := kube.Create(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	if err := plane.stop(); err != nil {
		t.Fatal(err)
	}

	_, kube = startPlane(t, dir)
	found := &corev1.ConfigMap{}
	if err := kube.Get(t.Context(), client.ObjectKeyFromObject(made), found); err != nil {
		t.Fatal(err)
	}
	if found.UID != made.UID {
		t.Errorf("got another object of the same name: %s, want %s", found.UID, made.UID)
	}

	// A devcluster that was killed leaves both processes to the next one.
	var ended []string
	if err := dir.stopLeftovers(t.Context(), func(_ string, args ...any) { ended = append(ended, args[0].(string)) }); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(ended, ","), "kube-apiserver,etcd"; got != want {
		t.Errorf("ended %q, want %q", got, want)
	}
	for _, m := range dir.marks() {
		if left := m.find(); len(left) > 0 {
			t.Errorf("%s is still running: %v", m.binary, left)
		}
	}
}

func TestInstall(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	plane, kube := startPlane(t, dir)
	ctx := t.Context()
	say, said := recordSay()

	rbac := manifests(t, map[string]string{"rbac.yaml": rbacManifest})
	account, err := placeRBAC(rbac)
	if err != nil {
		t.Fatal(err)
	}
	system := append(manifests(t, map[string]string{"ns.yaml": "{apiVersion: v1, kind: Namespace, metadata: {name: " + systemNamespace + "}}"}), rbac...)
	sample := manifests(t, map[string]string{"a.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: sample, namespace: default}, data: {a: '1', b: '1'}}"})
	for range 2 { // as in a second run
		if err := install(ctx, kube, system); err != nil {
			t.Fatal(err)
		}
		if err := offer(ctx, kube, sample, say); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("the manager has the rights of its ServiceAccount and no more", func(t *testing.T) {
		user, err := plane.serviceAccount(systemNamespace, account)
		if err != nil {
			t.Fatal(err)
		}
		path := dir.file(managerKubeconfigName)
		if err := writeKubeconfig(path, user, "some-namespace"); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(path); err != nil {
			t.Fatal(err)
		} else if info.Mode().Perm() != 0o600 {
			t.Errorf("the kubeconfig is open to others: %v", info.Mode())
		}
		loader := &clientcmd.ClientConfigLoadingRules{ExplicitPath: path}
		loaded := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(loader, nil)
		if ns, _, err := loaded.Namespace(); err != nil || ns != "some-namespace" {
			t.Errorf("got namespace %q (%v), want some-namespace", ns, err)
		}
		config, err := loaded.ClientConfig()
		if err != nil {
			t.Fatal(err)
		}
		manager, err := client.New(config, client.Options{Scheme: testenv.Scheme()})
		if err != nil {
			t.Fatal(err)
		}
		for list, allowed := range map[client.ObjectList]bool{
			&corev1.ConfigMapList{}: true,
			&corev1.SecretList{}:    false,
		} {
			err := manager.List(ctx, list)
			if apierrors.IsForbidden(err) == allowed || allowed && err != nil {
				t.Errorf("list %T: got %v, want allowed=%t", list, err, allowed)
			}
		}
	})

	t.Run("what a person changed in a sample stays", func(t *testing.T) {
		if len(*said) > 0 {
			t.Errorf("a warning without reason: %q", *said)
		}
		theirs := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "sample"}}
		patch := client.RawPatch("application/merge-patch+json", []byte(`{"data":{"b":"2"}}`))
		if err := kube.Patch(ctx, theirs, patch, client.FieldOwner("kubectl-edit")); err != nil {
			t.Fatal(err)
		}
		if err := offer(ctx, kube, sample, say); err != nil {
			t.Fatal(err)
		}
		got := &corev1.ConfigMap{}
		if err := kube.Get(ctx, client.ObjectKeyFromObject(theirs), got); err != nil {
			t.Fatal(err)
		}
		if got.Data["b"] != "2" {
			t.Errorf("the change was overwritten: %v", got.Data)
		}
		if text := strings.Join(*said, "\n"); !strings.Contains(text, "ConfigMap default/sample") || !strings.Contains(text, "kubectl-edit") {
			t.Errorf("the person is not told: %q", text)
		}
	})
}
