package tryton

import (
	"context"
	"math"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

// Push implements channel.Connector. What a location has already is not counted again: a batch that
// changes nothing leaves no document.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	at, stock, failures, err := c.look(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	result := channel.Result{Failures: failures}
	if at == 0 {
		return result, nil
	}
	var lines []line
	index := map[int64]int{} // of the item, by product
	for i, it := range batch.Items {
		p, ok := stock[it.SKU]
		if !ok || p.Quantity == float64(it.Quantity) {
			continue
		}
		lines, index[p.ID] = append(lines, line{Product: p.ID, Quantity: float64(it.Quantity), Expected: p.Quantity}), i
	}
	if err := c.dropDrafts(ctx, at); err != nil || len(lines) == 0 {
		return result, err
	}
	moved, err := c.count(ctx, at, batch.IdempotencyKey, lines)
	if err != nil {
		return channel.Result{}, c.blame(ctx, err)
	}
	for _, id := range sets.List(moved) {
		failures[index[id]] = channel.NewError(channel.Unconfirmed, "StockMoved",
			"the stock changed while it was counted, or the product is counted by lots, which is not supported")
	}
	return result, nil
}

// blame finds out whether a document was refused for want of a right, which would not be its items'
// fault.
func (c *connector) blame(ctx context.Context, err error) error {
	if channel.AsError(err).Class != channel.Rejected {
		return err
	}
	if denied := c.checkAccess(ctx, c.session.Do); denied != nil {
		return denied
	}
	return err
}

// maxRead bounds the quantities that are read: as far as floating point knows every integer.
const maxRead = 1 << 53

// Read implements channel.Reader. A part of a unit counts as one more, as in channel.Quantity, which
// cannot be compared with what a document expects.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	_, stock, failures, err := c.look(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(batch.Items)), Failures: failures}
	for i, it := range batch.Items {
		if p, ok := stock[it.SKU]; ok {
			out.Quantities[i] = int64(math.Ceil(min(max(p.Quantity, -maxRead), maxRead)))
		}
	}
	return out, nil
}

// look finds the location of a batch, 0 if there is none, the products of its items with what lies
// there, by SKU, and the items without.
func (c *connector) look(ctx context.Context, batch channel.Batch) (at int64, stock map[string]product, failures map[int]*channel.Error, err error) {
	name, err := batch.OneLocation(c.spec.Location)
	if err != nil {
		return 0, nil, nil, err
	}
	if err := c.enter(ctx); err != nil {
		return 0, nil, nil, err
	}
	failures = map[int]*channel.Error{}
	at, failure, err := c.locate(ctx, name)
	if err != nil || failure != nil {
		for i := range batch.Items {
			failures[i] = failure
		}
		return 0, nil, failures, err
	}
	skus := make([]string, len(batch.Items))
	for i, it := range batch.Items {
		skus[i] = it.SKU
	}
	stock, unmapped, err := c.stock(ctx, at, skus)
	for i, it := range batch.Items {
		if failure := unmapped[it.SKU]; failure != nil {
			failures[i] = failure
		}
	}
	return at, stock, failures, err
}
