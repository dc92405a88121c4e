package medusa

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// maxValues bounds the values of a filter. Medusa reads the first thousand parameters of a query and
	// drops the others without a word; and the levels at a few hundred locations of so many items are
	// well within what is read of an answer.
	maxValues = 50

	// maxQuery bounds the values of a filter, in bytes: Node.js refuses requests whose first line and
	// headers exceed 16 KiB, and proxies often refuse those above 8 KiB.
	maxQuery = 4 << 10

	// maxListed is how many objects an answer may list; Medusa lists 20 unless told.
	maxListed = 1000
)

// inventoryItem is what Medusa keeps stock of.
type inventoryItem struct {
	ID     string  `json:"id"`
	SKU    string  `json:"sku"`
	Levels []level `json:"location_levels"`
}

// level is the stock of an inventory item at a stock location. Quantities are decimals in Medusa, and
// the stocked one can fall below zero by orders on back-order.
type level struct {
	LocationID string  `json:"location_id"`
	Stocked    float64 `json:"stocked_quantity"`
	Reserved   float64 `json:"reserved_quantity"`
}

// stockLocation is where Medusa has stock.
type stockLocation struct {
	ID string `json:"id"`
}

// itemFields are those of an inventoryItem.
const itemFields = "id,sku,location_levels.location_id,location_levels.stocked_quantity,location_levels.reserved_quantity"

// at returns the level at a location, and nil where the item is not stocked.
func (i *inventoryItem) at(locationID string) *level {
	for n := range i.Levels {
		if i.Levels[n].LocationID == locationID {
			return &i.Levels[n]
		}
	}
	return nil
}

// items returns all inventory items that have one of some SKUs.
func (c *connector) items(ctx context.Context, skus []string) (map[string][]*inventoryItem, error) {
	out := make(map[string][]*inventoryItem, len(skus))
	for _, some := range split(skus) {
		answer, err := c.get(ctx, "inventory-items", url.Values{"sku[]": some, "fields": {itemFields}, "limit": {strconv.Itoa(maxListed)}})
		if err != nil {
			return nil, err
		}
		items, err := c.decodeItems(answer)
		if err != nil {
			return nil, err
		}
		asked := sets.New(some...)
		for i := range items {
			if sku := items[i].SKU; asked.Has(sku) {
				out[sku] = append(out[sku], &items[i])
			}
		}
	}
	return out, nil
}

func (c *connector) decodeItems(answer *channel.Response) ([]inventoryItem, error) {
	var page struct {
		list
		Items *[]inventoryItem `json:"inventory_items"`
	}
	if err := c.http.Decode(answer, &page); err != nil {
		return nil, err
	}
	return check(page.list, page.Items)
}

// locations returns which of some stock locations exist.
func (c *connector) locations(ctx context.Context, ids []string) (sets.Set[string], error) {
	out := sets.New[string]()
	for _, some := range split(ids) {
		answer, err := c.get(ctx, "stock-locations", url.Values{"id[]": some, "fields": {"id"}, "limit": {strconv.Itoa(maxListed)}})
		if err != nil {
			return nil, err
		}
		var page struct {
			list
			Locations *[]stockLocation `json:"stock_locations"`
		}
		if err := c.http.Decode(answer, &page); err != nil {
			return nil, err
		}
		locations, err := check(page.list, page.Locations)
		if err != nil {
			return nil, err
		}
		for _, l := range locations {
			out.Insert(l.ID)
		}
	}
	return out, nil
}

// list is what all lists of Medusa's have.
type list struct {
	// Count is how many objects match, those that the answer leaves out included.
	Count int `json:"count"`
}

// check refuses an answer that lists nothing, or not all: what it leaves out would pass for unknown.
func check[T any](l list, objects *[]T) ([]T, error) {
	switch {
	case objects == nil:
		return nil, channel.InvalidAnswer("the answer has no list of what was asked for")
	case len(*objects) < l.Count:
		return nil, channel.NewError(channel.Retry, reasonIncompleteAnswer, fmt.Sprintf("the answer lists %d of %d objects", len(*objects), l.Count))
	}
	return *objects, nil
}

// split divides the values of a filter into those of single queries.
func split(values []string) [][]string {
	return resolve.Portions(values, maxValues, maxQuery, func(value string) int {
		return len("&") + len(url.Values{"sku[]": {value}}.Encode())
	})
}

// get reads a path below admin.
func (c *connector) get(ctx context.Context, path string, query url.Values) (*channel.Response, error) {
	answer, err := c.http.Do(ctx, channel.Request{Method: http.MethodGet, URL: c.base + path + "?" + query.Encode(), Header: c.header})
	if err != nil {
		return nil, channel.BlameNoItem(err) // whatever is wrong with it, no quantity was refused
	}
	return answer, nil
}
