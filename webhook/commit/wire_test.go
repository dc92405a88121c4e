package commit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// wire is the connection to the real API server, with faults.
type wire struct {
	next http.RoundTripper

	mu       sync.Mutex
	faults   []fault // of the next requests, one each; then there are none
	requests []string
}

// fault treats a request.
type fault func(*wire, *http.Request) (*http.Response, error)

// newWire returns a wire and a client that uses it.
func newWire(t testing.TB) (*wire, client.Client) {
	t.Helper()
	return newWireOf(t, rest.CopyConfig(env.Config))
}

// newWireOf is newWire for somebody else than an administrator.
func newWireOf(t testing.TB, cfg *rest.Config) (*wire, client.Client) {
	t.Helper()
	w := &wire{}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper {
		w.next = next
		return w
	})
	c, err := NewClient(cfg, client.Options{Scheme: env.Scheme, Mapper: env.Client.RESTMapper()})
	if err != nil {
		t.Fatalf("make a client: %v", err)
	}
	return w, c
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(req *http.Request) (*http.Response, error) {
	w.mu.Lock()
	w.requests = append(w.requests, req.Method)
	treat := pass
	if len(w.faults) > 0 {
		treat, w.faults = w.faults[0], w.faults[1:]
	}
	w.mu.Unlock()
	return treat(w, req)
}

// plan sets the faults of the requests to come, and forgets those that were made.
func (w *wire) plan(faults ...fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults, w.requests = faults, nil
}

// made returns the methods of the requests since the last plan.
func (w *wire) made() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.requests, " ")
}

func pass(w *wire, req *http.Request) (*http.Response, error) { return w.next.RoundTrip(req) }

// lost loses the request: it is never executed.
func lost(*wire, *http.Request) (*http.Response, error) { return nil, errBroken }

// unanswered executes the request, and loses the answer.
func unanswered(w *wire, req *http.Request) (*http.Response, error) {
	if err := w.execute(req); err != nil {
		return nil, err
	}
	return nil, errBroken
}

// unreachable does not even connect.
func unreachable(*wire, *http.Request) (*http.Response, error) { return nil, errDial.Err }

// twice executes the request twice, as a proxy may that repeats what it got no answer to.
func twice(w *wire, req *http.Request) (*http.Response, error) {
	again := later(req)
	if err := w.execute(req); err != nil {
		return nil, err
	}
	return w.next.RoundTrip(again)
}

// answer gives an answer of another server's making, before or after the request is executed.
func answer(code int, executed bool, header ...string) fault {
	return func(w *wire, req *http.Request) (*http.Response, error) {
		if executed {
			if err := w.execute(req); err != nil {
				return nil, err
			}
		}
		resp := &http.Response{
			StatusCode: code, Header: http.Header{"Content-Type": {"text/plain"}}, Request: req,
			Body: io.NopCloser(strings.NewReader(http.StatusText(code))),
		}
		if len(header) == 2 {
			resp.Header.Set(header[0], header[1])
		}
		return resp, nil
	}
}

// delayed holds the request back, as a network may, and gives it to the test.
func delayed(held chan<- *http.Request) fault {
	return func(_ *wire, req *http.Request) (*http.Response, error) {
		held <- later(req)
		return nil, context.DeadlineExceeded
	}
}

// heldUp holds the request until the test releases it, and then executes it.
func heldUp(reached chan<- struct{}, release <-chan struct{}) fault {
	return func(w *wire, req *http.Request) (*http.Response, error) {
		close(reached)
		<-release
		return w.next.RoundTrip(req)
	}
}

// racing executes the request while its sender already takes it for lost.
func racing(running *sync.WaitGroup) fault {
	return func(w *wire, req *http.Request) (*http.Response, error) {
		late := later(req)
		running.Go(func() { _ = w.execute(late) })
		return nil, errBroken
	}
}

// execute sends a request on and forgets the answer.
func (w *wire) execute(req *http.Request) error {
	resp, err := w.next.RoundTrip(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return err
}

// later copies a request so that it can be executed when its sender has given up.
func later(req *http.Request) *http.Request {
	late := req.Clone(context.WithoutCancel(req.Context()))
	if req.GetBody == nil { // it has none
		return late
	}
	body, err := req.GetBody()
	if err != nil {
		panic(err) // it is in memory
	}
	late.Body = body
	return late
}

// TestAnswersAreTerse looks at what the real API server answers to a create.
func TestAnswersAreTerse(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	connection, c := newWire(t)
	var answer string
	connection.plan(func(w *wire, req *http.Request) (*http.Response, error) {
		resp, err := w.next.RoundTrip(req)
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(resp.Body)
		answer, resp.Body = string(raw), io.NopCloser(bytes.NewReader(raw))
		return resp, errors.Join(err, resp.Body.Close())
	})
	w := New(Options{Client: c})
	if err := w.Write(t.Context(), []Commit{of(ns, "loc", batch)})[0]; err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(answer, "PartialObjectMetadata") || strings.Contains(answer, "quantities") {
		t.Errorf("the API server answers %s, want metadata only", answer)
	}
	for _, stored := range stock(t, ns) {
		if diff := cmp.Diff(batch, stored); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	}
}
