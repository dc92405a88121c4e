package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/hack/fixture"
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
		manager, err = fixture.Build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
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

type quantities = fixture.Quantities

// The channels are called as those of config/samples are.
const (
	marketName = "demo-marketplace"
	storeName  = "demo-webshop"
)

// harness is a tenant with two locations and two channels, and the managers that look after it.
type harness struct {
	*testing.T
	*WithT
	ns            string
	kubeconfig    string
	market, store *fixture.Receiver // location-wise, and consolidated over pools 0 and 1
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	s := &harness{T: t, WithT: NewWithT(t), ns: env.Namespace(t), market: fixture.NewReceiver(t), store: fixture.NewReceiver(t)}
	s.kubeconfig = env.ServiceAccountKubeconfig(t, systemNamespace, "tallyman")
	s.grant("default")
	env.Create(t, append(fixture.Tenant(s.ns),
		fixture.Channel(s.ns, marketName, s.market.URL, inventoryv1alpha1.LocationWise),
		fixture.Channel(s.ns, storeName, s.store.URL, inventoryv1alpha1.Consolidated, 0, 1),
	)...)
	return s
}

// process is a running manager.
type process struct {
	*harness
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

// mentions reports whether the manager has logged something.
func (p *process) mentions(text string) bool { return strings.Contains(p.log.String(), text) }

// start starts a manager, with further flags, and waits until its ingress serves.
func (s *harness) start(flags ...string) *process {
	s.Helper()
	ingress := freeAddress(s.T)
	p := &process{harness: s, ingress: "http://" + ingress, log: &logBuffer{}, exited: make(chan struct{})}
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
	return p.call(http.MethodPut, "/usp/inventories/absolute", body)
}

// call makes a request of the ingress and returns the answer to it, which has to be a success.
func (p *process) call(method, path, body string) string {
	p.Helper()
	var out string
	p.Eventually(func(g Gomega) {
		req, err := http.NewRequestWithContext(p.Context(), method, p.ingress+path, strings.NewReader(body))
		g.Expect(err).NotTo(HaveOccurred())
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth(p.ns, fixture.Password)
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

// snapshots reads the folded quantities of a location and pool, and how many SKUs are pending.
func (s *harness) snapshots(location string, pool int64) (quantities, int32) {
	list := &inventoryv1alpha1.InventorySnapshotList{}
	s.Expect(env.Client.List(context.Background(), list, client.InNamespace(s.ns))).To(Succeed())
	out, pending := quantities{}, int32(0)
	for _, snapshot := range list.Items {
		if snapshot.LocationName != location || snapshot.PoolID != pool {
			continue
		}
		pending += snapshot.PendingCount
		for sku, q := range snapshot.SKUs {
			out[sku] = int64(q)
		}
	}
	return out, pending
}

// settles waits until the snapshots of a location say what is wanted, with nothing pending.
func (s *harness) settles(location string, pool int64, want quantities, within time.Duration) {
	s.Helper()
	s.Eventually(func(g Gomega) {
		got, pending := s.snapshots(location, pool)
		g.Expect(got).To(HaveLen(len(want)))
		g.Expect(got).To(Equal(want))
		g.Expect(pending).To(BeZero(), "pending")
	}, within, poll).Should(Succeed())
}

// has waits until a channel has been told just what is wanted.
func (s *harness) has(r *fixture.Receiver, location string, want quantities) {
	s.Helper()
	s.Eventually(func(g Gomega) {
		got := r.At(location)
		g.Expect(got).To(HaveLen(len(want)))
		g.Expect(got).To(Equal(want))
	}, eventual, poll).Should(Succeed())
}
