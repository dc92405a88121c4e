package omni

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"

	"golang.org/x/sync/singleflight"

	"tallyman.dev/tallyman/controllers/channel"
)

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
	if held := c.current(); held != failed {
		return held, nil // another call has fetched new ones meanwhile
	}
	result := c.flight.DoChan("", func() (any, error) {
		// The fetch is shared: it must not end with the call that happened to start it.
		fetched, err := c.fetch(context.WithoutCancel(ctx))
		if err == nil {
			c.mu.Lock()
			c.held = fetched
			c.mu.Unlock()
		}
		return fetched, err
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
	if err := json.Unmarshal(answer.Body, &pairs); err != nil { // the answer may hold secrets: it is not quoted
		return nil, channel.NewError(channel.Retry, "InvalidCredential", "credentialUrl: the answer is not a JSON object of headers")
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
