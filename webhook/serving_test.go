package webhook

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
)

// TestShutdownUnderLoad stops the ingress while requests wait to be stored.
func TestShutdownUnderLoad(t *testing.T) {
	t.Parallel()
	const load = 20
	var writer *held
	s := start(t, func(o *Options) { writer = hold(t, o) })
	answers := make(chan string, load)
	for n := range load {
		go func() {
			resp, err := s.send(context.Background(), call{body: object(fmt.Sprintf(`{"channelSkuCode":"S%d","quantity":1}`, n))})
			if err != nil {
				answers <- err.Error()
				return
			}
			defer resp.Body.Close()
			answers <- resp.Status
		}()
	}
	for range load {
		receive(t, "a request", writer.entered)
	}
	s.stop()
	eventually(t, "the listener to close", func() bool { return s.refused(t) })
	if resp := s.do(t, call{body: specObject}); resp.StatusCode != http.StatusServiceUnavailable || !strings.Contains(text(t, resp), codeShuttingDown) {
		t.Errorf("a request over a connection that is still open: status %d, want 503", resp.StatusCode)
	}
	select {
	case err := <-s.stopped:
		t.Fatalf("Start returned %v while requests are under way", err)
	default:
	}
	if s.drained.Load() {
		t.Error("the writer was closed while requests are under way")
	}

	writer.release()
	for range load {
		if got := receive(t, "an answer", answers); got != "200 OK" {
			t.Errorf("a request that was accepted: %s, want 200", got)
		}
	}
	if err := receive(t, "the end", s.stopped); err != nil || !s.drained.Load() {
		t.Errorf("Start: error %v, drained %v; want none, true", err, s.drained.Load())
	}
	stored := quantities{}
	for _, c := range s.writer.commits {
		maps.Copy(stored, c.Stock[0].Quantities)
	}
	if len(stored) != load {
		t.Errorf("%d SKUs are stored, want %d", len(stored), load)
	}
}

// TestProbes asks both probes in each phase of a server's life.
func TestProbes(t *testing.T) {
	t.Parallel()
	asked := func(t *testing.T, r *harness, phase string, want int, says string) {
		t.Helper()
		if resp := r.do(t, call{method: http.MethodGet, path: "/healthz"}); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: /healthz is %d, want 200", phase, resp.StatusCode)
		}
		resp := r.do(t, call{method: http.MethodGet, path: "/readyz"})
		if got := text(t, resp); resp.StatusCode != want || !strings.Contains(got, says) {
			t.Errorf("%s: /readyz is %d: %s; want %d: %s", phase, resp.StatusCode, got, want, says)
		}
		if err := r.Ready(nil); (err == nil) != (want == http.StatusOK) {
			t.Errorf("%s: Ready says %v, want what /readyz does", phase, err)
		}
	}
	asked(t, newHarness(t), "before it starts", http.StatusServiceUnavailable, "does not listen yet")

	inventory := &loading{}
	var writer *held
	s := start(t, func(o *Options) {
		writer = hold(t, o)
		inventory.Reader, o.Inventory = o.Inventory, inventory
	})
	asked(t, s.harness, "while it loads", http.StatusServiceUnavailable, "still being loaded")
	inventory.done.Store(true)
	asked(t, s.harness, "while it serves", http.StatusOK, `"ok"`)
	for _, path := range []string{"/healthz", "/readyz"} {
		resp, err := s.send(t.Context(), call{method: http.MethodGet, path: path, header: map[string]string{"authUsername": "", "authPassword": ""}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s on the wire: status %d, want 200", path, resp.StatusCode)
		}
	}

	answer := make(chan error, 1)
	go func() {
		resp, err := s.send(context.Background(), call{body: specObject})
		if err == nil {
			err = resp.Body.Close()
		}
		answer <- err
	}()
	receive(t, "a request", writer.entered)
	s.stop()
	eventually(t, "the listener to close", func() bool { return s.refused(t) })
	asked(t, s.harness, "while it stops", http.StatusServiceUnavailable, "shutting down")
	writer.release()
	if err := receive(t, "the answer", answer); err != nil {
		t.Errorf("the request under way: %v", err)
	}
	if err := receive(t, "the end", s.stopped); err != nil {
		t.Errorf("Start: %v", err)
	}
	asked(t, s.harness, "after it has stopped", http.StatusServiceUnavailable, "shutting down")
}
