package walmart_test

import (
	"context"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/walmart"
	"tallyman.dev/tallyman/controllers/channel/walmart/walmarttest"
)

// shop is a Walmart and the connector that reaches it.
type shop struct {
	*walmarttest.Server
	channel.Connector
	clock *clocktesting.FakeClock
	cfg   channel.Config
}

func open(t *testing.T, change func(*channel.Config)) *shop {
	t.Helper()
	s := &shop{Server: walmarttest.New(), clock: clocktesting.NewFakeClock(time.Now())}
	url := fakeserver.Start(t, s.Server)
	s.cfg = configFor(url)
	s.cfg.Clock = s.clock
	if change != nil {
		change(&s.cfg)
	}
	s.restart(t)
	return s
}

// restart makes a new connector, which knows nothing of what was before.
func (s *shop) restart(t *testing.T) {
	t.Helper()
	connector, err := walmart.New(s.cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	s.Connector = connector
}

func threshold(n int32) func(*channel.Config) {
	return func(c *channel.Config) { c.Channel.Spec.Walmart.FeedThreshold = n }
}

func item(sku string, quantity int64) channel.Item { return contract.At("N1", sku, quantity) }

func consolidated(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.Consolidated, Items: items, IdempotencyKey: "job-0"}
}

func byNode(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.LocationWise, Items: items, IdempotencyKey: "job-0"}
}

// know adds items, and returns the shop.
func (s *shop) know(skus ...string) *shop {
	for _, sku := range skus {
		s.Know(sku)
	}
	return s
}

// wants pushes and compares the failures.
func (s *shop) wants(t *testing.T, what string, b channel.Batch, want map[int]string) {
	t.Helper()
	if diff := cmp.Diff(want, contract.Pushed(t, s, b)); diff != "" {
		t.Errorf("%s: failures (-want +got):\n%s", what, diff)
	}
}

// changes are the requests that change something.
func (s *shop) changes() []string {
	var out []string
	for _, r := range s.Calls() {
		if !strings.HasPrefix(r.Line, http.MethodGet) {
			out = append(out, strings.TrimSpace(r.Line+" "+r.Body))
		}
	}
	return out
}

// pass steps the clock whenever somebody waits for it, until done is closed.
func (s *shop) pass(step time.Duration, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
			if s.clock.HasWaiters() {
				s.clock.Step(step)
			}
			runtime.Gosched()
		}
	}
}

// pushLong pushes while time goes by.
func (s *shop) pushLong(t *testing.T, b channel.Batch) (channel.Result, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second) // never needed
	defer cancel()
	done := make(chan struct{})
	var result channel.Result
	var err error
	go func() {
		defer close(done)
		result, err = s.Push(ctx, b)
	}()
	s.pass(30*time.Second, done)
	return result, err
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for specified, want := range map[int32]int{0: 1000, 20: 20} {
		s := open(t, func(c *channel.Config) { c.Channel.Spec.BatchSize = specified })
		limits := channel.Limits{BatchSize: want, MaxParallel: 1, JobItems: want, Patience: channel.MaxPatience}
		if diff := cmp.Diff(limits, s.Limits()); diff != "" {
			t.Errorf("batch size %d: limits (-want +got):\n%s", specified, diff)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*channel.Config)
		wantReason string
	}{
		"no configuration": {func(c *channel.Config) { c.Channel.Spec.Walmart = nil }, "InvalidSpec"},
		"no Secret":        {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials"},
		"no secret":        {func(c *channel.Config) { c.Credentials["clientSecret"] = nil }, "InvalidCredentials"},
		"bad transport":    {func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("http://127.0.0.1:1")
			tc.change(&cfg)
			_, err := walmart.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.wantReason)
			if strings.Contains(err.Error(), walmarttest.ClientSecret) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// TestHeaders wants those that Walmart asks for, as it writes them, and an identifier of its own for
// every request.
func TestHeaders(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *channel.Config) {
		c.Channel.Spec.Walmart.Market, c.Channel.Spec.Walmart.ChannelType = "ca", "0f3e4dd4-0514-4346-b39d-af0e00ea066d"
		c.Channel.Spec.Walmart.ServiceName = "Tallyman"
	}).know("A")
	s.wants(t, "push", consolidated(item("A", 1)), map[int]string{})
	seen := sets.New[string]()
	for _, r := range s.Calls() {
		got := []string{r.Header.Get("WM_SEC.ACCESS_TOKEN"), r.Header.Get("WM_SVC.NAME"), r.Header.Get("WM_MARKET"), r.Header.Get("WM_CONSUMER.CHANNEL.TYPE"), r.Header.Get("Authorization")}
		if diff := cmp.Diff([]string{"eyJ-token-1", "Tallyman", "ca", "0f3e4dd4-0514-4346-b39d-af0e00ea066d", ""}, got); diff != "" {
			t.Errorf("%s: headers (-want +got):\n%s", r.Line, diff)
		}
		if id := r.Header.Get("WM_QOS.CORRELATION_ID"); seen.Has(id) {
			t.Errorf("%s: the identifier %s is used again", r.Line, id)
		} else {
			seen.Insert(id)
		}
	}
	if seen.Len() < 2 {
		t.Errorf("%d requests, want at least 2", seen.Len())
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	steps := []struct {
		name string
		do   func()
		want int
	}{
		{"first use", func() {}, 1},
		{"again", func() {}, 1},
		{"shortly before the end", func() { s.clock.Step(15*time.Minute - 30*time.Second) }, 2},
		{"revoked", s.ExpireToken, 3},
	}
	for _, step := range steps {
		step.do()
		if err := s.Probe(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := s.TokensIssued(); got != step.want {
			t.Errorf("%s: %d tokens, want %d", step.name, got, step.want)
		}
	}
}

// TestWire compares what is sent with the specification's shape, to the letter.
func TestWire(t *testing.T) {
	t.Parallel()
	const odd = "a b/c&d=e+f@%"
	const escaped = "a%20b%2Fc%26d%3De%2Bf%40%25"
	both := []channel.Item{contract.At("N1", odd, 17), contract.At("N2", odd, 0), contract.At("N1", "B", 3)}
	cases := map[string]struct {
		shipNode  string
		threshold int32
		batch     channel.Batch
		want      []string
	}{
		"consolidated": {
			batch: consolidated(item(odd, 17)),
			want:  []string{`PUT /v3/inventory?sku=` + escaped + ` {"sku":"a b/c\u0026d=e+f@%","quantity":{"unit":"EACH","amount":17}}`},
		},
		"consolidated, at a node": {
			shipNode: "N 9", batch: consolidated(item("B", 0)),
			want: []string{`PUT /v3/inventory?sku=B&shipNode=N%209 {"sku":"B","quantity":{"unit":"EACH","amount":0}}`},
		},
		"location-wise": {
			batch: byNode(both...),
			want: []string{
				`PUT /v3/inventories/B {"inventories":{"nodes":[{"shipNode":"N1","inputQty":{"unit":"EACH","amount":3}}]}}`,
				`PUT /v3/inventories/` + escaped + ` {"inventories":{"nodes":[{"shipNode":"N1","inputQty":{"unit":"EACH","amount":17}},{"shipNode":"N2","inputQty":{"unit":"EACH","amount":0}}]}}`,
			},
		},
		"feed, consolidated": {
			threshold: 1, shipNode: "N9", batch: consolidated(item("B", 3), item(odd, 0)),
			want: []string{`POST /v3/feeds?feedType=inventory&shipNode=N9 {"InventoryHeader":{"version":"1.4"},"Inventory":[` +
				`{"sku":"B","quantity":{"unit":"EACH","amount":3}},{"sku":"a b/c\u0026d=e+f@%","quantity":{"unit":"EACH","amount":0}}]}`},
		},
		"feed, location-wise": {
			threshold: 2, batch: byNode(both...),
			want: []string{`POST /v3/feeds?feedType=MP_INVENTORY {"inventoryHeader":{"version":"1.5"},"inventory":[` +
				`{"sku":"a b/c\u0026d=e+f@%","shipNodes":[{"shipNode":"N1","quantity":{"unit":"EACH","amount":17}},{"shipNode":"N2","quantity":{"unit":"EACH","amount":0}}]},` +
				`{"sku":"B","shipNodes":[{"shipNode":"N1","quantity":{"unit":"EACH","amount":3}}]}]}`},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(c *channel.Config) {
				c.Channel.Spec.Walmart.ShipNode, c.Channel.Spec.Walmart.FeedThreshold = tc.shipNode, tc.threshold
			}).know(odd, "B")
			s.wants(t, "push", tc.batch, map[int]string{})
			got := s.changes()
			slices.Sort(got) // requests for single items are made at once
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			for _, it := range tc.batch.Items {
				node := it.LocationCode
				if tc.batch.Mode == inventoryv1alpha1.Consolidated {
					node = tc.shipNode
				}
				if got, ok := s.Quantity(node, it.SKU); !ok || got != it.Quantity {
					t.Errorf("%s at %s: %d (%v), want %d", it.SKU, node, got, ok, it.Quantity)
				}
			}
		})
	}
}
