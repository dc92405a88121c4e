package amazon_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

func TestContract(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*inventoryv1alpha1.AmazonChannel)
		batchSize  int32
		anySKU     bool // the channel takes any SKU
		keepsOrder bool
	}{
		"listings": {},
		"listings, made where there are none": {anySKU: true, change: func(a *inventoryv1alpha1.AmazonChannel) {
			a.UnknownSKUs = inventoryv1alpha1.CreateUnknownSKUs
		}},
		"listings, until applied": {change: func(a *inventoryv1alpha1.AmazonChannel) {
			a.Confirm = inventoryv1alpha1.ConfirmApplied
		}},
		"feeds": {batchSize: 40, change: func(a *inventoryv1alpha1.AmazonChannel) {
			a.Method, a.FeedThreshold = inventoryv1alpha1.AmazonFeeds, 1
		}},
		"feeds, until applied": {batchSize: 40, change: func(a *inventoryv1alpha1.AmazonChannel) {
			a.Method, a.FeedThreshold, a.Confirm = inventoryv1alpha1.AmazonFeeds, 1, inventoryv1alpha1.ConfirmApplied
		}},
		"feeds, below the threshold": {batchSize: 40, change: func(a *inventoryv1alpha1.AmazonChannel) {
			a.Method = inventoryv1alpha1.AmazonFeeds
		}},
		"external fulfillment": {anySKU: true, keepsOrder: true, change: func(a *inventoryv1alpha1.AmazonChannel) {
			a.Method = inventoryv1alpha1.AmazonExternalFulfillment
		}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory:    amazon.New,
				Modes:      []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				KeepsOrder: tc.keepsOrder,
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					p := startServer(t, elsewhere)
					p.cfg.Channel.Spec.Mode, p.cfg.Channel.Spec.BatchSize = mode, tc.batchSize
					if tc.change != nil {
						tc.change(p.cfg.Channel.Spec.Amazon)
					}
					if tc.anySKU {
						return struct{ contract.Server }{p}, p.cfg // hides that it is a Catalog
					}
					return p, p.cfg
				},
			})
		})
	}
}

// credentials that the fake Amazon accepts.
func credentials() map[string][]byte {
	return map[string][]byte{
		"clientId": []byte("amzn1.application-oa2-client.0001"), "clientSecret": []byte("amzn1.oa2-cs.v1.s3cret"),
		"refreshToken": []byte("Atzr|r3fresh/token"),
	}
}

// server is an Amazon behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	*amazontest.Server
	cfg channel.Config
}

func startServer(t *testing.T, elsewhere string) *server {
	t.Helper()
	c := &hastyClock{}
	fake := amazontest.New(c, credentials())
	s := &server{Server: fake, Front: &contract.Front{
		Next: fake, Elsewhere: elsewhere, Late: true,
		About:  func(r *http.Request, _ []byte) bool { return amazontest.IsOperation(r) },
		Writes: func(r *http.Request, _ []byte) bool { return amazontest.Writes(r) },
		Answers: map[contract.Behaviour]http.Handler{
			// A request is allowed every 89.3 s.
			contract.Throttle: refusal(http.StatusTooManyRequests, "QuotaExceeded", "0.0112"),
			contract.Break:    refusal(http.StatusInternalServerError, "InternalFailure", ""),
			contract.Garble:   fakeserver.Text(`{"items": [`),
			contract.Leak:     http.HandlerFunc(leak),
		},
		Plays: map[contract.Behaviour]func(bool){
			contract.Deny:   fake.Deny,
			contract.Refuse: contract.Toggle(func() { fake.Heal(contract.Refused) }, func() { fake.Refuse(contract.Refused) }),
		},
	}}
	s.cfg = configFor(fakeserver.Start(t, checked(t, s.Front, s.wrong)), c)
	return s
}

// configFor is the configuration of a Channel of method Listings.
func configFor(url string, c clock.WithTicker) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelAmazon,
			Amazon: &inventoryv1alpha1.AmazonChannel{
				Region: inventoryv1alpha1.AmazonEurope, SellerID: "A1SELLER", Method: inventoryv1alpha1.AmazonListings,
				MarketplaceIDs:  []inventoryv1alpha1.AmazonMarketplaceID{"A1PA6795UKMFR9"},
				Endpoint:        inventoryv1alpha1.HTTPURL(url),
				TokenURL:        inventoryv1alpha1.HTTPURL(url + amazontest.TokenPath),
				DocumentOrigins: []inventoryv1alpha1.AmazonDocumentOrigin{inventoryv1alpha1.AmazonDocumentOrigin(url)},
			},
		}},
		Credentials: credentials(),
		Clock:       c,
	}
}

// wrong reports whether answers are meant to be.
func (s *server) wrong() bool {
	switch s.Behaviour() {
	case contract.Garble, contract.Flood, contract.Leak, contract.Redirect, contract.Lose:
		return true
	}
	return false
}

func (s *server) Quantity(location, sku string) (int64, bool) {
	if location == "" {
		location = inventoryv1alpha1.DefaultAmazonLocation
	}
	if s.cfg.Channel.Spec.Amazon.Method == inventoryv1alpha1.AmazonExternalFulfillment {
		stock, told := s.Inventory(amazontest.LocationSKU{LocationID: location, SKU: sku})
		return stock.Quantity, told
	}
	l, _ := s.Listing(sku)
	quantity, told := l.Quantities[location]
	return quantity, told
}

// refusal answers with an error of the API, and a rate if one is given.
func refusal(status int, code, rate string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if rate != "" {
			w.Header().Set("x-amzn-RateLimit-Limit", rate)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"errors":[{"code":%q,"message":"not now"}]}`, code)
	})
}

func leak(w http.ResponseWriter, r *http.Request) {
	http.Error(w, fmt.Sprintf("%s: %s %s", contract.Leaked, r.Header.Get("x-amz-access-token"), credentials()), http.StatusInternalServerError)
}

// hastyClock stands still, but that waits pass at once: what waited finds that so much time has gone.
type hastyClock struct {
	clock.RealClock
	mu      sync.Mutex
	skipped time.Duration
}

func (c *hastyClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC).Add(c.skipped)
}

func (c *hastyClock) Since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *hastyClock) NewTimer(d time.Duration) clock.Timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped += d
	return c.RealClock.NewTimer(0)
}
