package cloudevents_test

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
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
	"tallyman.dev/tallyman/controllers/channel/cloudevents/cloudeventstest"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

// bothModes are all there are.
var bothModes = []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated}

func TestHTTPContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, contract.Subject{
		Factory: cloudevents.New, Modes: bothModes, Start: startReceiver, KeepsOrder: true,
		Cannot: []contract.Behaviour{contract.Garble}, // what a receiver says beside 2xx means nothing
	})
}

// player is a receiver that plays the behaviours of the contract.
type player struct {
	*cloudeventstest.Receiver
	elsewhere string
	received  chan struct{}

	mu       sync.Mutex
	state    contract.Behaviour
	releases []func()
}

var required = http.Header{"X-Api-Key": {"s3cret-key"}}

func startReceiver(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	p := &player{Receiver: cloudeventstest.New(), elsewhere: elsewhere, received: make(chan struct{}, 100)}
	p.Require(required)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	cfg := httpConfig(server.URL, mode)
	cfg.Credentials = map[string][]byte{"X-Api-Key": []byte("s3cret-key")}
	return p, cfg
}

func httpConfig(url string, mode inventoryv1alpha1.ChannelMode) channel.Config {
	ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		Type: inventoryv1alpha1.ChannelCloudEvents, Mode: mode,
		CloudEvents: &inventoryv1alpha1.CloudEventsChannel{HTTP: &inventoryv1alpha1.CloudEventsHTTP{
			URL: inventoryv1alpha1.HTTPURL(url),
		}},
	}}
	ch.Namespace, ch.Name = "shop", "events"
	return channel.Config{Channel: ch, Clock: clock.RealClock{}}
}

func (p *player) Behave(b contract.Behaviour) {
	p.Answer(map[contract.Behaviour]http.Handler{
		contract.Throttle: status(http.StatusTooManyRequests, "slow down", "Retry-After", strconv.Itoa(int(contract.Pause.Seconds()))),
		contract.Break:    status(http.StatusInternalServerError, "no database"),
		contract.Flood:    http.HandlerFunc(flood),
		contract.Leak:     http.HandlerFunc(leak),
	}[b])
	p.LoseAnswers(b == contract.Lose)
	p.Fail()
	if b == contract.Refuse {
		p.Fail(contract.Refused)
	}
	p.Require(required)
	if b == contract.Deny {
		p.Require(http.Header{"X-Api-Key": {"another one"}})
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
	p.Receiver.ServeHTTP(w, r)
}

func status(code int, text string, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		http.Error(w, text, code)
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
