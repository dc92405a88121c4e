package shopify_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/shopify"
	"tallyman.dev/tallyman/controllers/channel/shopify/shopifytest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, variant := range map[string]struct {
		version inventoryv1alpha1.ShopifyAPIVersion
		name    inventoryv1alpha1.ShopifyQuantityName
		issued  bool
	}{
		"without keys":                         {"2025-10", inventoryv1alpha1.ShopifyAvailable, false},
		"with keys, by the client's grant":     {"2026-07", inventoryv1alpha1.ShopifyAvailable, true},
		"on hand":                              {"2026-07", inventoryv1alpha1.ShopifyOnHand, false},
		"the newest version that is supported": {"2026-10", inventoryv1alpha1.ShopifyAvailable, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory:     shopify.New,
				Modes:       []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				MaxQuantity: shopify.MaxQuantity,
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					t.Helper()
					p := startServer(t, elsewhere)
					spec := inventoryv1alpha1.ShopifyChannel{URL: inventoryv1alpha1.HTTPURL(p.url), APIVersion: variant.version, QuantityName: variant.name}
					if mode == inventoryv1alpha1.Consolidated {
						spec.Location = central
					}
					cfg := config(mode, spec)
					if variant.issued {
						p.shop.Accept()
						p.shop.IssueTokens("0a1b2c3d", "s3cret-of-app")
						cfg.Credentials = map[string][]byte{"clientId": []byte("0a1b2c3d"), "clientSecret": []byte("s3cret-of-app")}
					}
					return p, cfg
				},
			})
		})
	}
}

// central is where all lies in Consolidated mode.
const central = "Central warehouse"

// config is that of a channel that has the shop's token.
func config(mode inventoryv1alpha1.ChannelMode, spec inventoryv1alpha1.ShopifyChannel) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelShopify, Shopify: &spec, Mode: mode,
		}},
		Credentials: map[string][]byte{"accessToken": []byte(shopifytest.Token)},
		Clock:       clock.RealClock{},
	}
}

// server is a shop that plays the behaviours of the contract.
type server struct {
	contract.Front
	shop *shopifytest.Shop
	url  string
}

func startServer(t *testing.T, elsewhere string) *server {
	t.Helper()
	p := &server{shop: shopifytest.New(clock.RealClock{})}
	p.shop.AddLocation("WD-1")
	p.shop.AddLocation(central)
	p.Next, p.Elsewhere = p.shop, elsewhere
	p.Writes = func(_ *http.Request, body []byte) bool { return bytes.Contains(body, []byte("mutation SetQuantities")) }
	p.Answers = map[contract.Behaviour]http.Handler{
		contract.Throttle: p.calls(throttle),
		contract.Leak:     p.calls(leak),
	}
	url := fakeserver.Start(t, p)
	p.url = url
	return p
}

// calls answers calls of the API, and leaves tokens to the shop.
func (p *server) calls(answer http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "/oauth/") {
			p.shop.ServeHTTP(w, r)
			return
		}
		answer(w, r)
	})
}

// throttle wants 100 points, has 10, and gets one back in a second.
func throttle(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{
		"requestedQueryCost":100,"actualQueryCost":null,
		"throttleStatus":{"maximumAvailable":2000.0,"currentlyAvailable":10,"restoreRate":1.0}}}}`)
}

// leak is an error of GraphQL, whose status is 200; the token's own end is another case.
func leak(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, `{"errors":[{"message":%q}]}`, contract.Credentials(r))
}

// Quantity implements contract.Server.
func (p *server) Quantity(locationCode, sku string) (int64, bool) {
	if locationCode == "" {
		locationCode = central
	}
	for _, id := range p.shop.WithSKU(sku) {
		if level, ok := p.shop.Level(id, p.shop.LocationNamed(locationCode)); ok && level.Set > 0 {
			return level.OnHand, true
		}
	}
	return 0, false
}

// Know implements contract.Catalog.
func (p *server) Know(sku string) {
	if len(p.shop.WithSKU(sku)) == 0 {
		p.Duplicate(sku)
	}
}

// Duplicate implements contract.Catalog.
func (p *server) Duplicate(sku string) {
	p.shop.AddItem(shopifytest.Item{SKU: sku}, p.shop.LocationNamed("WD-1"), p.shop.LocationNamed(central))
}

// Rename implements contract.Catalog.
func (p *server) Rename(from, to string) {
	for _, id := range p.shop.WithSKU(from) {
		p.shop.Change(id, func(it *shopifytest.Item) { it.SKU = to })
	}
}
