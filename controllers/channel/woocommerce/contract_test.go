package woocommerce_test

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
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
					return startServer(t, as, mode, elsewhere)
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

// server is a shop behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	*woocommercetest.Shop
	variant

	mu     sync.Mutex
	known  int   // products so far
	parent int64 // of the next variation
}

func startServer(t *testing.T, as variant, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*server, channel.Config) {
	t.Helper()
	s := &server{Shop: woocommercetest.New(testKey, testSecret), variant: as}
	s.Front = &contract.Front{
		Next: s.Shop, Elsewhere: elsewhere, About: as.concerns, Holds: as.concerns,
		Writes: func(r *http.Request, body []byte) bool {
			return r.Method == http.MethodPost && bytes.Contains(body, []byte(`"id"`)) // a probe has no products
		},
		Answers: map[contract.Behaviour]http.Handler{
			contract.Throttle: fakeserver.RetryAfter(contract.Pause, fakeserver.Status(http.StatusTooManyRequests, "<html>slow down</html>")),
			contract.Break:    woocommercetest.Fail(woocommercetest.Refusal{Code: "db_error", Message: "no database", Status: 500}),
			contract.Garble:   fakeserver.Status(http.StatusOK, `{"update":[{"id":`, "X-WP-TotalPages", "1"),
		},
		Plays: map[contract.Behaviour]func(bool){
			contract.Deny:   contract.Toggle(func() { s.SetKey(testKey, testSecret) }, func() { s.SetKey("ck_another", testSecret) }),
			contract.Refuse: contract.Toggle(func() { s.Refuse(contract.Refused, woocommercetest.Refusal{}) }, s.lock),
		},
	}
	cfg := configFor(fakeserver.Start(t, s.Front))
	cfg.Channel.Spec.Mode = mode
	if as.inQuery {
		cfg.Channel.Spec.WooCommerce.CredentialsIn = "Query"
	}
	return s, cfg
}

// lock has the shop refuse the SKU that it is to refuse.
func (s *server) lock() {
	s.Know(contract.Refused)
	s.Refuse(contract.Refused, woocommercetest.Refusal{Code: "product_locked", Message: "No.", Status: 400})
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

// concerns reports whether the behaviours are about a call.
func (v variant) concerns(r *http.Request, _ []byte) bool {
	return !v.batchesOnly || r.Method == http.MethodPost
}

// Know implements contract.Catalog.
func (s *server) Know(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.Products(sku)) == 0 {
		s.add(sku)
	}
}

// Duplicate implements contract.Catalog.
func (s *server) Duplicate(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(sku)
}

func (s *server) add(sku string) {
	if !s.variations {
		s.Add(woocommercetest.Product{Type: woocommercetest.Simple, SKU: sku, Quantity: -1})
		return
	}
	perParent := 7
	if s.perParent > 0 {
		perParent = s.perParent
	}
	if s.known%perParent == 0 {
		s.parent = s.Add(woocommercetest.Product{Type: woocommercetest.Variable, Managed: true, Quantity: 1000})
	}
	s.known++
	s.Add(woocommercetest.Product{Type: woocommercetest.Variation, Parent: s.parent, SKU: sku, Quantity: -1})
}

// Quantity implements contract.Server.
func (s *server) Quantity(_, sku string) (int64, bool) {
	found := s.Products(sku)
	if len(found) == 0 || !found[0].Managed {
		return 0, false
	}
	return found[0].Quantity, true
}
