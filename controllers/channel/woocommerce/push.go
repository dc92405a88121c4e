package woocommerce

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// maxCrashes is how often the shop may crash in a Push. If it does more often, it is the shop, and not a
// product.
const maxCrashes = 16

// updateBody changes products, or variations of one product.
type updateBody struct {
	Update []update `json:"update"`
	// Fields are those of the answer that are wanted. Without them it holds every product with all of
	// its texts.
	Fields []string `json:"_fields,omitempty"`
}

// update sets the quantity of one product. A product that does not manage stock takes the call for
// success, and drops the quantity: manage_stock goes along each time.
type update struct {
	ID            int64 `json:"id"`
	ManageStock   bool  `json:"manage_stock"`
	StockQuantity int64 `json:"stock_quantity"`
}

// push is one Push under way.
type push struct {
	*connector
	failures map[int]*channel.Error
	crashes  int
	crashed  []int // items that crashed alone
	crash    error // the last crash
	answered bool  // some call was
}

// target is an item with the product that it is for.
type target = resolve.Target[product, resolve.Nowhere]

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, b channel.Batch) (channel.Result, error) {
	targets, failures, err := c.targets.Resolve(ctx, b)
	if err != nil {
		return channel.Result{}, err
	}
	p := &push{connector: c, failures: failures}
	for _, call := range calls(targets, c.batchSize) {
		if err := p.deliver(ctx, call); err != nil {
			return channel.Result{}, err
		}
	}
	if p.crash != nil && !p.answered { // the shop is broken, as far as one can see
		return channel.Result{}, p.crash
	}
	for _, i := range p.crashed {
		p.failures[i] = channel.NewError(channel.Unconfirmed, reasonShopCrashed, channel.AsError(p.crash).Message)
	}
	return channel.Result{Failures: p.failures}, nil
}

// calls divides targets into calls: the variations of each product have their own.
func calls(targets []target, size int) [][]target {
	groups := map[int64][]target{}
	var parents []int64
	for _, t := range targets {
		if groups[t.Found.parent] == nil {
			parents = append(parents, t.Found.parent)
		}
		groups[t.Found.parent] = append(groups[t.Found.parent], t)
	}
	var out [][]target
	for _, parent := range parents {
		out = slices.AppendSeq(out, slices.Chunk(groups[parent], size))
	}
	return out
}

// deliver makes a call. Where the shop crashes over it, its halves are tried: some product may be too
// much for a plugin, or all of them for PHP's time limit.
func (p *push) deliver(ctx context.Context, call []target) error {
	err := p.send(ctx, call)
	e := channel.AsError(err)
	if e == nil || e.Reason != reasonShopCrashed {
		p.answered = p.answered || err == nil
		return err
	}
	p.crash = err
	if p.crashes++; p.crashes >= maxCrashes {
		return err
	}
	if len(call) == 1 {
		p.crashed = append(p.crashed, call[0].Index)
		return nil
	}
	half := len(call) / 2
	if err := p.deliver(ctx, call[:half]); err != nil {
		return err
	}
	return p.deliver(ctx, call[half:])
}

// send makes one request, and notes what became of its items.
func (p *push) send(ctx context.Context, call []target) error {
	path := "/products/batch"
	if parent := call[0].Found.parent; parent != 0 {
		path = fmt.Sprintf("/products/%d/variations/batch", parent)
	}
	body := updateBody{Update: make([]update, len(call))}
	for i, t := range call {
		body.Update[i] = update{t.Found.id, true, t.Quantity}
		body.Fields = append(body.Fields, answerFields(i)...)
	}
	answer, err := p.call(ctx, channel.Request{Method: http.MethodPost, URL: path, Body: body}, nil)
	if err != nil {
		return err
	}
	echoes, err := p.echoes(answer)
	if err != nil {
		return err
	}
	for _, t := range call {
		echo := echoes[t.Found.id]
		if failure := echo.unconfirmed(t.Item); failure != nil {
			p.failures[t.Index] = failure
		}
		if echo.outdated(t.Item) {
			p.targets.Forget(t)
		}
	}
	return nil
}
