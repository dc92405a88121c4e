package shopify

import (
	"context"
	"slices"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// itemsPerRead is how many items one query reads: each costs a few points of 1,000 that a query may cost.
const itemsPerRead = 100

// node is an item as it is read.
type node struct {
	ID    string `json:"id"`
	SKU   string `json:"sku"`
	Level *struct {
		Quantities []struct {
			Name     inventoryv1alpha1.ShopifyQuantityName `json:"name"`
			Quantity *int64                                `json:"quantity"`
		} `json:"quantities"`
	} `json:"inventoryLevel"` // nil where the item is not stocked
}

// quantity returns what is there of an item, which is negative where more was sold than there was.
func (n *node) quantity(name inventoryv1alpha1.ShopifyQuantityName) (int64, bool) {
	if n.Level == nil {
		return 0, true
	}
	for _, q := range n.Level.Quantities {
		if q.Name == name && q.Quantity != nil {
			return *q.Quantity, true
		}
	}
	return 0, false
}

// Read implements channel.Reader.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(targets)), Failures: failures}
	byLocation := map[string][]resolve.Target[item, string]{}
	for _, t := range targets {
		byLocation[t.Location] = append(byLocation[t.Location], t)
	}
	for location, there := range byLocation {
		for some := range slices.Chunk(there, itemsPerRead) {
			if err := c.read(ctx, location, some, out); err != nil {
				return channel.Readings{}, err
			}
		}
	}
	return out, nil
}

// read reads targets at one location.
func (c *connector) read(ctx context.Context, location string, rows []resolve.Target[item, string], out channel.Readings) error {
	variables := levelsVariables{Location: location, Names: []inventoryv1alpha1.ShopifyQuantityName{c.spec.QuantityName}}
	for _, r := range rows {
		variables.IDs = append(variables.IDs, r.Found.id)
	}
	var data struct {
		Nodes []*node `json:"nodes"` // nil for an item that is no more
	}
	if _, err := c.api.Call(ctx, graphql.Request{Query: levelsQuery, Variables: variables}, &data); err != nil {
		return err
	}
	if data.Nodes == nil {
		return invalidAnswer("nodes")
	}
	byID := make(map[string]*node, len(data.Nodes))
	for _, n := range data.Nodes {
		if n != nil {
			byID[n.ID] = n
		}
	}
	for _, r := range rows {
		n := byID[r.Found.id]
		if n == nil || n.SKU != r.SKU {
			c.targets.Forget(r)
			out.Failures[r.Index] = channel.NewError(channel.Retry, reasonStaleItem, "the item was deleted, or has another SKU by now")
			continue
		}
		quantity, ok := n.quantity(c.spec.QuantityName)
		if !ok {
			return invalidAnswer("quantity " + string(c.spec.QuantityName))
		}
		out.Quantities[r.Index] = quantity
	}
	return nil
}
