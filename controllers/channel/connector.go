// Package channel is the contract between the sync and the connectors that reach channels, and
// what connectors share: typed errors, the HTTP client, the registry and metrics.
package channel

import (
	"cmp"
	"context"
	"io"
	"time"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// MaxPatience bounds what a connector may take for one Push.
const MaxPatience = 15 * time.Minute

// Item is one absolute quantity to push.
type Item struct {
	// SKU as the channel calls it.
	SKU string
	// Quantity in sale units.
	Quantity int64
	// LocationCode is, in LocationWise mode, where the quantity lies; in Consolidated mode, a
	// location whose change caused the push. It is what the channel calls the location.
	LocationCode string
	// LocationQuantity is the quantity at LocationCode.
	LocationQuantity int64
	// Sequence orders what a channel is told: of two items for the same SKU and location, the one whose
	// sequence sorts behind the other's, as a string, is the later one, also after a restart or a change of leader.
	// All items of a run have the same. It is made of the resourceVersion of the Lease write by which the
	// leader took over, and a counter, and goes back where etcd is restored from a backup. Empty where
	// nothing is pushed, as in Read.
	Sequence string
}

// Batch is what one call pushes.
type Batch struct {
	Mode inventoryv1alpha1.ChannelMode
	// Items are one to Limits.BatchSize, each SKU at most once in a call for a location, and of
	// one location in LocationWise mode where Limits.OneLocationPerCall.
	Items []Item
	// IdempotencyKey is stable over repetitions of the same batch.
	IdempotencyKey string
}

// Result of a call that was answered.
type Result struct {
	// Failures maps the index of an item to why it is not confirmed. Every other item is.
	Failures map[int]*Error
}

// Readings are what a channel says it has.
type Readings struct {
	// Quantities maps the index of an item to its quantity on the channel, with the meaning of
	// Item.Quantity.
	Quantities map[int]int64
	// Failures maps the index of an item to why its quantity is not known. Every item is in one of
	// the two maps.
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
	// JobItems is how many items a ChannelSyncJob should gather for a channel that takes many at
	// once; 0 leaves it to the sync.
	JobItems int
	// Patience is how long a Push may take that makes several requests, waits for the rate limit,
	// or follows an answer that is given later; each of its requests still ends after the
	// Channel's timeout. 0 is the Channel's timeout, MaxPatience the most.
	Patience time.Duration
}

// Connector reaches one channel. It is safe for concurrent use. One that holds connections which do not
// end by themselves at rest is an io.Closer, too; see Close.
type Connector interface {
	// Limits of the channel, the same at every call.
	Limits() Limits

	// Probe checks credentials and reachability, and changes nothing.
	Probe(ctx context.Context) error

	// Push sets absolute quantities, and returns when the channel has applied or refused them. An
	// error means that the call failed as a whole, and that nothing is known of its items;
	// errors.As finds an *Error in it, or it is worth a retry. A connector may be given the same
	// batch again, after a crash or a timeout.
	Push(ctx context.Context, batch Batch) (Result, error)
}

// Close ends the life of a connector that is no longer used for new jobs: if it is an io.Closer, it
// lets go of what it holds as soon as no call is under way. A job that has begun with it may still make
// calls, which work as before.
func Close(c Connector) error {
	if closer, ok := c.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Reader is a Connector whose channel can be asked what it has.
type Reader interface {
	Connector

	// Read returns what the channel has of items, whose quantities do not matter. An error means
	// that nothing was learned.
	Read(ctx context.Context, batch Batch) (Readings, error)
}

// Config is what a connector is built from.
type Config struct {
	Channel *inventoryv1alpha1.Channel
	// Credentials is the content of spec.credentialsSecretRef; nil without one.
	Credentials map[string][]byte
	// TLS is the content of spec.transport.tlsSecretRef; nil without one.
	TLS map[string][]byte
	// SKUTable is the table of spec.skuMapping.tableRef; nil without one.
	SKUTable map[string]string
	Clock    clock.WithTicker
}

// BatchSize is the most items in a call: what spec.batchSize says, or else what the channel documents.
func (c Config) BatchSize(documented int) int {
	return cmp.Or(int(c.Channel.Spec.BatchSize), documented)
}

// Factory builds a connector. Its error is an *Error of class Terminal.
type Factory func(Config) (Connector, error)
