package adobecommerce_test

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
	"tallyman.dev/tallyman/controllers/channel/adobecommerce"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce/adobecommercetest"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

const testToken = "s3cret-token"

// TestContract plays the behaviours at every request, at those that change something, or at the questions
// about a bulk.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]variant{
		"sync":               {},
		"bulk":               {bulk: true},
		"sync, changes only": {concerns: func(c adobecommercetest.Call) bool { return c.Method == http.MethodPost }},
		"bulk, changes only": {bulk: true, concerns: func(c adobecommercetest.Call) bool { return c.Method == http.MethodPost }},
		"bulk, status only":  {bulk: true, concerns: func(c adobecommercetest.Call) bool { return strings.HasPrefix(c.Path, "/V1/bulk/") }},
		"sync, with a limit": {limit: 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: adobecommerce.New,
				Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				// A SKU has at most 64 characters.
				SKUs: []string{"PLAIN-1", "with space", `quote"d\`, "<a>&b=c", "größe/42", "0012", "1e3", "comma,SKU", "plus+", strings.Repeat("X", 64)},
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					return startPlayer(t, as, mode, elsewhere)
				},
			})
		})
	}
}

// variant is one of the ways to play a shop.
type variant struct {
	bulk     bool
	limit    int
	concerns func(adobecommercetest.Call) bool // that the behaviours are about; nil for all
}

func (v variant) about(c adobecommercetest.Call) bool { return v.concerns == nil || v.concerns(c) }

// player is a shop that plays the behaviours of the contract.
type player struct {
	*adobecommercetest.Shop
	variant
	elsewhere string
	received  chan struct{}

	mu      sync.Mutex
	state   contract.Behaviour
	release func()
}

func startPlayer(t *testing.T, as variant, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*player, channel.Config) {
	t.Helper()
	p := &player{
		Shop: adobecommercetest.New(testToken), variant: as, elsewhere: elsewhere,
		received: make(chan struct{}, 100), release: func() {},
	}
	p.AddSource("WD-1", "main")
	p.LimitInput(as.limit)
	p.OnCall(p.note)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	cfg := configFor(server.URL)
	cfg.Channel.Spec.Mode = mode
	if mode == inventoryv1alpha1.Consolidated {
		cfg.Channel.Spec.AdobeCommerce.Source = "main"
	}
	if as.bulk {
		cfg.Channel.Spec.AdobeCommerce.Delivery = "Bulk"
		cfg.Channel.Spec.BatchSize = 500 // a tenth of what it could be, to be done sooner
	}
	return p, cfg
}

func configFor(url string) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelAdobeCommerce, Mode: inventoryv1alpha1.LocationWise,
			AdobeCommerce: &inventoryv1alpha1.AdobeCommerceChannel{URL: inventoryv1alpha1.HTTPURL(url)},
		}},
		Credentials: map[string][]byte{"accessToken": []byte(testToken)},
		Clock:       clock.RealClock{},
	}
}

// note remembers a call that Stall holds.
func (p *player) note(call adobecommercetest.Call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.state == contract.Stall && p.about(call) {
		p.received <- struct{}{}
	}
}

// Know implements contract.Catalog.
func (p *player) Know(sku string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.Has(sku) {
		p.Add(adobecommercetest.Product{SKU: sku})
	}
}

// Duplicate implements contract.Catalog.
func (p *player) Duplicate(sku string) { p.Add(adobecommercetest.Product{SKU: sku}) }

// Quantity implements contract.Server.
func (p *player) Quantity(locationCode, sku string) (int64, bool) {
	if locationCode == "" {
		locationCode = "main"
	}
	stock, ok := p.StockAt(adobecommercetest.Place{SKU: sku, Source: locationCode})
	return int64(stock.Quantity), ok
}

// Behave implements contract.Server.
func (p *player) Behave(b contract.Behaviour) {
	handler := map[contract.Behaviour]http.Handler{
		contract.Throttle: http.HandlerFunc(throttle),
		contract.Break:    adobecommercetest.Error(500, "Internal Error. Details are available in the log file."),
		contract.Garble:   http.HandlerFunc(garble),
		contract.Flood:    http.HandlerFunc(flood),
		contract.Leak:     http.HandlerFunc(leak),
	}[b]
	p.Answer(func(call adobecommercetest.Call) http.Handler {
		if p.about(call) {
			return handler
		}
		return nil
	})
	p.LoseAnswers(b == contract.Lose)
	p.Refuse()
	if b == contract.Refuse {
		p.Know(contract.Refused)
		p.Refuse(contract.Refused)
	}
	p.SetToken(testToken)
	if b == contract.Deny {
		p.SetToken("another one")
	}
	p.Hold(p.about)() // what comes is not held; what is held already stays so
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = b
	if b == contract.Stall {
		p.release = p.Hold(p.about)
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

func garble(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[{"bulk_uuid":`)) }

func flood(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(" ", 1<<16))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

func leak(w http.ResponseWriter, r *http.Request) {
	http.Error(w, fmt.Sprintf("%s: %v", contract.Leaked, r.Header), http.StatusInternalServerError)
}
