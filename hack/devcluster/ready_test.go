package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
)

// fixture is what readiness looks at, all in order.
type fixture struct {
	managerStatus int
	lease         *coordinationv1.Lease
	tenant        *inventoryv1alpha1.Client
	channel       *inventoryv1alpha1.Channel
	password      string // that the ingress wants
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	started := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		spoil func(*fixture)
		want  string // in the error; none if empty
	}{
		"everything serves":      {spoil: func(*fixture) {}},
		"a suspended channel":    {spoil: func(w *fixture) { w.channel.Spec.Suspend = new(true); w.channel.Status.Conditions = nil }},
		"manager not ready":      {spoil: func(w *fixture) { w.managerStatus = 500 }, want: "/readyz answers 500"},
		"no leader":              {spoil: func(w *fixture) { w.lease.Spec.RenewTime = nil }, want: "does not lead"},
		"a leader of the past":   {spoil: func(w *fixture) { w.lease.Spec.RenewTime = new(metav1.NewMicroTime(started.Add(-time.Second))) }, want: "does not lead"},
		"a sample is gone":       {spoil: func(w *fixture) { w.tenant.Name = "another" }, want: "Client shop/demo-wms"},
		"no condition yet":       {spoil: func(w *fixture) { w.channel.Status.Conditions = nil }, want: "Channel shop/market: no controller"},
		"condition of old spec":  {spoil: func(w *fixture) { w.channel.Generation++ }, want: "Channel shop/market: no controller"},
		"not Ready":              {spoil: func(w *fixture) { w.channel.Status.Conditions[0].Status = metav1.ConditionFalse }, want: "not Ready: Because: of this"},
		"the ingress refuses us": {spoil: func(w *fixture) { w.password = "another" }, want: "the ingress answers 401 Unauthorized: no"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			condition := metav1.Condition{Type: "Ready", Status: metav1.ConditionTrue, ObservedGeneration: 3, Reason: "Because", Message: "of this"}
			meta := func(name string) metav1.ObjectMeta {
				return metav1.ObjectMeta{Namespace: "shop", Name: name, Generation: 3}
			}
			w := &fixture{
				managerStatus: 200, password: "secret",
				lease: &coordinationv1.Lease{
					ObjectMeta: metav1.ObjectMeta{Namespace: systemNamespace, Name: "leader"},
					Spec:       coordinationv1.LeaseSpec{RenewTime: new(metav1.NewMicroTime(started.Add(time.Second)))},
				},
				tenant:  &inventoryv1alpha1.Client{ObjectMeta: meta("demo-wms")},
				channel: &inventoryv1alpha1.Channel{ObjectMeta: meta("market")},
			}
			w.tenant.Status.Conditions = []metav1.Condition{condition}
			w.channel.Status.Conditions = []metav1.Condition{condition}
			samples := manifests(t, map[string]string{"client.yaml": clientManifest, "channel.yaml": channelManifest("market", "http://x.example/")})
			tc.spoil(w)

			manager := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(w.managerStatus) }))
			defer manager.Close()
			ingress := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.Header.Get("authUsername") != "demo" || r.Header.Get("authPassword") != w.password || r.URL.Path != "/inventories" {
					http.Error(rw, "no", http.StatusUnauthorized)
				}
			}))
			defer ingress.Close()
			r := &readiness{
				http:    http.DefaultClient,
				kube:    fake.NewClientBuilder().WithScheme(testenv.Scheme()).WithObjects(w.lease, w.tenant, w.channel).Build(),
				ingress: ingress.URL,
				manager: func() endpoints {
					return endpoints{health: strings.TrimPrefix(manager.URL, "http://"), since: started}
				},
				credentials: credentials{username: "demo", password: "secret"},
				samples:     samples,
			}
			switch err := r.check(t.Context()); {
			case tc.want == "" && err != nil:
				t.Errorf("not ready: %v", err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
		})
	}
}

func TestReadCredentials(t *testing.T) {
	t.Parallel()
	tenant := &inventoryv1alpha1.Client{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "demo-wms"},
		Spec: inventoryv1alpha1.ClientSpec{
			DomainName: "d", CredentialsSecretRefs: []inventoryv1alpha1.NameRef{{Name: "login"}},
		},
	}
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "login"},
		Data:       map[string][]byte{"username": []byte("u"), "password": []byte("p")},
	}
	kube := func(objects ...client.Object) client.Client {
		return fake.NewClientBuilder().WithScheme(testenv.Scheme()).WithObjects(objects...).Build()
	}
	sample := &inventoryv1alpha1.Client{ObjectMeta: tenant.ObjectMeta} // without what was changed in the cluster
	got, err := readCredentials(t.Context(), kube(tenant, secret), sample)
	if want := (credentials{"u", "p", "d"}); err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	if _, err := readCredentials(t.Context(), kube(tenant), sample); err == nil {
		t.Error("no error though the Secret is gone")
	}
}
