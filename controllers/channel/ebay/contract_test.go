package ebay_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/ebay"
	"tallyman.dev/tallyman/controllers/channel/ebay/ebaytest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, contract.Subject{
		Factory:    ebay.New,
		Modes:      []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
		Start:      startPlayer,
		UniqueSKUs: true,
		SKUs:       []string{"PLAIN-1", "with space", `quote"d\`, "<a>&b=c", "a+b%2F;#?", "größe/42", "0012", "1e3", strings.Repeat("X", 50)},
	})
}

// player is an eBay that plays the behaviours of the contract.
type player struct {
	*ebaytest.Server
	elsewhere string
	received  chan struct{}

	mu       sync.Mutex
	redirect bool
	release  func()
}

func startPlayer(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	p := &player{Server: ebaytest.New(), elsewhere: elsewhere, received: make(chan struct{}, 100), release: func() {}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	cfg := configFor(server.URL)
	cfg.Channel.Spec.Mode = mode
	return p, cfg
}

func configFor(url string) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelEBay, Mode: inventoryv1alpha1.Consolidated,
			EBay: &inventoryv1alpha1.EBayChannel{URL: inventoryv1alpha1.HTTPURL(url)},
		}},
		Credentials: map[string][]byte{
			"clientId": []byte(ebaytest.ClientID), "clientSecret": []byte(ebaytest.ClientSecret + "\n"), "refreshToken": []byte(ebaytest.RefreshToken),
		},
		Clock: clock.RealClock{},
	}
}

func (p *player) Behave(b contract.Behaviour) {
	p.Answer("", map[contract.Behaviour]http.Handler{
		contract.Throttle: ebaytest.Throttled(contract.Pause),
		contract.Break:    ebaytest.Refused(http.StatusInternalServerError, ebaytest.Fault{ErrorID: 25001, Domain: "API_INVENTORY", Category: "APPLICATION", Message: "A system error has occurred."}),
		contract.Garble:   text(`{"responses": [`),
		contract.Flood:    http.HandlerFunc(flood),
		contract.Leak:     http.HandlerFunc(leak),
	}[b])
	p.LoseAnswers(b == contract.Lose)
	p.Deny(b == contract.Deny)
	p.Hold(nil)() // what comes is not held; what is held already stays so
	p.mu.Lock()
	defer p.mu.Unlock()
	p.redirect = b == contract.Redirect
	if b == contract.Stall {
		p.release = p.Hold(func() { p.received <- struct{}{} })
	}
}

func (p *player) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

func (p *player) Received() <-chan struct{} { return p.received }

// Quantity is what buyers see, or what lies at a location.
func (p *player) Quantity(location, sku string) (int64, bool) {
	it, _ := p.Item(sku)
	if it.Quantity == nil {
		return 0, false
	}
	total := *it.Quantity
	for _, o := range it.Offers {
		total = min(total, o.AvailableQuantity)
	}
	if location == "" {
		return total, true
	}
	for _, d := range it.Distributions {
		if d.MerchantLocationKey == location {
			return d.Quantity, true
		}
	}
	return 0, false
}

func (*player) Duplicate(string) { panic("eBay keeps SKUs unique") }

// ServeHTTP redirects by 307, which keeps method and body.
func (p *player) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	redirect := p.redirect
	p.mu.Unlock()
	if redirect {
		http.Redirect(w, r, p.elsewhere+r.URL.Path, http.StatusTemporaryRedirect)
		return
	}
	p.Server.ServeHTTP(w, r)
}

func text(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
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
