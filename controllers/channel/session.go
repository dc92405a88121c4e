package channel

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"k8s.io/utils/clock"
)

// expiryMargin is how long before its end a grant is replaced: it must last for the call, and for what
// the two clocks differ.
const expiryMargin = time.Minute

// Grant is what a channel gives for credentials.
type Grant struct {
	// Header holds the headers that calls carry. Whoever fetches a grant masks what is secret in it.
	Header http.Header
	// Expires is when it ends; zero where the channel does not say.
	Expires time.Time
}

// Session makes calls with headers that the channel gives and lets lapse: tokens, cookies, logins. It is
// safe for concurrent use; its fields are set before the first call.
type Session struct {
	HTTP  *HTTPClient
	Clock clock.PassiveClock
	// Login fetches a grant. It is shared: calls that need a new one at the same time wait for one Login.
	Login func(context.Context) (*Grant, error)
	// Lapsed tells from an answer, which is nil where there is none, and its error that the grant is no
	// longer valid; status 401 unless set.
	Lapsed func(*Response, error) bool

	flight singleflight.Group
	mu     sync.Mutex
	held   *Grant // nil before the first login
}

// Do makes a call with the grant in use. If that has lapsed, a new one is fetched and the call is made
// once more.
func (s *Session) Do(ctx context.Context, r Request) (*Response, error) {
	used, err := s.grant(ctx)
	if err != nil {
		return nil, err
	}
	answer, err := s.do(ctx, r, used)
	if !s.lapsed(answer, err) {
		return answer, err
	}
	if used, err = s.Renew(ctx, used); err != nil {
		return nil, err
	}
	answer, err = s.do(ctx, r, used)
	if s.lapsed(answer, err) && s.Held() != used {
		// A channel may let an old grant lapse when it gives a new one. The probe, or another call, got
		// one meanwhile: nothing is known of that, and the channel must not be stopped.
		return nil, NewError(Retry, ReasonCredentialReplaced, "the credentials were replaced during the call")
	}
	return answer, err
}

func (s *Session) do(ctx context.Context, r Request, g *Grant) (*Response, error) {
	header := r.Header.Clone()
	if header == nil {
		header = make(http.Header, len(g.Header))
	}
	maps.Copy(header, g.Header)
	r.Header = header
	return s.HTTP.Do(ctx, r)
}

func (s *Session) lapsed(answer *Response, err error) bool {
	if s.Lapsed != nil {
		return s.Lapsed(answer, err)
	}
	return answer != nil && answer.Status == http.StatusUnauthorized
}

// Held is the grant in use; nil before the first login.
func (s *Session) Held() *Grant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// grant returns the grant in use, fetched at first use and shortly before it expires.
func (s *Session) grant(ctx context.Context) (*Grant, error) {
	held := s.Held()
	if held != nil && (held.Expires.IsZero() || s.Clock.Now().Add(expiryMargin).Before(held.Expires)) {
		return held, nil
	}
	return s.Renew(ctx, held)
}

// Renew replaces a grant that no longer works. Calls that failed with the same one share a login.
func (s *Session) Renew(ctx context.Context, failed *Grant) (*Grant, error) {
	result := s.flight.DoChan(fmt.Sprintf("%p", failed), func() (any, error) {
		if held := s.Held(); held != failed {
			return held, nil // another call has fetched a new one meanwhile
		}
		// The login is shared: it must not end with the call that happened to start it.
		fetched, err := s.Login(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = fetched
		return fetched, nil
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*Grant), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
