package commit

import (
	"context"
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// nobody may do nothing.
func nobody() *rest.Config {
	cfg := rest.CopyConfig(env.Config)
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "nobody"}
	return cfg
}

// stranger has a token that the API server does not know.
func stranger() *rest.Config {
	cfg := rest.AnonymousClientConfig(env.Config)
	cfg.QPS, cfg.BearerToken = -1, "not-a-token"
	return cfg
}

// terminate deletes a namespace. It stays for ever, as nobody empties it.
func terminate(t *testing.T, namespace string) {
	t.Helper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if err := env.Client.Delete(t.Context(), ns); err != nil {
		t.Fatal(err)
	}
}

// remove has a namespace vanish, as when it has been emptied.
func remove(t *testing.T, namespace string) {
	t.Helper()
	terminate(t, namespace)
	clients, err := kubernetes.NewForConfig(env.Config)
	if err != nil {
		t.Fatal(err)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := clients.CoreV1().Namespaces().Finalize(t.Context(), ns, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// exhaust gives a namespace a quota that lets no batch in.
func exhaust(t *testing.T, namespace string) {
	t.Helper()
	none := corev1.ResourceList{"count/inventorybatches.inventory.tallyman.dev": apiresource.MustParse("0")}
	quota := &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "none"},
		Spec:       corev1.ResourceQuotaSpec{Hard: none},
	}
	env.Create(t, quota)
	quota.Status = corev1.ResourceQuotaStatus{Hard: none, Used: none}
	if err := env.Client.Status().Update(t.Context(), quota); err != nil {
		t.Fatal(err)
	}
}

// TestWhoIsToBlame has creates that the real API server refuses: because of the manager, which
// passes, or because of the namespace.
func TestWhoIsToBlame(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cfg     *rest.Config
		prepare func(*testing.T, string)
		passes  bool
	}{
		"no right":          {nobody(), nil, true},
		"a bad token":       {stranger(), nil, true},
		"a quota":           {env.Config, exhaust, false},
		"a namespace going": {env.Config, terminate, false},
		"no namespace":      {env.Config, remove, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := env.Namespace(t)
			if test.prepare != nil {
				test.prepare(t, ns)
			}
			_, c := newWireOf(t, rest.CopyConfig(test.cfg))
			w := New(Options{Client: c})
			err := w.Write(t.Context(), []Commit{of(ns, "loc", batch)})[0]
			if err == nil || errors.Is(err, ErrUnavailable) != test.passes {
				t.Errorf("error %v, want one that passes: %v", err, test.passes)
			}
		})
	}
}

// TestNamespaceGoesDuringSettlement has a create whose outcome is unknown, and a namespace that is
// deleted before that is settled: the lane must end.
func TestNamespaceGoesDuringSettlement(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		first fault
		leave func(*testing.T, string)
	}{
		"terminating, lost":       {lost, terminate},
		"terminating, unanswered": {unanswered, terminate},
		"gone":                    {lost, remove},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := env.Namespace(t)
			wire, c := newWire(t)
			w := New(Options{Client: c})
			reached, release := make(chan struct{}), make(chan struct{})
			wire.plan(test.first, unreachable, heldUp(reached, release))
			request := of(ns, "loc", batch)
			answer := make(chan error, 1)
			go func() { answer <- w.Write(context.Background(), []Commit{request})[0] }()
			receive(t, "the settlement", reached)
			test.leave(t, ns)
			close(release)
			if err := receive(t, "the answer", answer); !errors.Is(err, ErrUnavailable) || !errors.Is(err, errGone) {
				t.Errorf("error %v, want %v and %v", err, ErrUnavailable, errGone)
			}
			if err := w.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
			wantNothingHeld(t, w)
		})
	}
}

// TestNotFoundOfTheKind has an API server that does not serve the kind yet, which says nothing of
// the first create.
func TestNotFoundOfTheKind(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	wire, c := newWire(t)
	w := New(Options{Client: c})
	wire.plan(unanswered, answer(404, false))
	if errs := w.Write(t.Context(), []Commit{of(ns, "loc", batch)}); errs[0] != nil {
		t.Errorf("error %v, want that the create is found stored", errs[0])
	}
	if got := wire.made(); got != "POST POST POST GET" {
		t.Errorf("requests %q, want another attempt after the one that found no kind", got)
	}
}
