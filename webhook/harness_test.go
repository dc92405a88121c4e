package webhook

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/hack/testenv"
	"tallyman.dev/tallyman/webhook/commit"
)

// recorder is a BatchWriter that keeps what it is given.
type recorder struct {
	mu      sync.Mutex
	commits []commit.Commit
	fail    func(commit.Commit) error
}

func (r *recorder) Write(_ context.Context, commits []commit.Commit) []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	errs := make([]error, len(commits))
	for i, c := range commits {
		if r.fail != nil {
			errs[i] = r.fail(c)
		}
		if errs[i] == nil {
			r.commits = append(r.commits, c)
		}
	}
	return errs
}

// fixedStock is a ledger.Reader with fixed content.
type fixedStock struct {
	synced bool
	views  map[string]ledger.View // by namespace/location/sku
}

func (s fixedStock) Synced() bool { return s.synced }

func (s fixedStock) Lookup(namespace, location, sku string) (ledger.View, bool) {
	v, ok := s.views[namespace+"/"+location+"/"+sku]
	return v, ok
}

// harness is a server on objects that stand for the manager's cache.
type harness struct {
	*Server
	objects client.Client
	writer  *recorder
	clock   *clocktesting.FakeClock
}

func meta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name),
		CreationTimestamp: metav1.NewTime(time.Unix(1_700_000_000, 0)),
	}
}

func tenant(namespace, name string, id int64, domain string, secrets ...string) *inventoryv1alpha1.Client {
	c := &inventoryv1alpha1.Client{ObjectMeta: meta(namespace, name), Spec: inventoryv1alpha1.ClientSpec{ClientID: id, DomainName: domain}}
	for _, s := range secrets {
		c.Spec.CredentialsSecretRefs = append(c.Spec.CredentialsSecretRefs, inventoryv1alpha1.NameRef{Name: s})
	}
	return c
}

func login(namespace, name, username, password string) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: meta(namespace, name), Data: map[string][]byte{"username": []byte(username), "password": []byte(password)}}
}

func newLocation(namespace, name, owner, code string, number int64) *inventoryv1alpha1.Location {
	return &inventoryv1alpha1.Location{ObjectMeta: meta(namespace, name), Spec: inventoryv1alpha1.LocationSpec{
		ClientRef: inventoryv1alpha1.NameRef{Name: owner}, Code: code, FulfillmentLocationID: number, Type: inventoryv1alpha1.LocationStore,
	}}
}

// newHarness has the Client acme (10000900, domain d) with two locations, and the Client rival.
func newHarness(t *testing.T, more ...client.Object) *harness {
	t.Helper()
	objects := append([]client.Object{
		tenant("ns", "acme", 10000900, "d", "old", "new"), login("ns", "old", "acme", "pw"), login("ns", "new", "acme", "pw2"),
		newLocation("ns", "wd003", "acme", "wd003", 1000901), newLocation("ns", "st12", "acme", "STORE-12", 1000902),
		tenant("other", "rival", 5, "r", "key"), login("other", "key", "rival", "pw"),
		newLocation("other", "r1", "rival", "R1", 77),
	}, more...)
	b := fake.NewClientBuilder().WithScheme(testenv.Scheme()).WithObjects(objects...)
	r := &harness{writer: &recorder{}, clock: clocktesting.NewFakeClock(time.Unix(1_800_000_000, 0))}
	r.objects = b.Build()
	r.Server = New(Options{
		MaxBatchSKUs: DefaultMaxBatchSKUs, MaxBodyBytes: DefaultMaxBodyBytes, Reader: r.objects, Writer: r.writer, Clock: r.clock,
		Inventory: fixedStock{true, map[string]ledger.View{
			"ns/wd003/A": {Pools: []ledger.PoolQuantity{{PoolID: 0, Quantity: 5}, {PoolID: 2, Quantity: 1}}, Channels: []ledger.ChannelState{
				{Channel: "shop", State: inventoryv1alpha1.SyncRetrying, Reason: "Timeout", Message: "m", Attempts: 2},
			}},
			"ns/st12/A":  {Pools: []ledger.PoolQuantity{{PoolID: 0, Quantity: 3}}},
			"other/r1/A": {Pools: []ledger.PoolQuantity{{PoolID: 0, Quantity: 1000}}},
		}},
	})
	return r
}

// call is a request; the zero value is acme's PUT.
type call struct {
	method, path, body string
	header             map[string]string // "" removes one
}

func (c call) request(ctx context.Context) *http.Request {
	method, path := c.method, c.path
	if method == "" {
		method = http.MethodPut
	}
	if path == "" {
		path = "/usp/inventories/absolute"
	}
	r := httptest.NewRequestWithContext(ctx, method, "http://ingress.example"+path, strings.NewReader(c.body))
	for name, value := range map[string]string{
		"Content-Type": "application/json", "authUsername": "acme", "authPassword": "pw", "authDomainName": "d",
	} {
		r.Header.Set(name, value)
	}
	for name, value := range c.header {
		r.Header.Del(name)
		if value != "" {
			r.Header.Set(name, value)
		}
	}
	return r
}

func (r *harness) do(t *testing.T, c call) *http.Response {
	t.Helper()
	w := httptest.NewRecorder()
	r.Handler().ServeHTTP(w, c.request(t.Context()))
	return w.Result()
}

func text(t *testing.T, r *http.Response) string {
	t.Helper()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}
