package channel

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	testingclock "k8s.io/utils/clock/testing"
)

// sessionWith makes a session whose n-th login gives the token n, with a lifetime.
func sessionWith(t *testing.T, c *testingclock.FakeClock, lifetime time.Duration) (s *Session, logins *int) {
	t.Helper()
	logins = new(int)
	return &Session{
		HTTP: newClient(t, nil), Clock: c,
		Login: func(context.Context) (*Grant, error) {
			*logins++
			g := &Grant{Header: http.Header{"X-Token": {strconv.Itoa(*logins)}}}
			if lifetime > 0 {
				g.Expires = c.Now().Add(lifetime)
			}
			return g, nil
		},
	}, logins
}

func TestSessionRenewsBeforeTheEnd(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Header.Get("X-Token")) })
	c := testingclock.NewFakeClock(time.Unix(0, 0))
	s, _ := sessionWith(t, c, time.Hour)
	cases := []struct {
		step time.Duration
		want string
	}{{0, "1"}, {time.Hour - expiryMargin - time.Second, "1"}, {time.Second, "2"}, {time.Hour, "3"}}
	for _, tc := range cases {
		c.Step(tc.step)
		answer, err := s.Do(t.Context(), Request{Method: http.MethodGet, URL: server.URL})
		if err != nil {
			t.Fatalf("Do: %v", err)
		}
		if got := string(answer.Body); got != tc.want {
			t.Errorf("after %s more: token %s, want %s", tc.step, got, tc.want)
		}
	}
}

// TestSessionLapsedBySuccess is a channel that answers 200 to those it does not know.
func TestSessionLapsedBySuccess(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Token") == "1" {
			_, _ = io.WriteString(w, "who are you?")
			return
		}
		_, _ = io.WriteString(w, r.Header.Get("X-Other"))
	})
	s, logins := sessionWith(t, testingclock.NewFakeClock(time.Unix(0, 0)), 0)
	s.Lapsed = func(r *Response, _ error) bool { return r != nil && string(r.Body) == "who are you?" }
	own := http.Header{"X-Other": {"kept"}}
	answer, err := s.Do(t.Context(), Request{Method: http.MethodGet, URL: server.URL, Header: own})
	if err != nil {
		t.Fatalf("Do: %v", err)
	}
	if string(answer.Body) != "kept" || *logins != 2 {
		t.Errorf("answer %q after %d logins, want kept after 2", answer.Body, *logins)
	}
	if diff := cmp.Diff(http.Header{"X-Other": {"kept"}}, own); diff != "" {
		t.Errorf("the caller's headers have changed (-want +got):\n%s", diff)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body              any
		wantType, wantRaw string
	}{
		"none": {nil, "", ""},
		"JSON": {map[string]int{"a": 1}, "application/json", `{"a":1}`},
		"form": {url.Values{"a": {"1 2"}}, "application/x-www-form-urlencoded", "a=1+2"},
		"raw":  {Raw{"text/csv", []byte("a,b")}, "text/csv", "a,b"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Type", r.Header.Get("Content-Type"))
				_, _ = io.Copy(w, r.Body)
			})
			answer, err := newClient(t, nil).Do(t.Context(), Request{Method: http.MethodPost, URL: server.URL, Body: tc.body})
			if err != nil {
				t.Fatalf("Do: %v", err)
			}
			if got := answer.Header.Get("X-Type"); got != tc.wantType || string(answer.Body) != tc.wantRaw {
				t.Errorf("sent %q as %q, want %q as %q", answer.Body, got, tc.wantRaw, tc.wantType)
			}
		})
	}
}
