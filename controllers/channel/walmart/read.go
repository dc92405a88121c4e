package walmart

import (
	"context"
	"net/http"
	"sync"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// Read implements channel.Reader, with a request for each SKU. It returns the quantities that were
// input, as a push does, not what is left of them when open orders are subtracted.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	out := channel.Readings{Quantities: map[int]int64{}, Failures: map[int]*channel.Error{}}
	var mu sync.Mutex
	get := func(g group) error {
		quantities, failure, err := c.get(ctx, batch.Mode, g)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		if failure != nil {
			g.fail(out.Failures, failure)
		}
		for i, q := range quantities {
			out.Quantities[g.index[i]] = q
		}
		return nil
	}
	rest := func(g group, e *channel.Error) { g.fail(out.Failures, e) }
	if err := c.forEach(ctx, groupsOf(batch, out.Failures), get, rest); err != nil {
		return channel.Readings{}, err
	}
	return out, nil
}

// get reads the quantity of each item of a group, or why that is not known.
func (c *connector) get(ctx context.Context, mode inventoryv1alpha1.ChannelMode, g group) ([]int64, *channel.Error, error) {
	var (
		one  echo
		many nodes
		err  error
	)
	if mode == inventoryv1alpha1.Consolidated {
		err = c.do(ctx, request{method: http.MethodGet, path: c.totalPath(g.sku), allotment: c.gets}, &one)
	} else {
		err = c.do(ctx, request{method: http.MethodGet, path: nodesPath(g.sku), allotment: c.gets}, &many)
	}
	if refused := refusalOf(err); refused != nil {
		return nil, c.itemError(refused.status, refused.faults), nil
	}
	if err != nil {
		return nil, nil, err
	}
	if one.SKU != g.sku && many.SKU != g.sku || mode == inventoryv1alpha1.Consolidated && !one.Quantity.Amount.Known {
		return nil, channel.InvalidAnswer("Walmart answers about another SKU than it was asked for, or tells no quantity"), nil
	}
	if mode == inventoryv1alpha1.Consolidated {
		return []int64{one.Quantity.Amount.Units}, nil, nil
	}
	out := make([]int64, len(g.items))
	for i, it := range g.items {
		n := many.node(it.LocationCode)
		switch {
		case n == nil: // it is not stocked there
		case len(n.failure()) > 0:
			return nil, c.itemError(http.StatusOK, n.failure()), nil
		default:
			out[i] = n.InputQty.Amount.Units
		}
	}
	return out, nil, nil
}
