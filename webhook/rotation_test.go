package webhook

import (
	"context"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
)

// cluster is an ingress in a manager, with its real cache, on a real API server.
type cluster struct {
	*testenv.Env
	ingress *harness
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	env, err := testenv.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := env.Stop(); err != nil {
			t.Errorf("stop the control plane: %v", err)
		}
	})
	mgr, err := ctrl.NewManager(env.Config, ctrl.Options{
		Scheme: env.Scheme, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
	})
	if err != nil {
		t.Fatal(err)
	}
	r := newHarness(t)
	r.opts.Address, r.opts.Reader = "127.0.0.1:0", mgr.GetClient()
	r.opts.Drain = func(context.Context) error { return nil }
	r.Server = New(r.opts)
	ctx, cancel := context.WithCancel(context.Background())
	if err := r.SetupWithManager(ctx, mgr); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Start(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("the manager: %v", err)
		}
	})
	patience, done := context.WithTimeout(t.Context(), testPatience)
	defer done()
	if _, err := r.Address(patience); err != nil {
		t.Fatal(err)
	}
	return &cluster{env, r}
}

// newcomer is a Client that comes while the ingress serves, with two Secrets.
type newcomer struct {
	*testing.T
	*cluster
	ns     string
	client *inventoryv1alpha1.Client
}

func (c *cluster) newcomer(t *testing.T) *newcomer {
	t.Helper()
	n := &newcomer{T: t, cluster: c, ns: c.Namespace(t)}
	n.client = tenant(n.ns, "acme", 10000900, "", "old", "new")
	n.client.Spec.RateLimit.RequestsPerMinute = 100_000 // the tests ask until the answer changes
	for _, obj := range []client.Object{
		login(n.ns, "old", n.ns, "pw"), login(n.ns, "new", n.ns, "pw2"), n.client, newLocation(n.ns, "wd003", "acme", "wd003", 0),
	} {
		obj.SetUID("")
		c.Create(t, obj)
	}
	n.becomes("pw", http.StatusOK)
	n.becomes("pw2", http.StatusOK)
	return n
}

func (n *newcomer) status(password string) int {
	n.Helper()
	return n.ingress.do(n.T, call{body: specObject, header: map[string]string{
		"authUsername": n.ns, "authPassword": password, "authDomainName": "",
	}}).StatusCode
}

// becomes waits until a password is answered as wanted.
func (n *newcomer) becomes(password string, want int) {
	n.Helper()
	eventually(n.T, http.StatusText(want)+" for "+password, func() bool { return n.status(password) == want })
}

// stays checks that a password is answered as wanted, after a change that another one has shown.
func (n *newcomer) stays(password string, want int) {
	n.Helper()
	if got := n.status(password); got != want {
		n.Errorf("status %d for %s, want %d", got, password, want)
	}
}

func (n *newcomer) remove(obj client.Object) {
	n.Helper()
	if err := n.Client.Delete(n.Context(), obj); err != nil {
		n.Fatal(err)
	}
}

// TestCredentialsFollowTheCluster changes Clients and Secrets as people do, while the ingress serves.
func TestCredentialsFollowTheCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	for name, check := range map[string]func(*newcomer){
		"a Secret changes": func(n *newcomer) {
			secret := &corev1.Secret{}
			if err := n.Client.Get(n.Context(), client.ObjectKey{Namespace: n.ns, Name: "old"}, secret); err != nil {
				n.Fatal(err)
			}
			secret.Data["password"] = []byte("pw3")
			if err := n.Client.Update(n.Context(), secret); err != nil {
				n.Fatal(err)
			}
			n.becomes("pw3", http.StatusOK)
			n.stays("pw", http.StatusUnauthorized)
			n.stays("pw2", http.StatusOK)
		},
		"a Secret goes and comes back": func(n *newcomer) {
			n.remove(login(n.ns, "old", "", ""))
			n.becomes("pw", http.StatusUnauthorized)
			n.stays("pw2", http.StatusOK)
			secret := login(n.ns, "old", n.ns, "pw4")
			secret.UID = ""
			n.Create(n.T, secret)
			n.becomes("pw4", http.StatusOK)
			n.stays("pw", http.StatusUnauthorized)
		},
		"a Client names one Secret less": func(n *newcomer) {
			n.client.Spec.CredentialsSecretRefs = n.client.Spec.CredentialsSecretRefs[1:]
			if err := n.Client.Update(n.Context(), n.client); err != nil {
				n.Fatal(err)
			}
			n.becomes("pw", http.StatusUnauthorized)
			n.stays("pw2", http.StatusOK)
		},
		"a Client goes": func(n *newcomer) {
			n.remove(n.client)
			n.becomes("pw", http.StatusUnauthorized)
			n.stays("pw2", http.StatusUnauthorized)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(c.newcomer(t))
		})
	}
}
