package erpnext_test

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
	"tallyman.dev/tallyman/controllers/channel/erpnext"
	"tallyman.dev/tallyman/controllers/channel/erpnext/erpnexttest"
)

// Names on the site.
const (
	mainWarehouse = "Main - A"
	skuField      = "custom_sku"
	apiKey        = "k3y-of-the-user"
	apiSecret     = "s3cret-of-the-user"
)

// bothModes are all there are.
var bothModes = []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated}

// TestContract has SKUs in a field of their own, which can be empty, be there twice, and change.
func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, contract.Subject{
		Factory: erpnext.New, Modes: bothModes,
		Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
			p, cfg := startPlayer(t, mode, elsewhere)
			cfg.Channel.Spec.ERPNext.SKUField = skuField
			return &catalog{player: p}, cfg
		},
	})
}

// TestContractByItemCode has SKUs that are the names of items.
func TestContractByItemCode(t *testing.T) {
	t.Parallel()
	skus := []string{"PLAIN-1", "with space", `quote"d\`, "<a>&b=c", "größe/42", "0012", "1e3", strings.Repeat("X", 140)}
	known := append([]string{"A", "GOOD-1", "SOLD-OUT"}, skus...)
	for i := range erpnext.BatchSize {
		known = append(known, fmt.Sprintf("SKU-%d", i))
	}
	contract.Run(t, contract.Subject{
		Factory: erpnext.New, Modes: bothModes, SKUs: skus,
		Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
			p, cfg := startPlayer(t, mode, elsewhere)
			for _, sku := range known {
				p.PutItem(sku, erpnexttest.Item{})
			}
			return named{p}, cfg
		},
	})
}

// player is a site that plays the behaviours of the contract.
type player struct {
	*erpnexttest.Site
	mode      inventoryv1alpha1.ChannelMode
	elsewhere string
	received  chan struct{}

	mu       sync.Mutex
	state    contract.Behaviour
	releases []func()
}

func startPlayer(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*player, channel.Config) {
	t.Helper()
	p := &player{Site: erpnexttest.New(), mode: mode, elsewhere: elsewhere, received: make(chan struct{}, 100)}
	p.PutWarehouse("WD-1", erpnexttest.Warehouse{Company: erpnexttest.Company})
	p.PutWarehouse(mainWarehouse, erpnexttest.Warehouse{Company: erpnexttest.Company})
	p.Require(apiKey + ":" + apiSecret)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	return p, configFor(server.URL, mode)
}

func configFor(url string, mode inventoryv1alpha1.ChannelMode) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelERPNext, Mode: mode,
			ERPNext: &inventoryv1alpha1.ERPNextChannel{
				URL: inventoryv1alpha1.HTTPURL(url), Company: erpnexttest.Company, Warehouse: mainWarehouse,
			},
		}},
		Credentials: map[string][]byte{"apiKey": []byte(apiKey), "apiSecret": []byte(apiSecret)},
		Clock:       clock.RealClock{},
	}
}

func (p *player) Behave(b contract.Behaviour) {
	p.Answer(map[contract.Behaviour]http.Handler{
		contract.Throttle: answering(http.StatusTooManyRequests, "Too Many Requests", "Retry-After", strconv.Itoa(int(contract.Pause.Seconds()))),
		contract.Break:    answering(http.StatusInternalServerError, `{"exc_type":"OperationalError"}`),
		contract.Garble:   answering(http.StatusOK, `{"message": [{"name":`),
		contract.Flood:    http.HandlerFunc(flood),
		contract.Leak:     http.HandlerFunc(leak),
	}[b])
	p.LoseAnswers(b == contract.Lose)
	p.Require(apiKey + ":" + apiSecret)
	if b == contract.Deny {
		p.Require("somebody:else")
	}
	p.Hold(nil)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = b
	if b == contract.Stall {
		p.releases = append(p.releases, p.Hold(func() { p.received <- struct{}{} }))
	}
}

func (p *player) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, release := range p.releases {
		release()
	}
}

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
	p.Site.ServeHTTP(w, r)
}

// of returns what the site has of some items.
func (p *player) of(items []string, warehouse string) (int64, bool) {
	if p.mode == inventoryv1alpha1.Consolidated {
		warehouse = mainWarehouse
	}
	for _, item := range items {
		if quantity, counted := p.Quantity(erpnexttest.Shelf{Item: item, Warehouse: warehouse}); counted {
			return int64(quantity), true
		}
	}
	return 0, false
}

// named is a site whose SKUs are names of items.
type named struct{ *player }

func (n named) Quantity(locationCode, sku string) (int64, bool) {
	return n.of([]string{sku}, locationCode)
}

// catalog is a site whose SKUs are a field of items.
type catalog struct {
	*player
	mu    sync.Mutex
	items int
}

func (c *catalog) Quantity(locationCode, sku string) (int64, bool) {
	return c.of(c.Find(skuField, sku), locationCode)
}

func (c *catalog) Know(sku string) {
	if len(c.Find(skuField, sku)) == 0 {
		c.Duplicate(sku)
	}
}

func (c *catalog) Duplicate(sku string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.items++
	c.PutItem(fmt.Sprintf("ITEM-%d", c.items), erpnexttest.Item{Fields: map[string]string{skuField: sku}})
}

func (c *catalog) Rename(from, to string) {
	for _, name := range c.Find(skuField, from) {
		c.PutItem(name, erpnexttest.Item{Fields: map[string]string{skuField: to}})
	}
}

func answering(status int, body string, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	})
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
	http.Error(w, fmt.Sprintf("%s: %v", contract.Leaked, r.Header), http.StatusInternalServerError)
}
