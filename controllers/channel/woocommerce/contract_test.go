package woocommerce_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/woocommerce"
	"tallyman.dev/tallyman/controllers/channel/woocommerce/woocommercetest"
)

const (
	testKey    = "ck_s3cret-key"
	testSecret = "cs_s3cret+secret/"
)

// TestContract plays the behaviours at every request, or at batches only, so that look-ups work.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]variant{
		"products":                  {},
		"variations":                {variations: true},
		"products, batches only":    {batchesOnly: true},
		"variations, batches only":  {variations: true, batchesOnly: true},
		"products, key in query":    {inQuery: true},
		"variations, in full calls": {variations: true, perParent: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: woocommerce.New,
				Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.Consolidated},
				// The shop takes tags out of SKUs, and cannot hold them.
				SKUs: []string{"PLAIN-1", "with space", `quote"d\`, "a&b=c", "größe/42", "0012", "1e3", "comma,SKU", "plus+", strings.Repeat("X", 100)},
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					return startPlayer(t, as, mode, elsewhere)
				},
			})
		})
	}
}

// variant is one of the ways to play a shop.
type variant struct {
	variations  bool
	perParent   int // variations of one product; 7 unless set
	batchesOnly bool
	inQuery     bool
}

// player is a shop that plays the behaviours of the contract.
type player struct {
	*woocommercetest.Shop
	variant
	elsewhere string
	received  chan struct{}

	mu      sync.Mutex
	state   contract.Behaviour
	release func()
	known   int   // products so far
	parent  int64 // of the next variation
}

func startPlayer(t *testing.T, as variant, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*player, channel.Config) {
	t.Helper()
	p := &player{
		Shop: woocommercetest.New(testKey, testSecret), variant: as, elsewhere: elsewhere,
		received: make(chan struct{}, 100), release: func() {},
	}
	p.OnCall(p.note)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	cfg := configFor(server.URL)
	cfg.Channel.Spec.Mode = mode
	if as.inQuery {
		cfg.Channel.Spec.WooCommerce.CredentialsIn = "Query"
	}
	return p, cfg
}

func configFor(url string) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelWooCommerce, Mode: inventoryv1alpha1.Consolidated,
			WooCommerce: &inventoryv1alpha1.WooCommerceChannel{URL: inventoryv1alpha1.HTTPURL(url)},
		}},
		Credentials: map[string][]byte{"consumerKey": []byte(testKey), "consumerSecret": []byte(testSecret)},
		Clock:       clock.RealClock{},
	}
}

// note remembers a call that Stall holds.
func (p *player) note(call woocommercetest.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == contract.Stall && p.concerns(call) {
		p.received <- struct{}{}
	}
}

// concerns reports whether the behaviours are about a call.
func (v variant) concerns(call woocommercetest.Call) bool {
	return !v.batchesOnly || call.Method == http.MethodPost
}

// Know implements contract.Catalog.
func (p *player) Know(sku string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.Products(sku)) == 0 {
		p.add(sku)
	}
}

// Duplicate implements contract.Catalog.
func (p *player) Duplicate(sku string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.add(sku)
}

func (p *player) add(sku string) {
	if !p.variations {
		p.Add(woocommercetest.Product{Type: woocommercetest.Simple, SKU: sku, Quantity: -1})
		return
	}
	perParent := 7
	if p.perParent > 0 {
		perParent = p.perParent
	}
	if p.known%perParent == 0 {
		p.parent = p.Add(woocommercetest.Product{Type: woocommercetest.Variable, Managed: true, Quantity: 1000})
	}
	p.known++
	p.Add(woocommercetest.Product{Type: woocommercetest.Variation, Parent: p.parent, SKU: sku, Quantity: -1})
}

// Quantity implements contract.Server.
func (p *player) Quantity(_, sku string) (int64, bool) {
	found := p.Products(sku)
	if len(found) == 0 || !found[0].Managed {
		return 0, false
	}
	return found[0].Quantity, true
}

// Behave implements contract.Server.
func (p *player) Behave(b contract.Behaviour) {
	handler := map[contract.Behaviour]http.Handler{
		contract.Throttle: http.HandlerFunc(throttle),
		contract.Break:    woocommercetest.Fail(woocommercetest.Refusal{Code: "db_error", Message: "no database", Status: 500}),
		contract.Garble:   http.HandlerFunc(garble),
		contract.Flood:    http.HandlerFunc(flood),
		contract.Leak:     http.HandlerFunc(leak),
	}[b]
	p.Answer(func(call woocommercetest.Call) http.Handler {
		if p.concerns(call) {
			return handler
		}
		return nil
	})
	p.LoseAnswers(b == contract.Lose)
	p.Refuse(contract.Refused, woocommercetest.Refusal{})
	if b == contract.Refuse {
		p.Know(contract.Refused)
		p.Refuse(contract.Refused, woocommercetest.Refusal{Code: "product_locked", Message: "No.", Status: 400})
	}
	p.SetKey(testKey, testSecret)
	if b == contract.Deny {
		p.SetKey("ck_another", testSecret)
	}
	p.Hold(p.concerns)() // what comes is not held; what is held already stays so
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = b
	if b == contract.Stall {
		p.release = p.Hold(p.concerns)
	}
}

// Release implements contract.Server.
func (p *player) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

// Received implements contract.Server.
func (p *player) Received() <-chan struct{} { return p.received }

// ServeHTTP redirects by 307, which keeps method and body.
func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	redirect := p.state == contract.Redirect
	p.mu.Unlock()
	if redirect {
		http.Redirect(w, r, p.elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	p.Shop.ServeHTTP(w, r)
}

func throttle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", strconv.Itoa(int(contract.Pause.Seconds())))
	http.Error(w, "<html>slow down</html>", http.StatusTooManyRequests)
}

func garble(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("X-WP-TotalPages", "1")
	_, _ = w.Write([]byte(`{"update":[{"id":`))
}

func flood(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(" ", 1<<16))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func leak(w http.ResponseWriter, r *http.Request) {
	http.Error(w, fmt.Sprintf("%s: %v %v", contract.Leaked, r.Header, r.URL.Query()), http.StatusInternalServerError)
}
