package walmart

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// pushEach sets groups by a request for each. What Walmart has no time for now is left to later:
// what it has confirmed must not be sent again.
func (c *connector) pushEach(ctx context.Context, mode inventoryv1alpha1.ChannelMode, groups []group, failures map[int]*channel.Error) error {
	var mu sync.Mutex
	put := func(g group) error {
		found, err := c.put(ctx, mode, g)
		mu.Lock()
		defer mu.Unlock()
		for i, e := range found {
			if e != nil {
				failures[g.index[i]] = e
			}
		}
		return err
	}
	return c.forEach(ctx, groups, put, func(g group, e *channel.Error) { g.fail(failures, e) })
}

// put sets one SKU, and returns what became of each item of its group. Where Walmart refuses several
// nodes as a whole, each is tried alone.
func (c *connector) put(ctx context.Context, mode inventoryv1alpha1.ChannelMode, g group) ([]*channel.Error, error) {
	var out []*channel.Error
	var err error
	if mode == inventoryv1alpha1.Consolidated {
		out, err = c.putTotal(ctx, g)
	} else {
		out, err = c.putNodes(ctx, g)
	}
	refused := refusalOf(err)
	if refused == nil {
		return out, err
	}
	if len(g.items) == 1 {
		return []*channel.Error{c.itemError(refused.status, refused.faults)}, nil
	}
	out = make([]*channel.Error, len(g.items))
	for i := range g.items {
		one, err := c.put(ctx, mode, group{g.sku, g.items[i : i+1], g.index[i : i+1]})
		if err != nil {
			return nil, err
		}
		out[i] = one[0]
	}
	return out, nil
}

// total is the inventory of an item at one node, in requests.
type total struct {
	SKU      string   `json:"sku"`
	Quantity quantity `json:"quantity"`
}

// echo is the same, in answers.
type echo struct {
	SKU      string `json:"sku"`
	Quantity amount `json:"quantity"`
}

func (c *connector) totalPath(sku string) string {
	path := "/v3/inventory?sku=" + escape(sku)
	if c.shipNode != "" {
		path += "&shipNode=" + escape(c.shipNode)
	}
	return path
}

func (c *connector) putTotal(ctx context.Context, g group) ([]*channel.Error, error) {
	sent := total{g.sku, units(g.items[0].Quantity)}
	var answer echo
	r := request{method: http.MethodPut, path: c.totalPath(g.sku), body: sent, allotment: c.puts}
	if err := c.do(ctx, r, &answer); err != nil {
		return nil, err
	}
	return []*channel.Error{c.compare(sent, answer)}, nil
}

// compare reports whether an answer confirms what was sent; nil if it does.
func (c *connector) compare(sent total, answer echo) *channel.Error {
	if answer.SKU == sent.SKU && answer.Quantity.Amount.Is(sent.Quantity.Amount) {
		return nil
	}
	return channel.NotConfirmed(fmt.Sprintf(
		"Walmart answers with %d of SKU %q", answer.Quantity.Amount.Units, c.http.Redact(answer.SKU)))
}

type nodesRequest struct {
	Inventories nodesOfSKU `json:"inventories"`
}

type nodesOfSKU struct {
	Nodes []nodeInput `json:"nodes"`
}

type nodeInput struct {
	ShipNode string   `json:"shipNode"`
	InputQty quantity `json:"inputQty"`
}

// nodes is the inventory of an item at several nodes, in answers: to a PUT with a status for each node, to
// a GET with quantities.
type nodes struct {
	SKU   string `json:"sku"`
	Nodes []node `json:"nodes"`
}

type node struct {
	ShipNode string `json:"shipNode"`
	Status   string `json:"status"`
	Errors   faults `json:"errors"`
	InputQty amount `json:"inputQty"`
}

func nodesPath(sku string) string { return "/v3/inventories/" + escape(sku) }

func (c *connector) putNodes(ctx context.Context, g group) ([]*channel.Error, error) {
	var body nodesRequest
	for _, it := range g.items {
		body.Inventories.Nodes = append(body.Inventories.Nodes, nodeInput{it.LocationCode, units(it.Quantity)})
	}
	var answer nodes
	if err := c.do(ctx, request{method: http.MethodPut, path: nodesPath(g.sku), body: body, allotment: c.puts}, &answer); err != nil {
		return nil, err
	}
	return c.nodeErrors(g, answer), nil
}

// nodeErrors finds what became of each item of a group: an answer of 200 may hold a failure for each node.
func (c *connector) nodeErrors(g group, answer nodes) []*channel.Error {
	out := make([]*channel.Error, len(g.items))
	for i, it := range g.items {
		n := answer.node(it.LocationCode)
		switch {
		case n == nil || answer.SKU != g.sku:
			out[i] = channel.NotConfirmed("Walmart answers nothing about the SKU at the ship node")
		case n.failure() != nil || !strings.EqualFold(n.Status, "Success"):
			out[i] = c.itemError(http.StatusOK, n.failure())
		}
	}
	return out
}

func (a nodes) node(shipNode string) *node {
	for i := range a.Nodes {
		if a.Nodes[i].ShipNode == shipNode {
			return &a.Nodes[i]
		}
	}
	return nil
}

// failure are the errors of a node that are more than a notice.
func (n *node) failure() faults {
	var out faults
	for _, f := range n.Errors {
		if !strings.EqualFold(f.Severity, "INFO") && !strings.EqualFold(f.Severity, "WARN") {
			out = append(out, f)
		}
	}
	return out
}
