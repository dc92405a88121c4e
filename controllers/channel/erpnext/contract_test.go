package erpnext_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/erpnext"
	"tallyman.dev/tallyman/controllers/channel/erpnext/erpnexttest"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
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
			p, cfg := startServer(t, mode, elsewhere)
			cfg.Channel.Spec.ERPNext.SKUField = skuField
			return &catalog{server: p}, cfg
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
			p, cfg := startServer(t, mode, elsewhere)
			for _, sku := range known {
				p.PutItem(sku, erpnexttest.Item{})
			}
			return named{p}, cfg
		},
	})
}

// server is a site behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	*erpnexttest.Site
	mode inventoryv1alpha1.ChannelMode
}

func startServer(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*server, channel.Config) {
	t.Helper()
	fake := erpnexttest.New()
	s := &server{Site: fake, mode: mode, Front: &contract.Front{
		Next: fake, Elsewhere: elsewhere,
		Writes: func(r *http.Request, _ []byte) bool { return r.URL.Path == erpnexttest.BookPath },
		Answers: map[contract.Behaviour]http.Handler{
			contract.Break:  fakeserver.Status(http.StatusInternalServerError, `{"exc_type":"OperationalError"}`),
			contract.Garble: fakeserver.Text(`{"message": [{"name":`),
		},
		Plays: map[contract.Behaviour]func(bool){contract.Deny: contract.Toggle(
			func() { fake.Require(apiKey + ":" + apiSecret) }, func() { fake.Require("somebody:else") },
		)},
	}}
	fake.Require(apiKey + ":" + apiSecret)
	s.PutWarehouse("WD-1", erpnexttest.Warehouse{Company: erpnexttest.Company})
	s.PutWarehouse(mainWarehouse, erpnexttest.Warehouse{Company: erpnexttest.Company})
	return s, configFor(fakeserver.Start(t, s.Front), mode)
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

// of returns what the site has of some items.
func (s *server) of(items []string, warehouse string) (int64, bool) {
	if s.mode == inventoryv1alpha1.Consolidated {
		warehouse = mainWarehouse
	}
	for _, item := range items {
		if quantity, counted := s.Quantity(erpnexttest.Shelf{Item: item, Warehouse: warehouse}); counted {
			return int64(quantity), true
		}
	}
	return 0, false
}

// named is a site whose SKUs are names of items.
type named struct{ *server }

func (n named) Quantity(locationCode, sku string) (int64, bool) {
	return n.of([]string{sku}, locationCode)
}

// catalog is a site whose SKUs are a field of items.
type catalog struct {
	*server
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
