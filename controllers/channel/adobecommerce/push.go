package adobecommerce

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	itemsPath = "/V1/inventory/source-items"

	// saveBase and bulkBase stand before a path that is called at once, or queued.
	saveBase = ""
	bulkBase = "/async/bulk"
)

// saveBody stores quantities. It is all or nothing.
type saveBody struct {
	SourceItems []sourceItem `json:"sourceItems"`
}

// sourceItem is the quantity of a SKU at a source. The shop refuses one without a status; with status 0,
// none are sold, whatever the quantity.
type sourceItem struct {
	SKU        string `json:"sku"`
	SourceCode string `json:"source_code"`
	Quantity   int64  `json:"quantity"`
	Status     int    `json:"status"`
}

// push is one Push under way.
type push struct {
	key      string
	targets  []target
	failures map[int]*channel.Error
	bulk     string       // the shop's identifier
	waiting  map[int]bool // targets whose operation is open, by their index in the bulk
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, b channel.Batch) (channel.Result, error) {
	if c.queues() {
		return c.pushBulk(ctx, b)
	}
	p, err := c.begin(ctx, b)
	if err != nil {
		return channel.Result{}, err
	}
	if err := c.save(ctx, p); err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Failures: p.failures}, nil
}

// begin finds what of a batch can be stored.
func (c *connector) begin(ctx context.Context, b channel.Batch) (*push, error) {
	targets, failures, err := c.targets.Resolve(ctx, b)
	return &push{key: b.IdempotencyKey, targets: targets, failures: failures}, err
}

// save stores the quantities of a Push, in as many calls as the shop's input limit asks for.
func (c *connector) save(ctx context.Context, p *push) error {
	for rest := p.targets; len(rest) > 0; {
		n := c.atOnce(len(rest))
		answer, err := c.call(ctx, channel.Request{Method: http.MethodPost, URL: saveBase + itemsPath, Body: c.body(rest[:n])})
		switch f, _ := readFailure(answer); {
		case err == nil:
			if err := c.stored(answer); err != nil {
				return err
			}
		case f.most() > 0 && f.most() < n:
			c.most.Store(int64(f.most()))
			continue
		case n == 1 && strings.HasPrefix(f.Message, couldNotSaveMessage):
			p.failures[rest[0].Index] = couldNotSave(channel.AsError(err).Message)
		default:
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// atOnce is how many of n quantities go into a call.
func (c *connector) atOnce(n int) int {
	if most := int(c.most.Load()); most > 0 {
		return min(n, most)
	}
	return n
}

// stored returns an error unless an answer is that of the service, which returns nothing: an empty list.
func (c *connector) stored(answer *channel.Response) error {
	var nothing []json.RawMessage
	return c.http.Decode(answer, &nothing)
}

// couldNotSave is about a single item. The cause may be the item or the moment.
func couldNotSave(message string) *channel.Error {
	return channel.NewError(channel.Unconfirmed, reasonCouldNotSave, message)
}

func (c *connector) body(targets []target) saveBody {
	out := saveBody{make([]sourceItem, len(targets))}
	for i, t := range targets {
		out.SourceItems[i] = c.sourceItem(t)
	}
	return out
}

func (c *connector) sourceItem(t target) sourceItem {
	out := sourceItem{SKU: t.SKU, SourceCode: t.Location.Code, Quantity: t.Quantity}
	if t.Quantity > 0 || c.spec.StatusAtZero == statusInStock {
		out.Status = 1
	}
	return out
}
