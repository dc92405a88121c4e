package channel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Limits of connections to a channel.
const (
	// dialTimeout bounds making a connection, handshakeTimeout its TLS handshake. Both are part of
	// the Channel's timeout.
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second

	// maxIdleConns is how many connections a channel keeps open at rest, for idleTimeout.
	maxIdleConns = 8
	idleTimeout  = 90 * time.Second

	// maxResponseHeader bounds the headers of an answer, in bytes.
	maxResponseHeader = 256 << 10

	// maxRedirects is how many redirects a call follows.
	maxRedirects = 5
)

// newTransport makes the connections of one Channel, which shares them with no other.
func newTransport(cfg Config) (*http.Transport, error) {
	tlsConfig, err := TLSConfig(cfg)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:        tlsConfig,
		TLSHandshakeTimeout:    handshakeTimeout,
		MaxIdleConnsPerHost:    maxIdleConns,
		IdleConnTimeout:        idleTimeout,
		MaxResponseHeaderBytes: maxResponseHeader,
		ForceAttemptHTTP2:      true,
		OnProxyConnectResponse: checkTunnel,
	}
	if t := cfg.Channel.Spec.Transport; t != nil && t.ProxyURL != "" {
		proxy, err := url.Parse(t.ProxyURL)
		if err != nil {
			return nil, NewError(Terminal, ReasonInvalidProxy, "spec.transport.proxyUrl: not a URL")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	return transport, nil
}

// TLSConfig says how TLS to a Channel is verified: by ca.crt, tls.crt and tls.key of its Secret. The HTTP
// client uses it by itself. Its error is an *Error of class Terminal.
func TLSConfig(cfg Config) (*tls.Config, error) {
	data := cfg.TLS
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca := data["ca.crt"]; len(ca) > 0 {
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(ca) {
			return nil, NewError(Terminal, ReasonInvalidCertificate, "spec.transport.tlsSecretRef: ca.crt holds no PEM certificate")
		}
	}
	cert, key := data["tls.crt"], data["tls.key"]
	if len(cert) == 0 && len(key) == 0 {
		return out, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil { // the cause may quote the key
		return nil, NewError(Terminal, ReasonInvalidCertificate, "spec.transport.tlsSecretRef: tls.crt and tls.key are not a pair of PEM certificate and key")
	}
	out.Certificates = []tls.Certificate{pair}
	return out, nil
}

// checkTunnel classes what a proxy answers that is asked for a tunnel, as if the channel had
// answered it.
func checkTunnel(_ context.Context, _ *url.URL, _ *http.Request, r *http.Response) error {
	if r.StatusCode == http.StatusOK {
		return nil
	}
	class, reason := classify(r.StatusCode)
	return NewError(class, reason, "the proxy refuses a tunnel: "+r.Status)
}

// checkRedirect follows redirects only to where the Channel points, and only with the same method:
// net/http turns a PUT that is redirected by 301, 302 or 303 into a GET, whose success would be
// taken for that of the PUT.
func checkRedirect(req *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case req.URL.Scheme != first.URL.Scheme || req.URL.Host != first.URL.Host:
		return redirected(req, "to another origin, which the Channel does not declare")
	case req.Method != first.Method:
		return redirected(req, fmt.Sprintf("from %s to %s, which would lose what is sent", first.Method, req.Method))
	case len(via) > maxRedirects:
		return redirected(req, fmt.Sprintf("more than %d times", maxRedirects))
	}
	return nil
}

// redirected is Terminal where the channel says that it has moved for good.
func redirected(req *http.Request, how string) *Error {
	class := Retry
	switch req.Response.StatusCode {
	case http.StatusMovedPermanently, http.StatusPermanentRedirect:
		class = Terminal
	}
	return NewError(class, ReasonRedirected, fmt.Sprintf("redirected by %d %s", req.Response.StatusCode, how))
}
