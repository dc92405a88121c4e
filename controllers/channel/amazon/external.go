package amazon

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	inventoriesPath = "/externalFulfillment/inventory/2024-09-11/inventories"
	updateURI       = "/inventory/update"
	fetchURI        = "/inventory/fetch"
)

// external tells quantities by the External Fulfillment Inventory API.
type external struct {
	prober
	sums       string                 // location in Consolidated mode
	attributes *marketplaceAttributes // nil where a location has one channel
	sequence   sequence
}

func newExternal(cfg channel.Config, a *api) *external {
	spec := cfg.Channel.Spec.Amazon
	c := &external{
		prober: prober{a, limits(cfg)}, sums: sumsLocation(spec), sequence: sequence{clock: cfg.Clock},
	}
	if spec.FulfillmentChannel != "" {
		c.attributes = &marketplaceAttributes{string(spec.MarketplaceIDs[0]), string(spec.FulfillmentChannel)}
	}
	return c
}

// inventoryBatch is the body of batchInventory.
type inventoryBatch struct {
	Requests []inventoryRequest `json:"requests"`
}

// inventoryRequest is a call within batchInventory.
type inventoryRequest struct {
	Method string          `json:"method"`
	URI    string          `json:"uri"`
	Body   inventoryParams `json:"body"`
}

type inventoryParams struct {
	Quantity              *int64                 `json:"quantity,omitempty"`
	ClientSequenceNumber  int64                  `json:"clientSequenceNumber,omitempty"`
	MarketplaceAttributes *marketplaceAttributes `json:"marketplaceAttributes,omitempty"`
}

type marketplaceAttributes struct {
	MarketplaceID string `json:"marketplaceId"`
	ChannelName   string `json:"channelName"`
}

// Probe implements channel.Connector. It asks for a SKU that there need not be.
func (c *external) Probe(ctx context.Context) error {
	return c.probe(ctx, func(ctx context.Context) error {
		_, err := c.call(ctx, []inventoryRequest{c.fetch(inventoryKey{c.sums, "tallyman-probe"})})
		return channel.BlameNoItem(err)
	})
}

// Push implements channel.Connector.
func (c *external) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	keys, number := c.keys(batch), c.sequence.next()
	requests := make([]inventoryRequest, len(keys))
	for i, k := range keys {
		requests[i] = inventoryRequest{http.MethodPost, k.uri(updateURI), inventoryParams{
			Quantity: &batch.Items[i].Quantity, ClientSequenceNumber: number, MarketplaceAttributes: c.attributes,
		}}
	}
	answers, err := c.call(ctx, requests)
	if err != nil {
		return channel.Result{}, err
	}
	failures := map[int]*channel.Error{}
	for i, a := range answers.of(keys) {
		if failure := c.updateError(a, number); failure != nil {
			failures[i] = failure
		}
		if a != nil {
			c.sequence.pass(a.Body.ClientSequenceNumber)
		}
	}
	return channel.Result{Failures: failures}, nil
}

// updateError says why an update is not confirmed; nil if it is.
func (c *external) updateError(a *inventoryAnswer, number int64) *channel.Error {
	if a == nil {
		return channel.NotConfirmed("Amazon's answer does not name the SKU and location")
	}
	if a.Body.ClientSequenceNumber > number {
		// Another update was later by its number, though not by time: clocks differ.
		return channel.NewError(channel.Retry, reasonStaleSequence, "Amazon has an update with a higher sequence number; it is pushed again with a higher one")
	}
	return a.failure(c.api.http)
}

// Read implements channel.Reader. Amazon keeps apart what is reserved for orders: what it was told is the sum.
func (c *external) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	keys := c.keys(batch)
	requests := make([]inventoryRequest, len(keys))
	for i, k := range keys {
		requests[i] = c.fetch(k)
	}
	answers, err := c.call(ctx, requests)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: map[int]int64{}, Failures: map[int]*channel.Error{}}
	for i, a := range answers.of(keys) {
		if a == nil {
			out.Failures[i] = channel.InvalidAnswer("Amazon's answer does not name the SKU and location")
			continue
		}
		quantity, failure := a.quantity(c.api.http)
		if failure != nil {
			out.Failures[i] = failure
			continue
		}
		out.Quantities[i] = quantity
	}
	return out, nil
}

func (c *external) fetch(k inventoryKey) inventoryRequest {
	return inventoryRequest{http.MethodPost, k.uri(fetchURI), inventoryParams{MarketplaceAttributes: c.attributes}}
}

func (c *external) call(ctx context.Context, requests []inventoryRequest) (inventoryAnswers, error) {
	answer, err := c.api.call(ctx, batchInventory, http.MethodPost, inventoriesPath, nil, inventoryBatch{requests})
	if err != nil {
		return inventoryAnswers{}, err
	}
	return readInventory(c.api.http, answer)
}

// inventoryKey is what External Fulfillment has one quantity of.
type inventoryKey struct{ location, sku string }

func (c *external) keys(batch channel.Batch) []inventoryKey {
	out := make([]inventoryKey, len(batch.Items))
	for i, it := range batch.Items {
		out[i] = inventoryKey{batch.LocationOf(it, c.sums), it.SKU}
	}
	return out
}

// uri names a key in a call. A space is written so that it cannot be taken for a plus.
func (k inventoryKey) uri(path string) string {
	query := url.Values{"locationId": {k.location}, "skuId": {k.sku}}.Encode()
	return path + "?" + strings.ReplaceAll(query, "+", "%20")
}

// sequence numbers updates: the API keeps the one with the highest number. It begins with the time, as it
// has to go on where another process left off. It is safe for concurrent use.
type sequence struct {
	clock clock.PassiveClock
	mu    sync.Mutex
	last  int64
}

// next returns a number above all before.
func (s *sequence) next() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last+1, s.clock.Now().UnixMilli())
	return s.last
}

// pass makes the numbers that follow higher than one that Amazon has.
func (s *sequence) pass(number int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, min(number, maxSequence))
}

// maxSequence bounds what is believed of Amazon's sequence numbers, so that there are higher ones.
const maxSequence = 1 << 62

var _ channel.Reader = (*external)(nil)
