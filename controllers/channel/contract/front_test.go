package contract_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// front starts a Front before a server that echoes what it is sent and counts calls.
func front(t *testing.T) (f *contract.Front, url string, passed *atomic.Int64) {
	t.Helper()
	passed = new(atomic.Int64)
	f = &contract.Front{
		Elsewhere: "http://elsewhere.example.com",
		Writes:    func(_ *http.Request, body []byte) bool { return strings.HasPrefix(string(body), "write") },
		Next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed.Add(1)
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "got %s", body)
		}),
	}
	url = fakeserver.Start(t, f)
	t.Cleanup(f.Release)
	return f, url, passed
}

func post(ctx context.Context, url, body string) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/path", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw) + resp.Header.Get("Location") + resp.Header.Get("Retry-After"), err
}

func TestFront(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		behaviour  contract.Behaviour
		body       string
		wantStatus int // 0 for no answer
		wantText   string
		wantPassed int64
	}{
		"accept":        {body: "write 1", wantStatus: 200, wantText: "got write 1", wantPassed: 1},
		"refuse passes": {behaviour: contract.Refuse, body: "write 1", wantStatus: 200, wantText: "got write 1", wantPassed: 1},
		"throttle":      {behaviour: contract.Throttle, body: "read", wantStatus: 429, wantText: "90"},
		"deny":          {behaviour: contract.Deny, body: "read", wantStatus: 401},
		"break":         {behaviour: contract.Break, body: "read", wantStatus: 500},
		"leak":          {behaviour: contract.Leak, body: "password", wantStatus: 500, wantText: "leaked: map[] map[] password"},
		"redirect":      {behaviour: contract.Redirect, body: "read", wantStatus: 307, wantText: "http://elsewhere.example.com/path"},
		"garble":        {behaviour: contract.Garble, body: "read", wantStatus: 200, wantText: "got ", wantPassed: 1},
		"lose a read":   {behaviour: contract.Lose, body: "read", wantStatus: 200, wantText: "got read", wantPassed: 1},
		"lose a write":  {behaviour: contract.Lose, body: "write 1", wantPassed: 1},
		"stall a read":  {behaviour: contract.Stall, body: "read", wantStatus: 200, wantText: "got read", wantPassed: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, url, passed := front(t)
			f.Behave(tc.behaviour)
			status, text, err := post(t.Context(), url, tc.body)
			if status != tc.wantStatus || (err != nil) != (tc.wantStatus == 0) || !strings.Contains(text, tc.wantText) {
				t.Errorf("%d %q, %v, want %d %q", status, text, err, tc.wantStatus, tc.wantText)
			}
			if passed.Load() != tc.wantPassed {
				t.Errorf("%d calls passed, want %d", passed.Load(), tc.wantPassed)
			}
		})
	}
}

func TestFrontHoldsWrites(t *testing.T) {
	t.Parallel()
	f, url, passed := front(t)
	f.Behave(contract.Stall)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	call := func(ctx context.Context) {
		_, _, err := post(ctx, url, "write 1")
		done <- err
	}
	go call(ctx)
	<-f.Received()
	cancel() // its sender goes away
	if err := <-done; err == nil {
		t.Error("a call that is held was answered")
	}
	go call(t.Context())
	<-f.Received()
	f.Behave(contract.Accept) // what is held stays so
	select {
	case err := <-done:
		t.Errorf("a call that is held was answered: %v", err)
	default:
	}
	f.Release()
	if err := <-done; err != nil || passed.Load() != 1 {
		t.Errorf("%d calls passed, %v, want the one that was released", passed.Load(), err)
	}
}

// TestFrontAnswers plays a behaviour by words of the channel's own.
func TestFrontAnswers(t *testing.T) {
	t.Parallel()
	f, url, _ := front(t)
	f.Answers = map[contract.Behaviour]http.Handler{
		contract.Break: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "own words: ", contract.Credentials(r))
		}),
	}
	f.Behave(contract.Break)
	if status, text, err := post(t.Context(), url, "secret"); status != 200 || !strings.HasPrefix(text, "own words: leaked: map[] map[] secret") {
		t.Errorf("%d %q, %v", status, text, err)
	}
}

// TestFrontIsAboutSomeCalls plays behaviours for calls that say "about" alone, but for Redirect.
func TestFrontIsAboutSomeCalls(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		behaviour  contract.Behaviour
		body       string
		wantStatus int
	}{
		"throttle, about it":  {contract.Throttle, "about", 429},
		"throttle, another":   {contract.Throttle, "read", 200},
		"break, about it":     {contract.Break, "about", 500},
		"break, another":      {contract.Break, "read", 200},
		"redirect, about all": {contract.Redirect, "read", 307},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, url, _ := front(t)
			f.About = func(_ *http.Request, body []byte) bool { return string(body) == "about" }
			f.Behave(tc.behaviour)
			if status, text, err := post(t.Context(), url, tc.body); status != tc.wantStatus {
				t.Errorf("%d %q, %v, want %d", status, text, err, tc.wantStatus)
			}
		})
	}
}

// TestFrontLetsTheServerPlay leaves Deny to the server, which is told when it begins and ends.
func TestFrontLetsTheServerPlay(t *testing.T) {
	t.Parallel()
	f, url, passed := front(t)
	var told []bool
	f.Plays = map[contract.Behaviour]func(bool){contract.Deny: func(begins bool) { told = append(told, begins) }}
	for _, b := range []contract.Behaviour{contract.Deny, contract.Throttle, contract.Accept} {
		f.Behave(b)
		if got := f.Behaviour(); got != b {
			t.Errorf("behaviour %d, want %d", got, b)
		}
	}
	if want := []bool{true, false, false}; !slices.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}
	f.Behave(contract.Deny)
	if status, text, err := post(t.Context(), url, "read"); status != 200 || passed.Load() != 1 {
		t.Errorf("%d %q, %v, want the server's own answer", status, text, err)
	}
}

// TestFrontHoldsLateCalls has a call take effect whose sender has gone, in a front that holds more than writes.
func TestFrontHoldsLateCalls(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"late calls count": true, "they do not": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _, passed := front(t)
			f.Holds, f.Late = contract.All, late
			ended := make(chan struct{})
			url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				defer close(ended)
				f.ServeHTTP(w, r)
			}))
			f.Behave(contract.Stall)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				_, _, err := post(ctx, url, "read")
				done <- err
			}()
			<-f.Received()
			cancel()
			if err := <-done; err == nil {
				t.Error("a call that is held was answered")
			}
			if late {
				f.Release()
			}
			<-ended
			if got := passed.Load() == 1; got != late {
				t.Errorf("the call took effect: %v, want %v", got, late)
			}
		})
	}
}
