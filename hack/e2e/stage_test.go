package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/testenv"
)

var (
	env     *testenv.Env
	manager string // the binary
)

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tallyman-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		manager = filepath.Join(dir, "manager")
		build := exec.Command("go", "build", "-o", manager, "tallyman.dev/tallyman")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		err = build.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "build the manager:", err)
		return 1
	}
	return testenv.Main(m, &env)
}

// Bounds of waiting.
const (
	soon     = 2 * time.Second  // what the issue of a change may take at rest
	eventual = 90 * time.Second // a lease runs out after 15 s; the rest is for a busy machine
	poll     = 20 * time.Millisecond
)

// quantities are those of one place, by SKU.
type quantities map[string]int64

// receiver is a channel of the omni standard.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	stock  map[string]quantities // by location code, "" in consolidated calls
	gate   chan struct{}         // calls wait until it is closed; nil for none
	inside chan struct{}         // gets a value for every call
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{stock: map[string]quantities{}, inside: make(chan struct{}, 10_000)}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, req *http.Request) {
	if req.Method != http.MethodPut {
		return
	}
	var call struct {
		LocationCode string `json:"locationCode"`
		Inventories  []struct {
			SKU          string `json:"channelSkuCode"`
			Quantity     int64  `json:"quantity"`
			Consolidated *int64 `json:"consolidatedQuantity"`
		} `json:"inventories"`
	}
	if err := json.NewDecoder(req.Body).Decode(&call); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.inside <- struct{}{}
	r.mu.Lock()
	gate := r.gate
	r.mu.Unlock()
	if gate != nil {
		select {
		case <-gate:
		case <-req.Context().Done(): // the sender is gone: the call never happened
			return
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, it := range call.Inventories {
		at, q := call.LocationCode, it.Quantity
		if it.Consolidated != nil {
			at, q = "", *it.Consolidated
		}
		if r.stock[at] == nil {
			r.stock[at] = quantities{}
		}
		r.stock[at][it.SKU] = q
	}
}

func (r *receiver) setGate(gate chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gate = gate
}

func (r *receiver) at(location string) quantities {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.stock[location])
}

// stage is a tenant with two locations and two channels, and the managers that look after it.
type stage struct {
	*testing.T
	*WithT
	ns            string
	kubeconfig    string
	market, store *receiver // location-wise, and consolidated over pools 0 and 1
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, WithT: NewWithT(t), ns: env.Namespace(t), market: newReceiver(t), store: newReceiver(t)}
	s.kubeconfig = env.Kubeconfig(t)
	ref := inventoryv1alpha1.NameRef{Name: "wms"}
	meta := func(name string) metav1.ObjectMeta { return metav1.ObjectMeta{Namespace: s.ns, Name: name} }
	channel := func(name, url string, mode inventoryv1alpha1.ChannelMode, pools ...int64) *inventoryv1alpha1.Channel {
		return &inventoryv1alpha1.Channel{ObjectMeta: meta(name), Spec: inventoryv1alpha1.ChannelSpec{
			ClientRef: ref, Type: inventoryv1alpha1.ChannelOmni, Mode: mode, PoolIDs: pools,
			Omni: &inventoryv1alpha1.OmniChannel{URL: inventoryv1alpha1.HTTPURL(url)},
		}}
	}
	location := func(name string, number int64) *inventoryv1alpha1.Location {
		return &inventoryv1alpha1.Location{ObjectMeta: meta(name), Spec: inventoryv1alpha1.LocationSpec{
			ClientRef: ref, Code: name, FulfillmentLocationID: number,
		}}
	}
	env.Create(t,
		&corev1.Secret{ObjectMeta: meta("login"), StringData: map[string]string{"username": s.ns, "password": "secret"}},
		&inventoryv1alpha1.Client{ObjectMeta: meta("wms"), Spec: inventoryv1alpha1.ClientSpec{
			ClientID: 10000900, CredentialsSecretRefs: []inventoryv1alpha1.NameRef{{Name: "login"}},
			RateLimit: inventoryv1alpha1.ClientRateLimit{RequestsPerMinute: 100_000},
		}},
		location("wd003", 1000901), location("st12", 1000902),
		channel("market", s.market.URL, inventoryv1alpha1.LocationWise),
		channel("webshop", s.store.URL, inventoryv1alpha1.Consolidated, 0, 1),
	)
	return s
}

// process is a running manager.
type process struct {
	*stage
	cmd     *exec.Cmd
	ingress string
	log     *logBuffer
	exited  chan struct{}
}

// logBuffer keeps what a process prints, for readers at any time.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// mentions tells whether the manager has logged something.
func (p *process) mentions(text string) bool { return strings.Contains(p.log.String(), text) }

// start starts a manager, with further flags, and waits until its ingress serves.
func (s *stage) start(flags ...string) *process {
	s.Helper()
	ingress := freeAddress(s.T)
	p := &process{stage: s, ingress: "http://" + ingress, log: &logBuffer{}, exited: make(chan struct{})}
	p.cmd = exec.Command(manager, append([]string{
		"--ingress-bind-address=" + ingress, "--metrics-bind-address=0", "--health-probe-bind-address=" + freeAddress(s.T),
		"--namespaces=" + s.ns, "--leader-election-namespace=" + s.ns,
	}, flags...)...)
	p.cmd.Env = append(os.Environ(), "KUBECONFIG="+s.kubeconfig)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	s.Expect(p.cmd.Start()).To(Succeed())
	go func() {
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	s.Cleanup(func() {
		p.kill()
		if s.Failed() {
			s.Logf("log of the manager at %s:\n%s", p.ingress, p.log)
		}
	})
	s.Eventually(func() error {
		answer, err := http.Get(p.ingress + "/readyz")
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			return fmt.Errorf("readyz: %s", answer.Status)
		}
		return nil
	}, eventual, poll).Should(Succeed())
	return p
}

// kill ends a manager as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have exited already
	<-p.exited
}

func freeAddress(t *testing.T) string {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// put sends a body and returns the answer to it.
func (p *process) put(body string) string {
	p.Helper()
	var out string
	p.Eventually(func(g Gomega) {
		req, err := http.NewRequestWithContext(p.Context(), http.MethodPut, p.ingress+"/usp/inventories/absolute", strings.NewReader(body))
		g.Expect(err).NotTo(HaveOccurred())
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth(p.ns, "secret")
		answer, err := http.DefaultClient.Do(req)
		g.Expect(err).NotTo(HaveOccurred())
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		g.Expect(err).NotTo(HaveOccurred())
		out = string(raw)
		g.Expect(answer.StatusCode).To(Equal(http.StatusOK), out)
	}, eventual, poll).Should(Succeed(), "the cache of a fresh replica may not have the Client yet")
	return out
}

// send puts one page of an object payload.
func (p *process) send(location string, page quantities) {
	p.Helper()
	type product struct {
		SKU      string `json:"channelSkuCode"`
		Quantity int64  `json:"quantity"`
	}
	body := struct {
		LocationCode string    `json:"locationCode"`
		Products     []product `json:"products"`
	}{LocationCode: location}
	for sku, q := range page {
		body.Products = append(body.Products, product{sku, q})
	}
	raw, err := json.Marshal(body)
	p.Expect(err).NotTo(HaveOccurred())
	p.Expect(p.put(string(raw))).To(ContainSubstring(`"failures":[]`))
}

// slices reads the folded quantities of a location and pool, and how many SKUs are pending.
func (s *stage) slices(location string, pool int64) (quantities, int32) {
	list := &inventoryv1alpha1.InventorySliceList{}
	s.Expect(env.Client.List(context.Background(), list, client.InNamespace(s.ns))).To(Succeed())
	out, pending := quantities{}, int32(0)
	for _, slice := range list.Items {
		if slice.LocationName != location || slice.PoolID != pool {
			continue
		}
		pending += slice.PendingCount
		for sku, q := range slice.SKUs {
			out[sku] = int64(q)
		}
	}
	return out, pending
}

// settles waits until the slices of a place say what is wanted, with nothing pending.
func (s *stage) settles(location string, pool int64, want quantities, within time.Duration) {
	s.Helper()
	s.Eventually(func(g Gomega) {
		got, pending := s.slices(location, pool)
		g.Expect(got).To(HaveLen(len(want)))
		g.Expect(got).To(Equal(want))
		g.Expect(pending).To(BeZero(), "pending")
	}, within, poll).Should(Succeed())
}

// has waits until a channel has been told just what is wanted.
func (s *stage) has(r *receiver, location string, want quantities) {
	s.Helper()
	s.Eventually(func(g Gomega) {
		got := r.at(location)
		g.Expect(got).To(HaveLen(len(want)))
		g.Expect(got).To(Equal(want))
	}, eventual, poll).Should(Succeed())
}
