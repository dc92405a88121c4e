// Package fakeserver is what the fake servers of channels share: how they are started, read requests, answer,
// let in callers, record what they are called, and fail as a test tells them to. It knows nothing of any
// channel, of connectors, or of their contract.
//
// Nothing here waits for time to pass. A call is held until a test releases it, or until its caller has gone.
package fakeserver

import (
	"net/http"
	"net/http/httptest"
)

// TB is as much of a test as starting a server takes.
type TB interface {
	Helper()
	Cleanup(f func())
}

// Start serves a handler over HTTP until the test ends, and returns the address, without a slash at its end.
func Start(t TB, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}

// StartTLS serves a handler over HTTPS, with a certificate of its own, until the test ends.
func StartTLS(t TB, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewTLSServer(h)
	t.Cleanup(server.Close)
	return server
}
