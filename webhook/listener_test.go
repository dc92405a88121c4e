package webhook

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/webhook/commit"
)

// testPatience bounds every wait of a test; it is never waited for in a test that passes.
const testPatience = 30 * time.Second

// loading is an Inventory that becomes complete when the test says so.
type loading struct {
	ledger.Reader
	done atomic.Bool
}

func (l *loading) Synced() bool { return l.done.Load() }

// served is a harness that serves on a real listener.
type served struct {
	*harness
	host    string
	stop    context.CancelFunc
	stopped chan error
	drained atomic.Bool
}

// start serves, with further options.
func start(t *testing.T, set ...func(*Options)) *served {
	t.Helper()
	s := &served{harness: newHarness(t), stopped: make(chan error, 1)}
	s.opts.Address = "127.0.0.1:0"
	s.opts.Drain = func(context.Context) error { s.drained.Store(true); return nil }
	for _, f := range set {
		f(&s.opts)
	}
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); s.stopped <- s.Start(ctx) }()
	t.Cleanup(func() { s.stop(); <-ended })
	patience, cancel := context.WithTimeout(t.Context(), testPatience)
	defer cancel()
	address, err := s.Address(patience)
	if err != nil {
		t.Fatal(err)
	}
	s.host = address.String()
	return s
}

// send sends a call over a connection of its own.
func (s *served) send(ctx context.Context, c call) (*http.Response, error) {
	r := c.request(ctx)
	r.RequestURI, r.URL.Host = "", s.host
	return (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
}

func receive[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(testPatience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually polls for what no event announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(testPatience)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// held is a writer that stores nothing before it is released.
type held struct {
	*recorder
	entered chan struct{}
	gate    chan struct{}
	release func()
}

// hold has a server write to a held writer.
func hold(t *testing.T, o *Options) *held {
	h := &held{recorder: o.Writer.(*recorder), entered: make(chan struct{}, 100), gate: make(chan struct{})}
	h.release = sync.OnceFunc(func() { close(h.gate) })
	o.Writer = h
	t.Cleanup(h.release)
	return h
}

func (h *held) Write(ctx context.Context, commits []commit.Commit) []error {
	h.entered <- struct{}{}
	<-h.gate
	return h.recorder.Write(ctx, commits)
}

// refused reports whether the ingress takes no connection any more.
func (s *served) refused(t *testing.T) bool {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: testPatience}).DialContext(t.Context(), "tcp", s.host)
	if err == nil {
		_ = conn.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
