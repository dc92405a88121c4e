package fakeserver_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// shop is the smallest fake: it counts what is posted.
type shop struct {
	fakeserver.Controls[string]
	taken chan string
	ended chan string
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call := r.Method + " " + r.URL.Path
	defer func() { s.ended <- call }()
	if s.Take(w, r, call) {
		return
	}
	if r.Method == http.MethodPost {
		s.taken <- call
		s.Lose()
	}
	fakeserver.JSON(w, http.StatusCreated, map[string]string{"call": call})
}

func open(t *testing.T) (s *shop, url string) {
	t.Helper()
	s = &shop{taken: make(chan string, 10), ended: make(chan string, 10)}
	return s, fakeserver.Start(t, s)
}

// call makes a request, and returns its answer as one line; empty for none.
func call(ctx context.Context, client *http.Client, method, url, body string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", resp.StatusCode, resp.Header.Get("Retry-After"), raw)), nil
}

func get(t *testing.T, url string) string {
	t.Helper()
	out, err := call(t.Context(), http.DefaultClient, http.MethodGet, url, "")
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		handler http.Handler
		want    string // empty for no answer
	}{
		"JSON":        {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fakeserver.JSON(w, 207, []int{1}) }), "207  [1]"},
		"status":      {fakeserver.Status(503, "busy", "Retry-After", "3"), "503 3 busy"},
		"text":        {fakeserver.Text("words"), "200  words"},
		"throttled":   {fakeserver.Throttled(90 * time.Second), "429 90 too many requests"},
		"retry after": {fakeserver.RetryAfter(time.Minute, fakeserver.Status(500, "no")), "500 60 no"},
		"cut":         {fakeserver.Cut(fakeserver.Status(200, "12345678", "Retry-After", "1")), "200 1 1234"},
		"reset":       {http.HandlerFunc(fakeserver.Reset), ""},
		"lost":        {fakeserver.Lost(fakeserver.Text("words")), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := call(t.Context(), http.DefaultClient, http.MethodGet, fakeserver.Start(t, tc.handler), "")
			if got != tc.want || (err != nil) != (tc.want == "") {
				t.Errorf("%q, %v, want %q", got, err, tc.want)
			}
		})
	}
}

// TestEndlessAnswers are read for a while, or not at all, and end when the caller goes.
func TestEndlessAnswers(t *testing.T) {
	t.Parallel()
	t.Run("hang", func(t *testing.T) {
		t.Parallel()
		arrived := make(chan struct{})
		url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(arrived)
			fakeserver.Hang(w, r)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-arrived
			cancel()
		}()
		if got, err := call(ctx, http.DefaultClient, http.MethodGet, url, ""); !errors.Is(err, context.Canceled) {
			t.Errorf("%q, %v, want no answer", got, err)
		}
	})
	t.Run("flood", func(t *testing.T) {
		t.Parallel()
		resp, err := http.Get(fakeserver.Start(t, http.HandlerFunc(fakeserver.Flood)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if n, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil {
			t.Errorf("the answer ends after %d bytes: %v", n, err)
		}
	})
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := fakeserver.StartTLS(t, fakeserver.Text("words"))
	got, err := call(t.Context(), server.Client(), http.MethodGet, server.URL, "")
	if err != nil || got != "200  words" || !strings.HasPrefix(server.URL, "https://") {
		t.Errorf("%s: %q, %v", server.URL, got, err)
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	type known struct {
		A int `json:"a"`
	}
	for name, tc := range map[string]struct {
		body               string
		wantJSON, wantKnow bool // it decodes, and strictly
	}{
		"one object":       {`{"a": 1}`, true, true},
		"unknown field":    {`{"a": 1, "b": 2}`, true, false},
		"something behind": {`{"a": 1} {"a": 2}`, false, false},
		"cut":              {`{"a": `, false, false},
		"empty":            {``, false, false},
		"too long":         {`{"a": 1}` + strings.Repeat(" ", 100), false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var decoded, strict known
			var err error
			url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				err = fakeserver.DecodeBody(w, r, 50, &decoded)
			}))
			if _, failed := call(t.Context(), http.DefaultClient, http.MethodPost, url, tc.body); failed != nil {
				t.Fatal(failed)
			}
			if (err == nil) != tc.wantJSON || tc.wantJSON && decoded.A != 1 {
				t.Errorf("decoded %+v, %v, want success: %v", decoded, err, tc.wantJSON)
			}
			if err := fakeserver.DecodeStrict([]byte(tc.body), &strict); (err == nil) != tc.wantKnow {
				t.Errorf("decoded strictly %+v, %v, want success: %v", strict, err, tc.wantKnow)
			}
		})
	}
}

func TestPeekBodyLeavesTheBody(t *testing.T) {
	t.Parallel()
	var peeked, again []byte
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peeked, _ = fakeserver.PeekBody(w, r, 100)
		again, _ = fakeserver.ReadBody(w, r, 100)
	}))
	if _, err := call(t.Context(), http.DefaultClient, http.MethodPost, url, "words"); err != nil {
		t.Fatal(err)
	}
	if string(peeked) != "words" || string(again) != "words" {
		t.Errorf("read %q, then %q", peeked, again)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	var a fakeserver.Access
	if a.Admits("") {
		t.Error("nobody has a token, and the empty one works")
	}
	first := a.Issue("token-")
	second := a.Issue("token-")
	if a.Admits(first) || !a.Admits(second) || a.TokensIssued() != 2 {
		t.Errorf("of %q and %q the newest should work alone", first, second)
	}
	a.Deny(true)
	if a.Admits(second) || !a.Denied() {
		t.Error("a token works although all are refused")
	}
	a.Deny(false)
	if !a.Admits(second) {
		t.Error("the token does not work again")
	}
	a.ExpireToken()
	if a.Admits(second) || a.Admits("") {
		t.Error("a token works after its end")
	}
}

func TestCarries(t *testing.T) {
	t.Parallel()
	r := &http.Request{Header: http.Header{"X-Key": {"s3cret"}}}
	for name, tc := range map[string]struct {
		want http.Header
		ok   bool
	}{
		"nothing wanted":   {nil, true},
		"the right value":  {http.Header{"X-Key": {"s3cret"}}, true},
		"another value":    {http.Header{"X-Key": {"other"}}, false},
		"one of them only": {http.Header{"X-Key": {"s3cret"}, "X-More": {"a"}}, false},
	} {
		if got := fakeserver.Carries(r, tc.want); got != tc.ok {
			t.Errorf("%s: %v, want %v", name, got, tc.ok)
		}
	}
}

func TestAnswerInsteadOfTheFake(t *testing.T) {
	t.Parallel()
	s, url := open(t)
	s.Answer("/a", fakeserver.Text("a"))
	s.Answer("", fakeserver.Text("all"))
	if a, b := get(t, url+"/a"), get(t, url+"/b"); a != "200  a" || b != "200  all" {
		t.Errorf("%q and %q", a, b)
	}
	s.Answer("/a", nil)
	s.Answer("", nil)
	s.AnswerBy(func(call string) http.Handler {
		if call == "GET /a" {
			return fakeserver.Text("chosen")
		}
		return nil
	})
	if a, b := get(t, url+"/a"), get(t, url+"/b"); a != "200  chosen" || b != `201  {"call":"GET /b"}` {
		t.Errorf("%q and %q", a, b)
	}
	s.AnswerBy(nil)
	if a := get(t, url+"/a"); a != `201  {"call":"GET /a"}` {
		t.Errorf("%q", a)
	}
	want := []string{"GET /a", "GET /b", "GET /a", "GET /b", "GET /a"}
	if diff := cmp.Diff(want, s.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestLoseAnswers(t *testing.T) {
	t.Parallel()
	s, url := open(t)
	s.LoseAnswers(true)
	if got, err := call(t.Context(), http.DefaultClient, http.MethodPost, url+"/a", ""); err == nil {
		t.Errorf("answered %q", got)
	}
	if got := <-s.taken; got != "POST /a" {
		t.Errorf("took %q", got)
	}
	if got := get(t, url+"/b"); !strings.HasPrefix(got, "201") {
		t.Errorf("a call that changes nothing is answered %q", got)
	}
}

// TestHold holds posts: one whose caller goes away, and one that is released.
func TestHold(t *testing.T) {
	t.Parallel()
	s, url := open(t)
	arrived := make(chan string, 10)
	s.OnCall(func(call string) { arrived <- call })
	release := s.Hold(func(call string) bool { return strings.HasPrefix(call, "POST") })
	if got := get(t, url); !strings.HasPrefix(got, "201") {
		t.Errorf("a call that is not held is answered %q", got)
	}
	<-arrived
	<-s.ended
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	post := func(ctx context.Context, path string) {
		_, err := call(ctx, http.DefaultClient, http.MethodPost, url+path, "")
		done <- err
	}
	go post(ctx, "/gone")
	<-arrived
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("a call that is held: %v", err)
	}
	<-s.ended // the server has noticed that the caller has gone
	go post(t.Context(), "/held")
	<-arrived
	select {
	case got := <-s.taken:
		t.Errorf("took %q of what is held", got)
	default:
	}
	release()
	release() // does no harm
	if err := <-done; err != nil {
		t.Error(err)
	}
	if got := <-s.taken; got != "POST /held" {
		t.Errorf("took %q, want the call whose caller is there", got)
	}
}

func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	var c fakeserver.Controls[string]
	for i := range fakeserver.MaxCalls + 3 {
		c.Record(strconv.Itoa(i))
	}
	got := c.Calls()
	if len(got) != fakeserver.MaxCalls || got[0] != "3" {
		t.Errorf("%d calls from %q, want %d from 3", len(got), got[0], fakeserver.MaxCalls)
	}
}
