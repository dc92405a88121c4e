package webhook

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"tallyman.dev/tallyman/webhook/commit"
)

func TestRequestIDIsTakenOver(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", 128)
	for given, sound := range map[string]bool{
		"0d5f6c2e-8f0e-4b7a-9a3e-2f1d5c6b7a80":            true,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b71-01": true,
		"Root=1-67891233-abcdef012345678912345678;a,b":    true,
		"a.b_c~d:e/f+g@h": true,
		longest:           true,
		longest + "x":     false,
		"":                false,
		"with space":      false,
		`with"quote`:      false,
		`with\backslash`:  false,
		"<script>":        false,
		"a&b":             false,
		"ümlaut":          false,
		"bell\a":          false,
	} {
		r := newHarness(t)
		resp := r.do(t, call{body: specObject, header: map[string]string{requestIDHeader: given}})
		got := resp.Header.Get(requestIDHeader)
		if (got == given) != sound || !soundRequestID(got) {
			t.Errorf("sent %q, the answer has %q; want it taken over: %v", given, got, sound)
		}
	}
	r := newHarness(t)
	if a, b := r.do(t, call{body: specObject}), r.do(t, call{body: specObject}); a.Header.Get(requestIDHeader) == b.Header.Get(requestIDHeader) {
		t.Error("two requests without an id got the same")
	}
}

// TestEveryAnswerHasARequestID goes through the ways in which a request ends.
func TestEveryAnswerHasARequestID(t *testing.T) {
	t.Parallel()
	fails := func(err error) func(*harness) {
		return func(r *harness) { r.writer.fail = func(commit.Commit) error { return err } }
	}
	for name, tc := range map[string]struct {
		call
		prepare func(*harness)
		status  int
	}{
		"success":        {call: call{body: specObject}, status: 200},
		"the document":   {call: call{method: http.MethodGet, path: "/openapi.json"}, status: 200},
		"liveness":       {call: call{path: "/healthz"}, status: 200},
		"readiness":      {call: call{path: "/readyz"}, status: 503},
		"a redirect":     {call: call{path: "//usp/inventories/absolute"}, status: 307},
		"bad data":       {call: call{body: "{}"}, status: 400},
		"no credentials": {call: call{body: specObject, header: map[string]string{"authPassword": ""}}, status: 401},
		"no such path":   {call: call{path: "/nope"}, status: 404},
		"another method": {call: call{method: http.MethodPatch}, status: 405},
		"large":          {call: call{body: strings.Repeat(" ", DefaultMaxBodyBytes+1)}, status: 413},
		"over the rate": {call: call{body: specObject}, status: 429, prepare: func(r *harness) {
			for range 200 {
				r.Handler().ServeHTTP(httptest.NewRecorder(), call{body: "{}"}.request(t.Context()))
			}
		}},
		"a panic":      {call: call{body: specObject}, status: 500, prepare: func(r *harness) { r.writer.fail = func(commit.Commit) error { panic("bug") } }},
		"saturated":    {call: call{body: specObject}, status: 503, prepare: fails(commit.ErrSaturated)},
		"shutting off": {call: call{body: specObject}, status: 503, prepare: func(r *harness) { r.stopping.Store(true) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t)
			if tc.prepare != nil {
				tc.prepare(r)
			}
			sent := call{tc.method, tc.path, tc.body, map[string]string{requestIDHeader: "mine-1"}}
			maps.Copy(sent.header, tc.header)
			resp := r.do(t, sent)
			if got := resp.Header.Values(requestIDHeader); resp.StatusCode != tc.status || len(got) != 1 || got[0] != "mine-1" {
				t.Errorf("status %d, %s %q; want %d, mine-1", resp.StatusCode, requestIDHeader, got, tc.status)
			}
		})
	}
}

// unreadable is a cache that cannot be read.
type unreadable struct{ client.Reader }

func (unreadable) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("no cache")
}

// TestLogsNameTheRequest has a request fail for a reason that only the log tells, and one that panics.
func TestLogsNameTheRequest(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(*harness){
		"an error": func(r *harness) { r.auth.reader = unreadable{} },
		"a panic":  func(r *harness) { r.writer.fail = func(commit.Commit) error { panic("bug") } },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t)
			prepare(r)
			var lines []string
			logger := funcr.NewJSON(func(line string) { lines = append(lines, line) }, funcr.Options{})
			request := call{body: specObject, header: map[string]string{requestIDHeader: "mine-1"}}.request(log.IntoContext(t.Context(), logger))
			r.Handler().ServeHTTP(httptest.NewRecorder(), request)
			if len(lines) != 1 || !strings.Contains(lines[0], `"requestId":"mine-1"`) {
				t.Errorf("logged %q, want one line that names the request", lines)
			}
		})
	}
}
