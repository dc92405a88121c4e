package shopify

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

// row is an item of a batch in Shopify's names.
type row struct {
	index     int // in the batch
	sku, code string
	item      string
	location  string
	quantity  int64
	activated bool // stocked at the location by this push
}

// place finds the items and locations of a batch, and says which have none.
func (c *connector) place(ctx context.Context, b channel.Batch) ([]row, map[int]*channel.Error, error) {
	codes, skus := sets.New[string](), sets.New[string]()
	for _, it := range b.Items {
		codes.Insert(b.LocationOf(it, c.spec.Location))
		skus.Insert(it.SKU)
	}
	locations, lost, err := c.findLocations(ctx, sets.List(codes))
	if err != nil {
		return nil, nil, err
	}
	items, unknown, err := c.items.Resolve(ctx, sets.List(skus))
	if err != nil {
		return nil, nil, err
	}
	rows, failures := make([]row, 0, len(b.Items)), map[int]*channel.Error{}
	for i, it := range b.Items {
		code, found := b.LocationOf(it, c.spec.Location), items[it.SKU]
		switch {
		case lost[code] != nil:
			failures[i] = lost[code]
		case unknown[it.SKU] != nil:
			failures[i] = unknown[it.SKU]
		case found.untracked:
			c.items.Forget(it.SKU) // somebody may have it tracked at any moment
			failures[i] = channel.NewError(channel.Unmapped, "NotTracked", "the shop does not track the item's quantity: it is sold without end")
		default:
			rows = append(rows, row{index: i, sku: it.SKU, code: code, item: found.id, location: locations[code], quantity: it.Quantity})
		}
	}
	return distinct(rows, failures), failures, nil
}

// distinct takes out rows whose quantities would overwrite one another, as two codes, an id and a name, lead
// to one location.
func distinct(rows []row, failures map[int]*channel.Error) []row {
	type at struct{ item, location string }
	counts := make(map[at]int, len(rows))
	for _, r := range rows {
		counts[at{r.item, r.location}]++
	}
	out := rows[:0]
	for _, r := range rows {
		if counts[at{r.item, r.location}] == 1 {
			out = append(out, r)
			continue
		}
		failures[r.index] = channel.NewError(channel.Unmapped, "AmbiguousLocation",
			fmt.Sprintf("another location code than %q leads to %s, too", r.code, r.location))
	}
	return out
}
