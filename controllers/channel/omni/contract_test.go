package omni_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/omni"
	"tallyman.dev/tallyman/controllers/channel/omni/omnitest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, tokens := range map[string]bool{"static headers": false, "get credential": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: omni.New,
				Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					return startPlayer(t, mode, tokens, elsewhere)
				},
			})
		})
	}
}

// player is a receiver that plays the behaviours of the contract.
type player struct {
	*omnitest.Receiver
	required  http.Header
	elsewhere string
	received  chan struct{}

	mu      sync.Mutex
	state   contract.Behaviour
	release func()
}

// startPlayer starts a receiver that wants a static header and, if tokens, one of Get Credential.
func startPlayer(t *testing.T, mode inventoryv1alpha1.ChannelMode, tokens bool, elsewhere string) (*player, channel.Config) {
	t.Helper()
	p := &player{
		Receiver: omnitest.New(), required: http.Header{"X-Api-Key": {"s3cret-key"}}, elsewhere: elsewhere,
		received: make(chan struct{}, 100), release: func() {},
	}
	p.Require(p.required)
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	spec := &inventoryv1alpha1.OmniChannel{URL: inventoryv1alpha1.HTTPURL(server.URL + "/inventories")}
	if tokens {
		p.IssueTokens("Authorization")
		spec.CredentialURL = inventoryv1alpha1.HTTPURL(server.URL + "/credential")
	}
	return p, channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelOmni, Omni: spec, Mode: mode,
		}},
		Credentials: map[string][]byte{"X-Api-Key": []byte("s3cret-key")},
		Clock:       clock.RealClock{},
	}
}

func (p *player) Behave(b contract.Behaviour) {
	p.Answer(map[contract.Behaviour]http.Handler{
		contract.Throttle: omnitest.Throttled(contract.Pause),
		contract.Break:    omnitest.Refused(http.StatusInternalServerError, "no database"),
		contract.Garble:   omnitest.Text(`{"failureList": [`),
		contract.Flood:    http.HandlerFunc(flood),
		contract.Leak:     http.HandlerFunc(leak),
	}[b])
	p.LoseAnswers(b == contract.Lose)
	p.Heal(contract.Refused)
	if b == contract.Refuse {
		p.Fail(contract.Refused)
	}
	p.Require(p.required)
	if b == contract.Deny {
		p.Require(http.Header{"X-Api-Key": {"another one"}})
	}
	p.OnCall(nil)
	p.Hold()() // what comes is not held; what is held already stays so
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = b
	if b == contract.Stall {
		p.release = p.Hold()
		p.OnCall(func(omnitest.Call) { p.received <- struct{}{} })
	}
}

func (p *player) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
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
