package adobecommerce_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce/adobecommercetest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

const testToken = "s3cret-token"

// TestContract plays the behaviours at every request, at those that change something, or at the questions
// about a bulk.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]variant{
		"sync":               {},
		"bulk":               {bulk: true},
		"sync, changes only": {about: posts},
		"bulk, changes only": {bulk: true, about: posts},
		"bulk, status only":  {bulk: true, about: questions},
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
					return startServer(t, as, mode, elsewhere)
				},
			})
		})
	}
}

// variant is one of the ways to play a shop.
type variant struct {
	bulk  bool
	limit int
	about contract.Calls // that the behaviours are about; nil for all
}

func posts(r *http.Request, _ []byte) bool { return r.Method == http.MethodPost }

func questions(r *http.Request, _ []byte) bool { return strings.Contains(r.URL.Path, "/V1/bulk/") }

// server is a shop behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	*adobecommercetest.Shop
	mu sync.Mutex
}

func startServer(t *testing.T, as variant, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*server, channel.Config) {
	t.Helper()
	if as.about == nil {
		as.about = contract.All
	}
	s := &server{Shop: adobecommercetest.New(testToken)}
	s.Front = &contract.Front{
		Next: s.Shop, Elsewhere: elsewhere, About: as.about, Holds: as.about, Writes: posts,
		Answers: map[contract.Behaviour]http.Handler{
			contract.Throttle: fakeserver.RetryAfter(contract.Pause, fakeserver.Status(http.StatusTooManyRequests, "<html>slow down</html>")),
			contract.Break:    adobecommercetest.Error(http.StatusInternalServerError, "Internal Error. Details are available in the log file."),
			contract.Garble:   fakeserver.Text(`[{"bulk_uuid":`),
		},
		Plays: map[contract.Behaviour]func(bool){
			contract.Deny: contract.Toggle(func() { s.SetToken(testToken) }, func() { s.SetToken("another one") }),
			contract.Refuse: contract.Toggle(func() { s.Refuse() }, func() {
				s.Know(contract.Refused)
				s.Refuse(contract.Refused)
			}),
		},
	}
	s.AddSource("WD-1", "main")
	s.LimitInput(as.limit)
	cfg := configFor(fakeserver.Start(t, s.Front))
	cfg.Channel.Spec.Mode = mode
	if mode == inventoryv1alpha1.Consolidated {
		cfg.Channel.Spec.AdobeCommerce.Source = "main"
	}
	if as.bulk {
		cfg.Channel.Spec.AdobeCommerce.Delivery = "Bulk"
		cfg.Channel.Spec.BatchSize = 500 // a tenth of what it could be, to be done sooner
	}
	return s, cfg
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

// Know implements contract.Catalog.
func (s *server) Know(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.Has(sku) {
		s.Add(adobecommercetest.Product{SKU: sku})
	}
}

// Duplicate implements contract.Catalog.
func (s *server) Duplicate(sku string) { s.Add(adobecommercetest.Product{SKU: sku}) }

// Quantity implements contract.Server.
func (s *server) Quantity(locationCode, sku string) (int64, bool) {
	if locationCode == "" {
		locationCode = "main"
	}
	stock, ok := s.StockAt(adobecommercetest.SourceSKU{SKU: sku, Source: locationCode})
	return int64(stock.Quantity), ok
}
