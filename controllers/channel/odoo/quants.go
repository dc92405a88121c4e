package odoo

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

// moveName is what the stock moves are called that Odoo books.
const moveName = "Tallyman"

// creation holds the arguments of a push.
type creation struct {
	Counts  []count          `json:"vals_list"`
	Context inventoryContext `json:"context"`
}

// count is what is on hand of a product at a location.
type count struct {
	ProductID  int64 `json:"product_id"`
	LocationID int64 `json:"location_id"`
	Quantity   int64 `json:"inventory_quantity_auto_apply"`
}

type inventoryContext struct {
	InventoryMode bool   `json:"inventory_mode"`
	InventoryName string `json:"inventory_name"`
}

// confirm reads the ids of the quants that a push has set: one for each count.
func (c *connector) confirm(answer *channel.Response, counts int) error {
	var ids []int64
	if err := c.decodeList(answer, &ids); err != nil {
		return err
	}
	if len(ids) != counts {
		return channel.InvalidAnswer(fmt.Sprintf("the answer has %d quants, want %d", len(ids), counts))
	}
	return nil
}

// quantKey is what Odoo has a quantity of.
type quantKey struct{ productID, locationID int64 }

// onHand reads what is on hand of some targets, of what has no lot, package and owner: the same that a
// push sets. Quants of one key that concurrent bookings have made are summed, as Odoo merges them later.
func (c *connector) onHand(ctx context.Context, targets []target) (map[quantKey]float64, error) {
	products, locations := sets.New[int64](), sets.New[int64]()
	for _, t := range targets {
		products.Insert(t.Found.id)
		locations.Insert(t.Location)
	}
	answer, err := c.search(ctx, "stock.quant", 0, []condition{
		{"product_id", "in", sets.List(products)},
		{"location_id", "in", sets.List(locations)},
		{"lot_id", "=", false},
		{"package_id", "=", false},
		{"owner_id", "=", false},
	}, "product_id", "location_id", "quantity")
	if err != nil {
		return nil, err
	}
	return c.decodeQuants(answer)
}

func (c *connector) decodeQuants(answer *channel.Response) (map[quantKey]float64, error) {
	var quants []struct {
		Product  reference `json:"product_id"`
		Location reference `json:"location_id"`
		Quantity float64   `json:"quantity"`
	}
	if err := c.decodeList(answer, &quants); err != nil {
		return nil, err
	}
	out := map[quantKey]float64{}
	for _, q := range quants {
		out[quantKey{int64(q.Product), int64(q.Location)}] += q.Quantity
	}
	return out, nil
}

// whole counts a part of a unit as one more, as channel.Quantity does. What sums are wrong by is rounded
// away before: Odoo counts in six decimals at the most.
func whole(quantity float64) int64 {
	const limit = 1 << 53 // floating point knows every integer up to here
	quantity = max(-limit, min(limit, quantity))
	return int64(math.Ceil(math.Round(quantity*1e6) / 1e6))
}

// reference is a record that another refers to, as Odoo writes it: its id with its name.
type reference int64

// UnmarshalJSON implements json.Unmarshaler.
func (r *reference) UnmarshalJSON(raw []byte) error {
	if raw[0] != '[' {
		return json.Unmarshal(raw, (*int64)(r))
	}
	var pair []json.RawMessage
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if len(pair) == 0 {
		return errNoReference
	}
	return json.Unmarshal(pair[0], (*int64)(r))
}

// text is a string, which Odoo writes as false where there is none.
type text string

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(raw []byte) error {
	if string(raw) == "false" {
		*t = ""
		return nil
	}
	return json.Unmarshal(raw, (*string)(t))
}
