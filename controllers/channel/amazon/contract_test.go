package amazon_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
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
					p := startPlayer(t, elsewhere)
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

// player is an Amazon that plays the behaviours of the contract.
type player struct {
	*amazontest.Server
	cfg       channel.Config
	elsewhere string
	received  chan struct{}

	mu      sync.Mutex
	state   contract.Behaviour
	release func()
}

func startPlayer(t *testing.T, elsewhere string) *player {
	t.Helper()
	c := &hastyClock{}
	p := &player{
		Server: amazontest.New(c, credentials()), elsewhere: elsewhere, received: make(chan struct{}, 100), release: func() {},
	}
	server := httptest.NewServer(checked(t, p, p.wrong))
	t.Cleanup(server.Close)
	p.cfg = configFor(server.URL, c)
	return p
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
func (p *player) wrong() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch p.state {
	case contract.Garble, contract.Flood, contract.Leak, contract.Redirect, contract.Lose:
		return true
	}
	return false
}

func (p *player) Behave(b contract.Behaviour) {
	p.Answer(map[contract.Behaviour]http.Handler{
		// A request is allowed every 89.3 s.
		contract.Throttle: refusal(http.StatusTooManyRequests, "QuotaExceeded", "0.0112"),
		contract.Break:    refusal(http.StatusInternalServerError, "InternalFailure", ""),
		contract.Garble:   text(`{"items": [`),
		contract.Flood:    http.HandlerFunc(flood),
		contract.Leak:     http.HandlerFunc(leak),
	}[b])
	p.Deny(b == contract.Deny)
	p.LoseAnswers(b == contract.Lose)
	p.Heal(contract.Refused)
	if b == contract.Refuse {
		p.Refuse(contract.Refused)
	}
	p.OnWrite(nil)
	p.Hold()() // what comes is not held; what is held already stays so
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = b
	if b == contract.Stall {
		p.release = p.Hold()
		p.OnWrite(func(string) { p.received <- struct{}{} })
	}
}

func (p *player) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

func (p *player) Received() <-chan struct{} { return p.received }

func (p *player) Quantity(location, sku string) (int64, bool) {
	if location == "" {
		location = inventoryv1alpha1.DefaultAmazonLocation
	}
	if p.cfg.Channel.Spec.Amazon.Method == inventoryv1alpha1.AmazonExternalFulfillment {
		stock, told := p.Inventory(amazontest.Place{LocationID: location, SKU: sku})
		return stock.Quantity, told
	}
	l, _ := p.Listing(sku)
	quantity, told := l.Quantities[location]
	return quantity, told
}

// ServeHTTP redirects by 307, which keeps method and body.
func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	redirect := p.state == contract.Redirect
	p.mu.Unlock()
	if redirect {
		http.Redirect(w, r, p.elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	p.Server.ServeHTTP(w, r)
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

func text(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) })
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
