package cloudevents

import (
	"context"
	"errors"
	"regexp"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Subjects of requests to JetStream, for permissions.
const (
	streamInfoSubject = "$JS.API.STREAM.INFO."
	messageGetSubject = "$JS.API.STREAM.MSG.GET."
	directGetSubject  = "$JS.API.DIRECT.GET."
)

// link is a connection. Once lost it stays so: the next call makes another one.
type link struct {
	nc     *nats.Conn
	js     jetstream.JetStream
	stream jetstream.Stream
	direct bool // the stream's messages are asked for by their subject
	budget *budget

	mu      sync.Mutex
	users   int  // calls under way
	retired bool // no further call uses it
	waiting map[*waiter]struct{}
}

// waiter is a request that waits for an answer.
type waiter struct {
	subject string
	fail    context.CancelCauseFunc
}

// guard makes a request, and ends it where the server denies its subject: it says so out of band, and
// never answers.
func (l *link) guard(ctx context.Context, subject string, request func(context.Context) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	w := &waiter{subject, fail}
	l.mu.Lock()
	l.waiting[w] = struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, w)
	}()
	l.budget.renew()
	err := request(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, nats.ErrPermissionViolation) {
		return cause
	}
	return err
}

// deniedSubject finds the subject in what a server says of a permission that is missing.
var deniedSubject = regexp.MustCompile(`Publish to "([^"]+)"`)

// heard takes what the server says out of band. A violation that is about none of the requests is about
// what all of them need, such as the subject of answers.
func (l *link) heard(err error) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return
	}
	subject := ""
	if match := deniedSubject.FindStringSubmatch(err.Error()); match != nil {
		subject = match[1]
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	found := false
	for w := range l.waiting {
		if w.subject == subject {
			w.fail(err)
			found = true
		}
	}
	if found {
		return
	}
	for w := range l.waiting {
		w.fail(err)
	}
}

// leave ends a use, and the connection with the last one if it is retired.
func (l *link) leave(retire bool) {
	l.mu.Lock()
	l.users--
	l.retired = l.retired || retire
	last := l.retired && l.users == 0
	l.mu.Unlock()
	if last {
		l.nc.Close()
	}
}

// links hold at most one connection for new calls.
type links struct {
	dial    func(context.Context) (*link, error)
	dialing chan struct{} // held by who looks for a connection

	mu     sync.Mutex
	open   *link // nil for none
	closed bool
}

// run makes a call with a connection. If one that was made before turns out to be lost, the call is made
// once more with a new one. Errors are explained.
func (s *links) run(ctx context.Context, explain func(error) error, call func(context.Context, *link) error) error {
	for again := true; ; again = false {
		l, fresh, err := s.enter(ctx)
		if err != nil {
			return explain(err)
		}
		err = call(ctx, l)
		lost := !l.nc.IsConnected()
		s.leave(l, lost || isSilence(err))
		if err == nil || fresh || !again || !lost || ctx.Err() != nil {
			return explain(err)
		}
	}
}

// enter returns the open connection, or a fresh one.
func (s *links) enter(ctx context.Context) (l *link, fresh bool, err error) {
	select {
	case s.dialing <- struct{}{}:
		defer func() { <-s.dialing }()
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
	if l := s.use(); l != nil {
		return l, false, ctx.Err()
	}
	if l, err = s.dial(ctx); err != nil {
		return nil, false, err
	}
	l.users = 1
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = l
	return l, true, nil
}

// use returns the open connection if it works.
func (s *links) use() *link {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil || !s.open.nc.IsConnected() {
		return nil
	}
	s.open.mu.Lock()
	defer s.open.mu.Unlock()
	s.open.users++
	return s.open
}

// leave ends a call. A connection that is of no more use takes no new ones.
func (s *links) leave(l *link, useless bool) {
	s.mu.Lock()
	retire := useless || s.closed
	if retire && s.open == l {
		s.open = nil
	}
	s.mu.Unlock()
	l.leave(retire)
}

// close lets go of the connection when the calls under way have ended.
func (s *links) close() {
	s.mu.Lock()
	l := s.open
	s.open, s.closed = nil, true
	s.mu.Unlock()
	if l != nil {
		l.mu.Lock()
		l.users++
		l.mu.Unlock()
		l.leave(true)
	}
}
