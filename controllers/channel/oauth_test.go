package channel

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

func TestFetchToken(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_000_000, 0)
	cases := map[string]struct {
		status     int
		body       string
		want       Token
		wantClass  Class
		wantReason string
	}{
		"lifetime as a number": {200, `{"access_token":"t0ken","expires_in":900}`, Token{"t0ken", now.Add(15 * time.Minute)}, "", ""},
		"lifetime as a string": {200, `{"access_token":"t0ken","expires_in":"7200"}`, Token{"t0ken", now.Add(2 * time.Hour)}, "", ""},
		"without a lifetime":   {200, `{"access_token":"t0ken"}`, Token{Value: "t0ken"}, "", ""},
		"endless lifetime":     {200, `{"access_token":"t0ken","expires_in":1e300}`, Token{"t0ken", now.Add(maxLifetime)}, "", ""},
		"refused grant":        {400, `{"error":"invalid_grant"}`, Token{}, Unauthorized, "TokenRefused"},
		"refused client":       {401, `{"error":"invalid_client"}`, Token{}, Unauthorized, "Unauthorized"},
		"throttled":            {429, ``, Token{}, Throttled, "Throttled"},
		"broken":               {503, ``, Token{}, Retry, "Status503"},
		"no token":             {200, `{"refresh_token":"s3cret"}`, Token{}, Retry, "InvalidCredential"},
		"no JSON":              {200, `s3cret`, Token{}, Retry, "InvalidCredential"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				id, secret, _ := r.BasicAuth()
				got := []string{r.Method, r.FormValue("grant_type"), r.Header.Get("X-Market"), id, secret}
				if diff := cmp.Diff([]string{"POST", "refresh_token", "us", "app", "p4ssword"}, got); diff != "" {
					t.Errorf("request (-want +got):\n%s", diff)
				}
				fakeserver.Status(tc.status, tc.body).ServeHTTP(w, r)
			})
			client := newClient(t, func(c *Config) { c.Clock = testingclock.NewFakeClock(now) })
			got, err := client.FetchToken(t.Context(), TokenRequest{
				URL: server.URL, ClientID: "app", ClientSecret: "p4ssword",
				Form: url.Values{"grant_type": {"refresh_token"}}, Header: http.Header{"X-Market": {"us"}},
			})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("token (-want +got):\n%s", diff)
			}
			if tc.wantClass == "" {
				if err != nil {
					t.Errorf("FetchToken: %v", err)
				}
				return
			}
			if e := AsError(err); e == nil || e.Class != tc.wantClass || string(e.Reason) != tc.wantReason || strings.Contains(e.Message, "s3cret") {
				t.Errorf("error %+v, want %s, %s, and no secret", e, tc.wantClass, tc.wantReason)
			}
		})
	}
}

// TestFetchTokenMasks wants neither the token nor the login to be shown when the channel quotes them.
func TestFetchTokenMasks(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"access_token":"t0ken"}`) })
	client := newClient(t, func(c *Config) { c.Clock = clock.RealClock{} })
	if _, err := client.FetchToken(t.Context(), TokenRequest{URL: server.URL, ClientID: "app", ClientSecret: "p4ssword"}); err != nil {
		t.Fatalf("FetchToken: %v", err)
	}
	if got := client.Redact("t0ken, YXBwOnA0c3N3b3Jk, p4ssword"); got != "***, ***, ***" {
		t.Errorf("redacted to %q", got)
	}
}

// TestFetchTokenByForm is for endpoints that want the client's credentials in the form, and only there.
func TestFetchTokenByForm(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != "p4ssword" || r.Header.Get("Authorization") != "" {
			t.Errorf("form %v, Authorization %q, want the credentials in the form alone", r.Form, r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, `{"access_token":"t0ken"}`)
	})
	client := newClient(t, func(c *Config) { c.Clock = clock.RealClock{} })
	form := url.Values{"client_id": {"app"}, "client_secret": {"p4ssword"}}
	if got, err := client.FetchToken(t.Context(), TokenRequest{URL: server.URL, Form: form}); err != nil || got.Value != "t0ken" {
		t.Errorf("%+v, %v", got, err)
	}
}

// FuzzToken checks that a token is not empty and lasts for a time, and that no error quotes the answer.
func FuzzToken(f *testing.F) {
	for _, seed := range []string{
		`{"access_token":"t0ken","expires_in":900}`, `{"access_token":"t0ken","expires_in":"-1"}`, `{"access_token":"","expires_in":1}`,
		`{"access_token":["t0ken"]}`, `{"access_token":"t0ken","expires_in":1e400}`, `null`, `t0ken`,
	} {
		f.Add([]byte(seed))
	}
	asked := time.Unix(1_000_000, 0)
	client := newClient(f, func(*Config) {})
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := client.readToken(body, asked)
		if err != nil {
			if e := AsError(err); e.Class != Retry || token != (Token{}) || e.Message != "the token endpoint did not answer with an access token" {
				t.Errorf("%q: %+v, %+v", body, token, e)
			}
			return
		}
		if token.Value == "" || !token.Expires.IsZero() && (token.Expires.Before(asked) || token.Expires.After(asked.Add(maxLifetime))) {
			t.Errorf("%q: %+v", body, token)
		}
	})
}
