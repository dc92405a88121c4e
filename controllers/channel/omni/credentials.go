package omni

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"golang.org/x/sync/singleflight"

	"tallyman.dev/tallyman/controllers/channel"
)

// maxHeaders bounds what Get Credential may answer.
const maxHeaders = 64

// credentials holds the headers that calls carry: static ones, and those of Get Credential.
type credentials struct {
	http   *channel.HTTPClient
	url    string // of Get Credential; empty without
	static http.Header

	flight singleflight.Group
	mu     sync.Mutex
	held   *headers // nil before the first answer
}

// headers is one answer of Get Credential, with the static headers.
type headers struct{ header http.Header }

// call makes a call with the headers in use. By the standard, 401 means that they have expired: new
// ones are fetched, and the call is made once more.
func (c *credentials) call(ctx context.Context, request channel.Request) (*channel.Response, error) {
	used, err := c.get(ctx)
	if err != nil {
		return nil, err
	}
	request.Header = used.header
	answer, err := c.http.Do(ctx, request)
	if !expired(answer) || c.url == "" {
		return answer, err
	}
	if used, err = c.refresh(ctx, used); err != nil {
		return nil, err
	}
	request.Header = used.header
	answer, err = c.http.Do(ctx, request)
	if expired(answer) && c.current() != used {
		// A receiver may let old credentials lapse when it gives new ones. The probe, or another call,
		// got some meanwhile: nothing is known of those, and the channel must not be stopped.
		return nil, channel.NewError(channel.Retry, "CredentialReplaced", "the credentials were replaced during the call")
	}
	return answer, err
}

func expired(answer *channel.Response) bool {
	return answer != nil && answer.Status == http.StatusUnauthorized
}

func (c *credentials) current() *headers {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held
}

// get returns the headers in use, fetched at first use.
func (c *credentials) get(ctx context.Context) (*headers, error) {
	if c.url == "" {
		return &headers{c.static}, nil
	}
	if held := c.current(); held != nil {
		return held, nil
	}
	return c.refresh(ctx, nil)
}

// refresh replaces headers that no longer work. Calls that failed with the same ones share a fetch.
func (c *credentials) refresh(ctx context.Context, failed *headers) (*headers, error) {
	result := c.flight.DoChan(fmt.Sprintf("%p", failed), func() (any, error) {
		if held := c.current(); held != failed {
			return held, nil // another call has fetched new ones meanwhile
		}
		// The fetch is shared: it must not end with the call that happened to start it.
		fetched, err := c.fetch(context.WithoutCancel(ctx))
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.held = fetched
		return fetched, nil
	})
	select {
	case r := <-result:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*headers), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *credentials) fetch(ctx context.Context) (*headers, error) {
	answer, err := c.http.Do(ctx, channel.Request{Method: http.MethodGet, URL: c.url, Header: c.static})
	if err != nil {
		return nil, err
	}
	var pairs map[string]string
	if c.http.Decode(answer, &pairs) != nil { // the answer may hold secrets: it is not quoted
		return nil, channel.NewError(channel.Retry, "InvalidCredential", "credentialUrl: the answer is not a JSON object of headers")
	}
	if len(pairs) > maxHeaders {
		return nil, channel.NewError(channel.Retry, "InvalidCredential", fmt.Sprintf("credentialUrl: the answer has %d headers, more than %d", len(pairs), maxHeaders))
	}
	out := &headers{c.static.Clone()}
	for name, value := range pairs {
		if err := checkHeader(name, value); err != nil {
			return nil, err
		}
		out.header.Set(name, value)
		c.http.Mask(value)
	}
	return out, nil
}
