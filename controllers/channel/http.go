package channel

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"
)

// Limits of the HTTP client.
const (
	// maxResponse bounds what is read of an answer.
	maxResponse = 4 << 20

	// maxRetryAfter bounds the pause that a channel can ask for.
	maxRetryAfter = time.Hour

	// maxIdleConns is how many connections a channel keeps open at rest.
	maxIdleConns = 8

	// minSecret is the length from which a credential is masked in foreign text: masking shorter
	// ones would garble it.
	minSecret = 4
)

// HTTPClient is the only way from a connector to its channel: it verifies TLS, uses the
// environment's proxy never, follows no redirect to another origin, and reads bounded answers.
type HTTPClient struct {
	client *http.Client
	clock  clock.PassiveClock

	mu      sync.RWMutex
	secrets []string
}

// NewHTTPClient makes the client of a Channel. Its error is an *Error of class Terminal.
func NewHTTPClient(cfg Config) (*HTTPClient, error) {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: maxIdleConns,
		IdleConnTimeout:     90 * time.Second,
		ForceAttemptHTTP2:   true,
	}
	tlsConfig, err := tlsConfig(cfg.TLS)
	if err != nil {
		return nil, err
	}
	transport.TLSClientConfig = tlsConfig
	if t := cfg.Channel.Spec.Transport; t != nil && t.ProxyURL != "" {
		proxy, err := url.Parse(t.ProxyURL)
		if err != nil {
			return nil, NewError(Terminal, "InvalidProxy", "spec.transport.proxyUrl: not a URL")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	out := &HTTPClient{clock: cfg.Clock, client: &http.Client{
		Transport: transport, CheckRedirect: sameOrigin, Timeout: cfg.Channel.Timeout(),
	}}
	for _, value := range cfg.Credentials {
		out.Mask(string(value))
	}
	return out, nil
}

// maxSecrets bounds the credentials that are remembered for masking; the oldest go first.
const maxSecrets = 64

// Mask hides a credential in whatever the channel says.
func (c *HTTPClient) Mask(secret string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(secret) < minSecret || slices.Contains(c.secrets, secret) {
		return
	}
	c.secrets = append(c.secrets, secret)
	if len(c.secrets) > maxSecrets {
		c.secrets = slices.Delete(c.secrets, 0, 1)
	}
}

// tlsConfig reads ca.crt, tls.crt and tls.key.
func tlsConfig(data map[string][]byte) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca := data["ca.crt"]; len(ca) > 0 {
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(ca) {
			return nil, NewError(Terminal, "InvalidCertificate", "spec.transport.tlsSecretRef: ca.crt holds no PEM certificate")
		}
	}
	cert, key := data["tls.crt"], data["tls.key"]
	if len(cert) == 0 && len(key) == 0 {
		return out, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // the cause may quote the key
		return nil, NewError(Terminal, "InvalidCertificate", "spec.transport.tlsSecretRef: tls.crt and tls.key are not a pair of PEM certificate and key")
	}
	out.Certificates = []tls.Certificate{pair}
	return out, nil
}

var errRedirect = errors.New("redirected to another origin, which the Channel does not declare")

// sameOrigin follows redirects only to where the Channel points.
func sameOrigin(req *http.Request, via []*http.Request) error {
	if first := via[0].URL; req.URL.Scheme != first.Scheme || req.URL.Host != first.Host {
		return errRedirect
	}
	if len(via) >= 10 {
		return errors.New("redirected ten times")
	}
	return nil
}

// Request is one call.
type Request struct {
	Method, URL string
	Header      http.Header
	// Body is encoded as JSON; nil for none.
	Body any
}

// Response is the answer to a call.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do makes a call. Any answer below 300 is returned; everything else is an *Error, with the
// answer for connectors that look closer.
func (c *HTTPClient) Do(ctx context.Context, r Request) (*Response, error) {
	req, err := newRequest(ctx, r)
	if err != nil {
		return nil, err
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
		return nil, NewError(Retry, "ResponseTooLarge", fmt.Sprintf("the answer is longer than %d bytes", maxResponse))
	}
	out := &Response{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if resp.StatusCode >= 300 {
		return out, c.StatusError(out)
	}
	return out, nil
}

func newRequest(ctx context.Context, r Request) (*http.Request, error) {
	var body io.Reader
	if r.Body != nil {
		raw, err := json.Marshal(r.Body)
		if err != nil {
			return nil, fmt.Errorf("encode the request: %w", err)
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if err != nil {
		return nil, NewError(Terminal, "InvalidURL", err.Error())
	}
	maps.Copy(req.Header, r.Header)
	if r.Body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "tallyman")
	return req, nil
}

// transportError describes a call without an answer. The URL, which may hold a secret, is left out.
func (c *HTTPClient) transportError(err error) *Error {
	cause := err
	if u, ok := errors.AsType[*url.Error](err); ok {
		cause = u.Err
	}
	if errors.Is(err, errRedirect) {
		return NewError(Terminal, "Redirected", errRedirect.Error())
	}
	out := AsError(cause)
	out.Message = Clean(c.Redact(cause.Error()))
	return out
}

// StatusError classes an answer by its status.
func (c *HTTPClient) StatusError(r *Response) *Error {
	out := NewError(Rejected, "Status"+strconv.Itoa(r.Status), "")
	switch {
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden, r.Status == http.StatusProxyAuthRequired:
		out.Class, out.Reason = Unauthorized, "Unauthorized"
	case r.Status == http.StatusTooManyRequests:
		out.Class, out.Reason = Throttled, "Throttled"
	case r.Status == http.StatusRequestTimeout, r.Status == http.StatusTooEarly, r.Status >= 500:
		out.Class = Retry
	case r.Status == http.StatusNotFound, r.Status == http.StatusMethodNotAllowed, r.Status == http.StatusGone, r.Status < 400:
		out.Class = Retry // the address is wrong, or not there at present: no verdict on any item
	}
	out.RetryAfter = c.retryAfter(r.Header.Get("Retry-After"))
	out.Message = Clean(fmt.Sprintf("%d %s: %s", r.Status, http.StatusText(r.Status), c.Redact(string(r.Body[:min(len(r.Body), 4*maxMessage)]))))
	return out
}

// retryAfter reads seconds or a date.
func (c *HTTPClient) retryAfter(value string) time.Duration {
	pause := time.Duration(0)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		pause = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		pause = at.Sub(c.clock.Now())
	}
	return min(max(pause, 0), maxRetryAfter)
}

// Redact masks credentials in foreign text.
func (c *HTTPClient) Redact(text string) string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for _, secret := range c.secrets {
		text = strings.ReplaceAll(text, secret, "***")
	}
	return text
}
