package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
)

// maxFrontBody bounds a call's body, in bytes.
const maxFrontBody = 16 << 20

// Front plays the behaviours in front of an HTTP server that knows nothing of them: a fake of a
// channel, or the real one. It is an http.Handler, and all of a Server but Quantity. Its fields are set before the
// first call.
type Front struct {
	// Next answers what is not played.
	Next http.Handler
	// Writes tells a call that sets quantities by its request, whose body it is given: these Stall
	// holds, and of these Lose cuts the connection.
	Writes func(r *http.Request, body []byte) bool
	// Answers replaces the answers of Throttle, Deny, Break, Garble, Flood and Leak, where a
	// channel has words of its own. A handler can read the request's body.
	Answers map[Behaviour]http.Handler
	// Elsewhere is the address that Redirect sends callers to.
	Elsewhere string

	once     sync.Once
	received chan struct{}

	mu    sync.Mutex
	state Behaviour
	gate  chan struct{}
}

// maxReceived bounds the calls that are held and not looked at.
const maxReceived = 1000

func (f *Front) start() {
	f.once.Do(func() { f.received, f.gate = make(chan struct{}, maxReceived), make(chan struct{}) })
}

// Behave implements Server.
func (f *Front) Behave(b Behaviour) {
	f.start()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = b
}

// Release implements Server.
func (f *Front) Release() {
	f.start()
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.gate)
	f.gate = make(chan struct{})
}

// Received implements Server.
func (f *Front) Received() <-chan struct{} {
	f.start()
	return f.received
}

// ServeHTTP implements http.Handler.
func (f *Front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.start()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxFrontBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	state, gate := f.state, f.gate
	f.mu.Unlock()
	if answer := f.Answers[state]; answer != nil {
		answer.ServeHTTP(w, r)
		return
	}
	switch state {
	case Throttle:
		w.Header().Set("Retry-After", strconv.Itoa(int(Pause.Seconds())))
		http.Error(w, "too many requests", http.StatusTooManyRequests)
	case Deny:
		http.Error(w, "the credentials are wrong", http.StatusUnauthorized)
	case Break:
		http.Error(w, "no database", http.StatusInternalServerError)
	case Garble:
		answer := f.record(r)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	case Flood:
		Flooding(w, r)
	case Leak:
		http.Error(w, Credentials(r), http.StatusInternalServerError)
	case Redirect:
		http.Redirect(w, r, f.Elsewhere+r.URL.Path, http.StatusTemporaryRedirect) //nolint:gosec // the test chooses where
	default:
		f.pass(w, r, state, gate, f.Writes(r, body))
	}
}

// pass lets a call through to the server, unless it is held, or its answer is lost.
func (f *Front) pass(w http.ResponseWriter, r *http.Request, state Behaviour, gate <-chan struct{}, writes bool) {
	switch {
	case writes && state == Stall:
		f.received <- struct{}{}
		select {
		case <-gate:
		case <-r.Context().Done():
			return
		}
	case writes && state == Lose:
		f.record(r)
		panic(http.ErrAbortHandler) // cuts the connection
	}
	f.Next.ServeHTTP(w, r)
}

func (f *Front) record(r *http.Request) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding") // what is cut shall be text
	f.Next.ServeHTTP(out, r)
	return out
}

// Flooding answers without end.
func Flooding(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(" ", 1<<16))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// Credentials is the text of Leak: all that a call holds.
func Credentials(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	return fmt.Sprintf("%s: %s %v", Leaked, body, r.Header)
}
