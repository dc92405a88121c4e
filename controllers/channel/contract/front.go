package contract

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

const (
	// maxFrontBody bounds a call's body, in bytes.
	maxFrontBody = 16 << 20

	// maxReceived bounds the calls that are held and not looked at.
	maxReceived = 1000
)

// Front plays the behaviours in front of an HTTP server that knows nothing of them: a fake of a
// channel, or the real one. It is an http.Handler, and all of a Server but Quantity. Its fields are set before the
// first call.
type Front struct {
	// Next answers what is not played.
	Next http.Handler
	// Writes tells a call that sets quantities by its request, whose body it is given: these Stall
	// holds, and of these Lose cuts the connection.
	Writes Calls
	// Holds are the calls that Stall holds; Writes unless set.
	Holds Calls
	// About are the calls that Throttle, Deny, Break, Garble, Flood and Leak are played for; all unless set.
	// Redirect is played for all.
	About Calls
	// Late means that a call that Stall holds takes effect although its sender has gone.
	Late bool
	// Answers replaces the answers of Throttle, Deny, Break, Garble, Flood and Leak, where a
	// channel has words of its own. A handler can read the request's body.
	Answers map[Behaviour]http.Handler
	// Plays are the behaviours that Next plays itself; it is told when one begins, and when it ends or does
	// not begin.
	Plays map[Behaviour]func(begins bool)
	// Elsewhere is the address that Redirect sends callers to.
	Elsewhere string

	once     sync.Once
	received chan struct{}

	mu    sync.Mutex
	state Behaviour
	gate  chan struct{}
}

// Calls chooses calls by their requests, and the bodies of those.
type Calls func(r *http.Request, body []byte) bool

// Toggle is how a server plays a behaviour that has a setting: off sets what is usual, and on what is played.
func Toggle(off, on func()) func(begins bool) {
	return func(begins bool) {
		off()
		if begins {
			on()
		}
	}
}

// All reports whether a call counts: every one does.
func All(*http.Request, []byte) bool { return true }

func (f *Front) start() {
	f.once.Do(func() { f.received, f.gate = make(chan struct{}, maxReceived), make(chan struct{}) })
}

// Behave implements Server.
func (f *Front) Behave(b Behaviour) {
	f.start()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.state = b
	for played, play := range f.Plays {
		play(played == b)
	}
}

// Behaviour is what Behave was told.
func (f *Front) Behaviour() Behaviour {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
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
	body, err := fakeserver.PeekBody(w, r, maxFrontBody)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	state, gate := f.state, f.gate
	f.mu.Unlock()
	if state == Stall && f.holds(r, body) {
		f.received <- struct{}{}
		select {
		case <-gate:
		case <-r.Context().Done():
		}
		if f.Late {
			<-gate
		} else if r.Context().Err() != nil {
			return
		}
	}
	f.answer(state, r, body).ServeHTTP(w, r)
}

func (f *Front) holds(r *http.Request, body []byte) bool {
	if f.Holds != nil {
		return f.Holds(r, body)
	}
	return f.Writes(r, body)
}

// answer is what answers a call.
func (f *Front) answer(state Behaviour, r *http.Request, body []byte) http.Handler {
	switch {
	case state == Redirect:
		return http.RedirectHandler(f.Elsewhere+r.URL.Path, http.StatusTemporaryRedirect) // keeps method and body
	case state == Lose && f.Writes(r, body):
		return fakeserver.Lost(f.Next)
	case f.Plays[state] != nil, f.About != nil && !f.About(r, body):
		return f.Next
	case f.Answers[state] != nil:
		return f.Answers[state]
	}
	switch state {
	case Throttle:
		return fakeserver.Throttled(Pause)
	case Deny:
		return fakeserver.Status(http.StatusUnauthorized, "the credentials are wrong")
	case Break:
		return fakeserver.Status(http.StatusInternalServerError, "no database")
	case Garble:
		return fakeserver.Cut(f.Next)
	case Flood:
		return http.HandlerFunc(fakeserver.Flood)
	case Leak:
		return http.HandlerFunc(leak)
	default:
		return f.Next
	}
}

// leak answers with all that a call holds.
func leak(w http.ResponseWriter, r *http.Request) {
	http.Error(w, Credentials(r), http.StatusInternalServerError)
}

// Credentials is the text of Leak: what of a call can be a credential. What cannot be one is left out, as
// connectors keep little of what a channel says.
func Credentials(r *http.Request) string {
	header := maps.Clone(r.Header)
	for _, name := range []string{"Accept", "Accept-Encoding", "Content-Length", "Content-Type", "User-Agent"} {
		delete(header, name)
	}
	body, _ := io.ReadAll(r.Body) // the front has read it before
	return fmt.Sprintf("%s: %v %v %s", Leaked, header, r.URL.Query(), body)
}
