package omni_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/omni"
	"tallyman.dev/tallyman/controllers/channel/omni/omnitest"
)

// pushOne pushes one item and wants it confirmed.
func (s *shop) pushOne(t *testing.T, sku string) {
	t.Helper()
	result, err := s.Push(t.Context(), locationWise(item(sku, 1)))
	if err != nil || len(result.Failures) != 0 {
		t.Errorf("Push(%s) = %+v, %v", sku, result, err)
	}
}

func TestCredentialIsAskedOnceAndAgainAfter401(t *testing.T) {
	t.Parallel()
	s := open(t, true, func(c *channel.Config) { c.Credentials = map[string][]byte{"X-Key": []byte("s3cret")} })
	s.Require(http.Header{"X-Key": {"s3cret"}}) // the static headers are sent to both
	s.pushOne(t, "A")
	s.pushOne(t, "B")
	if got := s.TokensIssued(); got != 1 {
		t.Errorf("%d tokens after two calls, want 1", got)
	}
	s.ExpireToken()
	s.pushOne(t, "C")
	if got := s.TokensIssued(); got != 2 {
		t.Errorf("%d tokens after the first expired, want 2", got)
	}
}

// TestParallelCallsShareARenewal holds the answer of Get Credential until every call has been
// refused. Each answer lets the tokens before it lapse: a second renewal would break the calls.
func TestParallelCallsShareARenewal(t *testing.T) {
	t.Parallel()
	const calls = 8
	var refused sync.WaitGroup
	var holding atomic.Bool
	s := openBehind(t, true, func(receiver *omnitest.Receiver, w http.ResponseWriter, r *http.Request) {
		old := holding.Load() && r.Header.Get("Authorization") == "Bearer token-1"
		if holding.Load() && r.Method == http.MethodGet {
			refused.Wait()
		}
		receiver.ServeHTTP(w, r)
		if old {
			refused.Done()
		}
	}, nil)
	s.pushOne(t, "FIRST")
	s.ExpireToken()
	refused.Add(calls)
	holding.Store(true)
	var running sync.WaitGroup
	for i := range calls {
		running.Go(func() { s.pushOne(t, strconv.Itoa(i)) })
	}
	running.Wait()
	if got := s.TokensIssued(); got != 2 {
		t.Errorf("%d tokens for %d calls, want one renewal", got, calls)
	}
}

// TestSharedRenewalOutlivesItsStarter cancels the call that started the fetch others wait for.
func TestSharedRenewalOutlivesItsStarter(t *testing.T) {
	t.Parallel()
	fetching, proceed := make(chan struct{}), make(chan struct{})
	s := openBehind(t, true, func(receiver *omnitest.Receiver, w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			close(fetching) // a second fetch panics
			<-proceed
		}
		receiver.ServeHTTP(w, r)
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	starter := make(chan error, 1)
	go func() {
		_, err := s.Push(ctx, locationWise(item("A", 1)))
		starter <- err
	}()
	<-fetching
	cancel()
	contract.WantError(t, <-starter, channel.Retry, "Cancelled")
	var other sync.WaitGroup
	other.Go(func() { s.pushOne(t, "B") })
	close(proceed)
	other.Wait()
	if got := s.TokensIssued(); got != 1 {
		t.Errorf("%d tokens, want 1", got)
	}
}

func TestUnauthorized(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		tokens     bool
		wantCalls  int
		wantTokens int
	}{
		"without Get Credential, at once":  {false, 1, 0},
		"with Get Credential, a 401 again": {true, 2, 2},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, tc.tokens, nil)
			s.Answer("", omnitest.Refused(http.StatusUnauthorized, "no"))
			_, err := s.Push(t.Context(), locationWise(item("A", 1)))
			contract.WantError(t, err, channel.Unauthorized, "Unauthorized")
			if got := len(s.Calls()); got != tc.wantCalls {
				t.Errorf("%d calls, want %d", got, tc.wantCalls)
			}
			if got := s.TokensIssued(); got != tc.wantTokens {
				t.Errorf("%d tokens, want %d", got, tc.wantTokens)
			}
		})
	}
}

// TestForbiddenIsNoExpiry wants no renewal for 403, which the standard has not for expired tokens.
func TestForbiddenIsNoExpiry(t *testing.T) {
	t.Parallel()
	s := open(t, true, nil)
	s.Answer("", omnitest.Refused(http.StatusForbidden, "no"))
	_, err := s.Push(t.Context(), locationWise(item("A", 1)))
	contract.WantError(t, err, channel.Unauthorized, "Unauthorized")
	if got := s.TokensIssued(); got != 1 {
		t.Errorf("%d tokens, want 1", got)
	}
}

// TestProbeRenewsDuringACall lets the probe fetch a new token, and the one before it lapse, between
// a call's renewal and its repetition. That must not stop the channel.
func TestProbeRenewsDuringACall(t *testing.T) {
	t.Parallel()
	s := open(t, true, nil)
	s.Answer("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.TokensIssued() == 2 { // the repetition
			if err := s.Probe(t.Context()); err != nil {
				t.Errorf("Probe: %v", err)
			}
		}
		omnitest.Refused(http.StatusUnauthorized, "expired").ServeHTTP(w, r)
	}))
	_, err := s.Push(t.Context(), locationWise(item("A", 1)))
	contract.WantError(t, err, channel.Retry, "CredentialReplaced")
	s.Answer("", nil)
	s.pushOne(t, "A")
	if got := s.TokensIssued(); got != 3 {
		t.Errorf("%d tokens, want 3", got)
	}
}

func TestCredentialAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status     int
		body       string
		wantClass  channel.Class // empty for success
		wantReason string
		wantNames  int // headers of the call that begin with X-
	}{
		"headers":                {200, `{"X-A": "1", "x-b": "2"}`, "", "", 3},
		"replaces a static one":  {200, `{"X-Static": "other"}`, "", "", 1},
		"none":                   {200, `{}`, "", "", 1},
		"byte order mark":        {200, "\ufeff" + `{"X-A": "1"}`, "", "", 2},
		"as many as can be":      {200, headersOf(64), "", "", 65},
		"too many":               {200, headersOf(65), channel.Retry, "InvalidCredential", 0},
		"no JSON":                {200, `token=s3cret`, channel.Retry, "InvalidCredential", 0},
		"JSON that is cut":       {200, `{"X-A": "s3cret`, channel.Retry, "InvalidCredential", 0},
		"no strings":             {200, `{"X-A": {"token": "s3cret"}}`, channel.Retry, "InvalidCredential", 0},
		"a list":                 {200, `["s3cret"]`, channel.Retry, "InvalidCredential", 0},
		"error inside a success": {200, `{"hasError": true, "errorMessage": "no"}`, channel.Retry, "ChannelError", 0},
		"forbidden header":       {200, `{"Content-Length": "s3cret"}`, channel.Terminal, "InvalidHeader", 0},
		"line break":             {200, `{"X-A": "s3cret\r\nX-B: 2"}`, channel.Terminal, "InvalidHeader", 0},
		"unauthorized":           {401, `no`, channel.Unauthorized, "Unauthorized", 0},
		"broken":                 {500, `no`, channel.Retry, "Status500", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := make(chan int, 1)
			url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPut {
					names <- len(headerNames(r.Header))
					return
				}
				fakeserver.Status(tc.status, tc.body).ServeHTTP(w, r)
			}))
			cfg := configFor(url)
			cfg.Channel.Spec.Omni.CredentialURL = inventoryv1alpha1.HTTPURL(url)
			cfg.Credentials = map[string][]byte{"X-Static": []byte("own")}
			_, err := contract.Build(t, omni.New, cfg).Push(t.Context(), locationWise(item("A", 1)))
			if tc.wantClass != "" {
				contract.WantError(t, err, tc.wantClass, tc.wantReason)
				if strings.Contains(err.Error(), "s3cret") {
					t.Errorf("the error shows a secret: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatalf("Push: %v", err)
			}
			if got := <-names; got != tc.wantNames {
				t.Errorf("%d headers, want %d", got, tc.wantNames)
			}
		})
	}
}

// TestCredentialOnAnotherHost is allowed: the Channel declares it.
func TestCredentialOnAnotherHost(t *testing.T) {
	t.Parallel()
	issuer := fakeserver.Start(t, fakeserver.Text(`{"X-Token": "t0ken"}`))
	s := open(t, false, func(c *channel.Config) { c.Channel.Spec.Omni.CredentialURL = inventoryv1alpha1.HTTPURL(issuer) })
	s.Require(http.Header{"X-Token": {"t0ken"}})
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	s.pushOne(t, "A")
}

// TestGivenCredentialIsMasked checks that what Get Credential gave is not shown either, with its
// scheme or without.
func TestGivenCredentialIsMasked(t *testing.T) {
	t.Parallel()
	s := open(t, true, nil)
	for _, status := range []int{http.StatusOK, http.StatusForbidden} {
		s.Answer("", omnitest.Refused(status, "Bearer token-1 is wrong: token-1 is unknown"))
		_, err := s.Push(t.Context(), locationWise(item("A", 1)))
		if err == nil || strings.Contains(err.Error(), "token-1") || !strings.Contains(err.Error(), "*** is wrong: *** is unknown") {
			t.Errorf("error %v, want the token masked", err)
		}
	}
}
