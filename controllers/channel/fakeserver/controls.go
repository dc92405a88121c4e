package fakeserver

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// MaxCalls is how many calls are remembered; the oldest go first.
const MaxCalls = 10_000

// Controls remember what a fake is called, and are how a test has it answer otherwise than the channel would.
// A fake embeds them, with C as it describes a call. The zero value interferes with nothing. All methods
// are safe for concurrent use; what they call may call them.
type Controls[C any] struct {
	mu      sync.Mutex
	calls   []C
	onCall  func(C)
	gate    *gate[C] // nil to go on at once
	answers map[string]http.Handler
	choose  func(C) http.Handler
	losing  bool
}

// gate is where calls wait.
type gate[C any] struct {
	holds func(C) bool
	open  chan struct{}
}

// Calls returns the calls so far, in the order in which they came.
func (c *Controls[C]) Calls() []C {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.calls)
}

// OnCall calls a function with every call that is recorded, before it is held or answered; nil ends that. It may
// change the fake.
func (c *Controls[C]) OnCall(f func(C)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onCall = f
}

// Hold makes those calls wait that it is told to, all where that is nil, until they are released, which can be
// done more than once. A call whose caller goes away meanwhile has no effect.
func (c *Controls[C]) Hold(holds func(C) bool) (release func()) {
	g := &gate[C]{holds, make(chan struct{})}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.gate = g
	return sync.OnceFunc(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.gate == g {
			c.gate = nil
		}
		close(g.open)
	})
}

// Answer makes a handler answer requests to a path, or to all where that is empty, which then have no effect;
// nil ends it.
func (c *Controls[C]) Answer(path string, h http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers = maps.Clone(c.answers)
	if c.answers == nil {
		c.answers = map[string]http.Handler{}
	}
	c.answers[path] = h
}

// AnswerBy chooses who answers calls instead of the fake; nil, or a nil handler, leaves it to the fake.
func (c *Controls[C]) AnswerBy(choose func(C) http.Handler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.choose = choose
}

// LoseAnswers chooses whether connections are cut when calls that change something have taken effect, before
// they are answered.
func (c *Controls[C]) LoseAnswers(lose bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.losing = lose
}

// Record is for the fake: it remembers a call. No lock that OnCall's function may need is held.
func (c *Controls[C]) Record(call C) {
	c.mu.Lock()
	c.calls = append(c.calls, call)
	c.calls = c.calls[max(0, len(c.calls)-MaxCalls):]
	onCall := c.onCall
	c.mu.Unlock()
	if onCall != nil {
		onCall(call)
	}
}

// Intercept is for the fake: it holds and answers a call if a test wants that, and reports whether the fake has
// nothing left to do.
func (c *Controls[C]) Intercept(w http.ResponseWriter, r *http.Request, call C) bool {
	c.mu.Lock()
	g := c.gate
	c.mu.Unlock()
	if g != nil && (g.holds == nil || g.holds(call)) && !wait(r.Context(), g.open) {
		return true
	}
	if h := c.answerer(r.URL.Path, call); h != nil {
		h.ServeHTTP(w, r)
		return true
	}
	return false
}

// Take records a call and intercepts it, and reports whether it was answered.
func (c *Controls[C]) Take(w http.ResponseWriter, r *http.Request, call C) (done bool) {
	c.Record(call)
	return c.Intercept(w, r, call)
}

// Lose is for the fake: it cuts the connection if answers are to be lost.
func (c *Controls[C]) Lose() {
	c.mu.Lock()
	losing := c.losing
	c.mu.Unlock()
	if losing {
		panic(http.ErrAbortHandler)
	}
}

// answerer is who answers a call instead of the fake; nil for nobody.
func (c *Controls[C]) answerer(path string, call C) http.Handler {
	c.mu.Lock()
	answer, choose := c.answers[path], c.choose
	if answer == nil {
		answer = c.answers[""]
	}
	c.mu.Unlock()
	if answer == nil && choose != nil {
		answer = choose(call)
	}
	return answer
}

// wait waits until a gate opens. It reports whether the caller is still there.
func wait(ctx context.Context, open <-chan struct{}) bool {
	select {
	case <-open:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
