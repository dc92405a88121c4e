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
	rows, failures, err := c.resolve(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	result := channel.Result{Failures: failures}
	at, err := c.countedAt(ctx, batch, rows)
	if err != nil || at == 0 {
		return result, err
	}
	var lines []line
	index := map[int64]int{} // of the item, by product
	for _, r := range rows {
		if r.product.Quantity != float64(r.Quantity) {
			lines = append(lines, line{Product: r.Found, Quantity: float64(r.Quantity), Expected: r.product.Quantity})
			index[r.Found] = r.Index
		}
	}
	if err := c.dropDrafts(ctx, at); err != nil || len(lines) == 0 {
		return result, err
	}
	moved, err := c.count(ctx, at, batch.IdempotencyKey, lines)
	if err != nil {
		return channel.Result{}, c.blame(ctx, err)
	}
	for _, id := range sets.List(moved) {
		failures[index[id]] = channel.NewError(channel.Unconfirmed, reasonStockMoved,
			"the stock changed while it was counted, or the product is counted by lots, which is not supported")
	}
	return result, nil
}

// countedAt returns the id of the location of a batch, which may have no rows; 0 where stock cannot be counted.
func (c *connector) countedAt(ctx context.Context, batch channel.Batch, rows []row) (int64, error) {
	if len(rows) > 0 {
		return rows[0].Location.id, nil
	}
	code, err := batch.OneLocation(c.targets.Sums)
	if err != nil {
		return 0, err
	}
	found, _, err := c.targets.Locations.Resolve(ctx, []string{code})
	return found[code].id, err
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
	rows, failures, err := c.resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(rows)), Failures: failures}
	for _, r := range rows {
		out.Quantities[r.Index] = int64(math.Ceil(min(max(r.product.Quantity, -maxRead), maxRead)))
	}
	return out, nil
}
