package vendure_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/vendure"
	"tallyman.dev/tallyman/controllers/channel/vendure/venduretest"
)

var modes = []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated}

const (
	username, password, apiKey = "tallyman", "s3cret-password", "lookup-id:s3cret-api-key"

	// before is what lies at a location before it is set the first time; no case pushes it.
	before = 424_242
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*venduretest.Shop, *channel.Config){
		"token":  func(*venduretest.Shop, *channel.Config) {},
		"cookie": func(s *venduretest.Shop, _ *channel.Config) { s.GiveCookies() },
		"API key": func(s *venduretest.Shop, cfg *channel.Config) {
			s.AcceptKey(apiKey)
			cfg.Credentials = map[string][]byte{"apiKey": []byte(apiKey)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: vendure.New, Modes: modes,
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					p, cfg := startServer(t, mode, elsewhere)
					prepare(p.Shop, &cfg)
					return p, cfg
				},
			})
		})
	}
}

// server is a fake shop that plays the contract's behaviours.
type server struct {
	*contract.Front
	*venduretest.Shop
	depot string
}

func startServer(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*server, channel.Config) {
	t.Helper()
	fake := venduretest.New(username, password)
	p := &server{newFront(fake, elsewhere), fake, fake.AddLocation("WD-1")}
	url := fakeserver.Start(t, p)
	return p, config(url, mode)
}

// newFront plays behaviours in the words of Vendure, whose errors come with status 200.
func newFront(next http.Handler, elsewhere string) *contract.Front {
	fail := func(code string, words func(*http.Request) string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			raw, _ := json.Marshal(map[string]any{"data": nil, "errors": []any{
				map[string]any{"message": words(r), "extensions": map[string]string{"code": code}},
			}})
			_, _ = w.Write(raw)
		})
	}
	saying := func(words string) func(*http.Request) string { return func(*http.Request) string { return words } }
	return &contract.Front{
		Next: next, Elsewhere: elsewhere,
		Writes: func(_ *http.Request, body []byte) bool { return bytes.Contains(body, []byte("updateProductVariants")) },
		Answers: map[contract.Behaviour]http.Handler{
			contract.Deny:  fail("FORBIDDEN", saying("You are not currently authorized to perform this action")),
			contract.Break: fail("INTERNAL_SERVER_ERROR", saying("no database")),
			contract.Leak:  fail("INTERNAL_SERVER_ERROR", contract.Credentials),
		},
	}
}

func config(url string, mode inventoryv1alpha1.ChannelMode) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelVendure, Mode: mode,
			Vendure: &inventoryv1alpha1.VendureChannel{URL: inventoryv1alpha1.HTTPURL(url + "/admin-api"), Location: "Default Stock Location"},
		}},
		Credentials: map[string][]byte{"username": []byte(username), "password": []byte(password)},
		Clock:       clock.RealClock{},
	}
}

func (p *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.Front.ServeHTTP(w, r) }

// Quantity implements contract.Server.
func (p *server) Quantity(locationCode, sku string) (int64, bool) {
	if locationCode == "" {
		return p.OnHand(sku, venduretest.DefaultLocation)
	}
	return p.OnHand(sku, p.depot)
}

// Know implements contract.Catalog.
func (p *server) Know(sku string) {
	if len(p.Find(sku)) == 0 {
		p.Duplicate(sku)
	}
}

// Duplicate implements contract.Catalog.
func (p *server) Duplicate(sku string) {
	p.AddVariant(venduretest.Variant{SKU: sku, OnHand: map[string]int64{p.depot: before, venduretest.DefaultLocation: before}})
}

// Rename implements contract.Catalog.
func (p *server) Rename(from, to string) {
	p.ChangeVariants(from, func(v *venduretest.Variant) { v.SKU = to })
}
