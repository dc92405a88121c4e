package channel

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"

	"k8s.io/utils/clock"
)

// maxResponse bounds what is read of an answer, in bytes after decompression.
const maxResponse = 4 << 20

// byteOrderMark is what some receivers begin their JSON with, which encoding/json refuses.
var byteOrderMark = []byte("\ufeff")

// HTTPClient is the only way from a connector to its channel: it verifies TLS, uses the
// environment's proxy never, follows no redirect to another origin, and reads bounded answers.
type HTTPClient struct {
	// Validate, if set, looks at every answer of 2xx: it returns an error where the channel reports
	// one in a success. It is set before the first call.
	Validate func(*Response) error

	client  *http.Client
	clock   clock.PassiveClock
	limiter *RateLimiter
	secrets *secrets
}

// NewHTTPClient makes the client of a Channel. Its error is an *Error of class Terminal.
func NewHTTPClient(cfg Config) (*HTTPClient, error) {
	transport, err := newTransport(cfg)
	if err != nil {
		return nil, err
	}
	return &HTTPClient{
		client:  &http.Client{Transport: transport, CheckRedirect: checkRedirect, Timeout: cfg.Channel.Timeout()},
		clock:   cfg.Clock,
		limiter: NewRateLimiter(cfg),
		secrets: newSecrets(cfg.Credentials),
	}, nil
}

// Mask hides a credential, that the channel has given, in whatever it says from now on.
func (c *HTTPClient) Mask(credential string) { c.secrets.add(credential) }

// Redact masks credentials in foreign text.
func (c *HTTPClient) Redact(text string) string { return c.secrets.redact(text) }

// Request is one call.
type Request struct {
	Method, URL string
	Header      http.Header
	// Body is sent as it is where it is Raw, as a form where it is url.Values, and else as JSON; nil
	// for none.
	Body any
}

// Raw is a body that needs no encoding.
type Raw struct {
	ContentType string
	Content     []byte
}

// body returns the bytes of a request, and what they are; nil for none.
func (r Request) body() (Raw, error) {
	switch b := r.Body.(type) {
	case nil:
		return Raw{}, nil
	case Raw:
		return b, nil
	case url.Values:
		return Raw{"application/x-www-form-urlencoded", []byte(b.Encode())}, nil
	}
	encoded, err := json.Marshal(r.Body)
	if err != nil {
		return Raw{}, fmt.Errorf("encode the request: %w", err)
	}
	return Raw{"application/json", encoded}, nil
}

// Response is the answer to a call.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes a call as soon as spec.rateLimit allows it. An answer of 2xx that Validate does not object to is returned; everything else
// is an *Error, with the answer, if there was one, for connectors that look closer.
func (c *HTTPClient) Do(ctx context.Context, r Request) (*Response, error) {
	req, err := newRequest(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := c.limiter.Wait(ctx); err != nil {
		return nil, c.transportError(err)
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return nil, c.transportError(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxResponse+1))
	if err != nil {
		return nil, c.transportError(err)
	}
	if len(body) > maxResponse {
		return nil, NewError(Retry, ReasonResponseTooLarge, fmt.Sprintf("the answer is longer than %d bytes", maxResponse))
	}
	out := &Response{Status: resp.StatusCode, Header: resp.Header, Body: bytes.TrimPrefix(body, byteOrderMark)}
	return out, c.check(out)
}

func (c *HTTPClient) check(r *Response) error {
	if r.Status < 200 || r.Status >= 300 {
		return c.statusError(r)
	}
	if c.Validate == nil {
		return nil
	}
	if err := AsError(c.Validate(r)); err != nil {
		return err.WithMessage(c.Redact(err.Message))
	}
	return nil
}

// Decode reads an answer as JSON. Its error is an *Error of class Retry and reason InvalidAnswer.
func (c *HTTPClient) Decode(r *Response, into any) error {
	if err := json.Unmarshal(r.Body, into); err != nil {
		return InvalidAnswer("the answer is not the JSON that is expected: " + c.Redact(err.Error()))
	}
	return nil
}

func newRequest(ctx context.Context, r Request) (*http.Request, error) {
	raw, err := r.body()
	if err != nil {
		return nil, err
	}
	var body io.Reader
	if raw.Content != nil {
		body = bytes.NewReader(raw.Content)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil {
		return nil, NewError(Terminal, ReasonInvalidURL, withoutURL(err).Error())
	}
	req.Header.Set("Accept", "application/json")
	maps.Copy(req.Header, r.Header)
	if raw.Content != nil {
		req.Header.Set("Content-Type", raw.ContentType)
	}
	if r.Method == http.MethodPut && req.Header.Get("Idempotency-Key") == "" {
		// PUT is idempotent, yet net/http repeats it on a fresh connection, where the channel has
		// closed the idle one, only if told so: an empty list says it without sending a header.
		req.Header["Idempotency-Key"] = nil
	}
	req.Header.Set("User-Agent", "tallyman")
	return req, nil
}

// transportError describes a call without an answer.
func (c *HTTPClient) transportError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	err = withoutURL(err)
	out := AsError(err)
	text := c.Redact(err.Error())
	if text != err.Error() {
		out.Err = nil // the cause quotes a credential, and whoever logs it would show that
	}
	out.Message = Clean(text)
	return out
}

// withoutURL takes the URL, which may hold a secret, out of an error.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
