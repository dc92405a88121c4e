// Package webhook is the inventory ingress: the HTTP API by which warehouse systems report stock.
// It has nothing to do with Kubernetes admission webhooks.
package webhook

import "time"

// Limits of the ingress. Those that a flag can change have a Default in their name.
const (
	// DefaultMaxBatchSKUs is the most SKUs in one request, by the inventory standard.
	DefaultMaxBatchSKUs = 300

	// DefaultMaxBodyBytes is the largest body, before and after decompression: 300 SKUs of the
	// longest kind take about 400 kB.
	DefaultMaxBodyBytes = 2 << 20

	// maxHeaderBytes bounds the headers of a request.
	maxHeaderBytes = 64 << 10

	// readHeaderTimeout, readTimeout, writeTimeout and idleTimeout bound what a slow sender can hold.
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute

	// maxIdempotencyKey is the longest Idempotency-Key, in characters.
	maxIdempotencyKey = 255

	// unavailableRetryAfter is the pause that a sender is asked for while nothing can be stored.
	unavailableRetryAfter = 2 * time.Second

	// drainGrace is how long requests under way may take when the server stops.
	drainGrace = 25 * time.Second
)
