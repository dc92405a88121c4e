package walmart_test

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
	"tallyman.dev/tallyman/controllers/channel/walmart"
	"tallyman.dev/tallyman/controllers/channel/walmart/walmarttest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, threshold := range map[string]int32{"requests": 10_000, "feeds": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: walmart.New,
				Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					return startPlayer(t, mode, threshold, elsewhere)
				},
				UniqueSKUs: true,
			})
		})
	}
}

// player is a Walmart that plays the behaviours of the contract.
type player struct {
	*walmarttest.Server
	elsewhere string
	received  chan struct{}

	mu       sync.Mutex
	redirect bool
	release  func()
}

func startPlayer(t *testing.T, mode inventoryv1alpha1.ChannelMode, threshold int32, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	p := &player{Server: walmarttest.New(), elsewhere: elsewhere, received: make(chan struct{}, 100), release: func() {}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	cfg := configFor(server.URL)
	cfg.Channel.Spec.Mode = mode
	cfg.Channel.Spec.Walmart.FeedThreshold = threshold
	return p, cfg
}

func configFor(url string) channel.Config {
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelWalmart, Mode: inventoryv1alpha1.Consolidated,
			Walmart: &inventoryv1alpha1.WalmartChannel{URL: inventoryv1alpha1.HTTPURL(url)},
		}},
		Credentials: map[string][]byte{"clientId": []byte(walmarttest.ClientID), "clientSecret": []byte(walmarttest.ClientSecret + "\n")},
		Clock:       clock.RealClock{},
	}
}

func (p *player) Behave(b contract.Behaviour) {
	p.Answer("", map[contract.Behaviour]http.Handler{
		contract.Throttle: walmarttest.Throttled(contract.Pause),
		contract.Break:    walmarttest.Refused(http.StatusInternalServerError, walmarttest.Fault{Code: "SYSTEM_ERROR.GMP_GATEWAY_API", Category: "SYSTEM", Severity: "ERROR"}),
		contract.Garble:   text(`{"sku": [`),
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

func (*player) Duplicate(string) { panic("Walmart keeps SKUs unique") }

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
