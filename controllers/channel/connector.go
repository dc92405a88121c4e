// Package channel is the contract between the sync and the connectors that reach channels, and
// what connectors share: typed errors, the HTTP client, the registry and metrics.
package channel

import (
	"context"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Item is one absolute quantity to push.
type Item struct {
	SKU string
	// Quantity in sale units.
	Quantity int64
	// LocationCode is, in LocationWise mode, where the quantity lies; in Consolidated mode, a
	// location whose change caused the push.
	LocationCode string
	// LocationQuantity is the quantity at LocationCode.
	LocationQuantity int64
}

// Batch is what one call pushes.
type Batch struct {
	Mode inventoryv1alpha1.ChannelMode
	// Items are one to Limits.BatchSize, each SKU at most once in a call for a location, and of one location in LocationWise mode where
	// Limits.OneLocationPerCall.
	Items []Item
	// IdempotencyKey is stable over repetitions of the same batch.
	IdempotencyKey string
}

// Result of a call that was answered.
type Result struct {
	// Failures maps the index of an item to why it is not confirmed. Every other item is.
	Failures map[int]*Error
}

// Limits are what one channel takes.
type Limits struct {
	// BatchSize is the most items in a call.
	BatchSize int
	// OneLocationPerCall means that items of different locations never share a call.
	OneLocationPerCall bool
	// MaxParallel is the most calls in flight at once.
	MaxParallel int
}

// Connector reaches one channel. It is safe for concurrent use.
type Connector interface {
	// Limits of the channel, the same at every call.
	Limits() Limits

	// Probe checks credentials and reachability, and changes nothing.
	Probe(ctx context.Context) error

	// Push sets absolute quantities. An error means that the call failed as a whole, and that
	// nothing is known of its items; errors.As finds an *Error in it, or it is worth a retry. A
	// connector may be given the same batch again, after a crash or a timeout.
	Push(ctx context.Context, batch Batch) (Result, error)
}

// Config is what a connector is built from.
type Config struct {
	Channel *inventoryv1alpha1.Channel
	// Credentials is the content of spec.credentialsSecretRef; nil without one.
	Credentials map[string][]byte
	// TLS is the content of spec.transport.tlsSecretRef; nil without one.
	TLS   map[string][]byte
	Clock clock.PassiveClock
}

// Factory builds a connector. Its error is an *Error of class Terminal.
type Factory func(Config) (Connector, error)
