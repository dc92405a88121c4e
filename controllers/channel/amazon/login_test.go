package amazon_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// TestTokens checks that a token is asked for once, and again when it has ended or is refused for that.
func TestTokens(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.know("A")
	pushes := []struct {
		name   string
		before func()
		want   int // tokens issued by then
		calls  int // that the push makes
	}{
		{"first", func() {}, 1, 2},
		{"with the same", func() {}, 1, 1},
		{"refused with 403", s.ExpireTokens, 2, 2},
		{"after its hour", func() { s.clock.NewTimer(time.Hour) }, 3, 2}, // and a look-up, as that is old too
	}
	for _, p := range pushes {
		p.before()
		before := len(s.Calls())
		if got := s.push(t, item("A", 1)); len(got) > 0 {
			t.Errorf("%s: failures %v", p.name, got)
		}
		if got := s.TokensIssued(); got != p.want {
			t.Errorf("%s: %d tokens, want %d", p.name, got, p.want)
		}
		if got := len(s.Calls()) - before; got != p.calls {
			t.Errorf("%s: %d calls, want %d", p.name, got, p.calls)
		}
	}
}

// TestForbidden tells a token that has lapsed from a role that is missing: both are 403.
func TestForbidden(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body       string
		wantTokens int
	}{
		"expired":           {`{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":"The access token you provided has expired."}]}`, 2},
		"expired, in short": {`{"errors":[{"code":"Unauthorized","message":"The access token you provided has expired."}]}`, 2},
		"role":              {`{"errors":[{"code":"Unauthorized","message":"Access to requested resource is denied.","details":""}]}`, 1},
		"no JSON":           {`Forbidden`, 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openBehind(t, (*amazontest.Server).ServeHTTP, nil)
			s.Answer("", fakeserver.Status(http.StatusForbidden, tc.body))
			_, err := s.Push(t.Context(), batch(item("A", 1)))
			wantError(t, err, channel.Unauthorized, "Unauthorized")
			if got := s.TokensIssued(); got != tc.wantTokens {
				t.Errorf("%d tokens, want %d", got, tc.wantTokens)
			}
		})
	}
}

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status     int
		body       string
		wantClass  channel.Class // empty for success
		wantReason string
		wantWords  string
	}{
		"token":             {200, `{"access_token":"t0ken","expires_in":3600}`, "", "", ""},
		"no end":            {200, `{"access_token":"t0ken"}`, "", "", ""},
		"grant is refused":  {400, `{"error":"invalid_grant","error_description":"The request has an invalid grant parameter : refresh_token Atzr|r3fresh/token"}`, channel.Unauthorized, "TokenRefused", "invalid grant parameter : refresh_token ***"},
		"client is refused": {401, `{"error":"invalid_client","error_description":"Client authentication failed"}`, channel.Unauthorized, "Unauthorized", "invalid_client"},
		"throttled":         {429, `{"error":"slow_down"}`, channel.Throttled, "Throttled", "429"},
		"broken":            {500, `no`, channel.Retry, "Status500", "500"},
		"no token":          {200, `{"token":"s3cret"}`, channel.Retry, "InvalidCredential", "access token"},
		"header injection":  {200, `{"access_token":"s3cret\r\nX-B: c"}`, channel.Retry, "Failed", "invalid header"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var carried atomic.Bool
			s := openBehind(t, func(_ *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == amazontest.TokenPath {
					fakeserver.Status(tc.status, tc.body).ServeHTTP(w, r)
					return
				}
				carried.Store(r.Header.Get("x-amz-access-token") == "t0ken")
				_, _ = w.Write([]byte(`{"status":"ACCEPTED"}`))
			}, func(a *inventoryv1alpha1.AmazonChannel) { a.UnknownSKUs = inventoryv1alpha1.CreateUnknownSKUs })
			_, err := s.Push(t.Context(), batch(item("A", 1)))
			if tc.wantClass == "" {
				if err != nil || !carried.Load() {
					t.Errorf("error %v, the call had the token: %v", err, carried.Load())
				}
				return
			}
			message := wantError(t, err, tc.wantClass, tc.wantReason)
			if !strings.Contains(message, tc.wantWords) || strings.Contains(message, "s3cret") {
				t.Errorf("message %q, want %q in it, and no secret", message, tc.wantWords)
			}
		})
	}
}

// TestGivenTokenIsMasked has Amazon quote the token in an error.
func TestGivenTokenIsMasked(t *testing.T) {
	t.Parallel()
	s := openBehind(t, (*amazontest.Server).ServeHTTP, nil)
	s.Answer("", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "bad: "+r.Header.Get("x-amz-access-token"), http.StatusBadGateway)
	}))
	_, err := s.Push(t.Context(), batch(item("A", 1)))
	if message := wantError(t, err, channel.Retry, "Status502"); message != "502 Bad Gateway: bad: ***" {
		t.Errorf("message %q", message)
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*channel.Config)
		wantReason string
		wantWords  string
	}{
		"no configuration": {func(c *channel.Config) { c.Channel.Spec.Amazon = nil }, "InvalidSpec", "spec.amazon"},
		"unknown region": {func(c *channel.Config) {
			c.Channel.Spec.Amazon.Endpoint, c.Channel.Spec.Amazon.Region = "", "MARS"
		}, "InvalidSpec", "region"},
		"no credentials":    {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials", "credentials"},
		"no client secret":  {func(c *channel.Config) { delete(c.Credentials, "clientSecret") }, "InvalidCredentials", "clientSecret"},
		"blank token":       {func(c *channel.Config) { c.Credentials["refreshToken"] = []byte(" \n") }, "InvalidCredentials", "refreshToken"},
		"no such transport": {func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate", "ca.crt"},
		"no origin": {func(c *channel.Config) {
			c.Channel.Spec.Amazon.Method = inventoryv1alpha1.AmazonFeeds
			c.Channel.Spec.Amazon.DocumentOrigins = []inventoryv1alpha1.AmazonDocumentOrigin{"s3.amazonaws.com"}
		}, "InvalidSpec", "documentOrigins"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("http://127.0.0.1:1", &hastyClock{})
			tc.change(&cfg)
			_, err := amazon.New(cfg)
			if message := wantError(t, err, channel.Terminal, tc.wantReason); !strings.Contains(message, tc.wantWords) {
				t.Errorf("message %q, want %q in it", message, tc.wantWords)
			}
		})
	}
}

// TestCredentialsOfFiles end with a line break.
func TestCredentialsOfFiles(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.know("A")
	for key, value := range s.cfg.Credentials {
		s.cfg.Credentials[key] = append(value, '\n')
	}
	s.Reader = contract.BuildReader(t, amazon.New, s.cfg)
	if got := s.push(t, item("A", 1)); len(got) > 0 {
		t.Errorf("failures %v", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		method    inventoryv1alpha1.AmazonMethod
		batchSize int32
		want      channel.Limits
	}{
		"listings":               {"Listings", 0, channel.Limits{BatchSize: 20, MaxParallel: 5, Patience: channel.MaxPatience}},
		"listings, one by one":   {"Listings", 1, channel.Limits{BatchSize: 1, MaxParallel: 5, Patience: channel.MaxPatience}},
		"feeds":                  {"Feeds", 0, channel.Limits{BatchSize: 25_000, MaxParallel: 1, JobItems: 1000, Patience: channel.MaxPatience}},
		"external fulfillment":   {"ExternalFulfillment", 0, channel.Limits{BatchSize: 10, MaxParallel: 4, Patience: channel.MaxPatience}},
		"as the schema defaults": {"", 0, channel.Limits{BatchSize: 20, MaxParallel: 5, Patience: channel.MaxPatience}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("http://127.0.0.1:1", &hastyClock{})
			cfg.Channel.Spec.Amazon.Method, cfg.Channel.Spec.BatchSize = tc.method, tc.batchSize
			if diff := cmp.Diff(tc.want, contract.BuildReader(t, amazon.New, cfg).Limits()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
