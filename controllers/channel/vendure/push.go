package vendure

import (
	"context"
	"fmt"
	"math"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

// change is what is set of one variant.
type change struct {
	ID string `json:"id"`
	// Track is TRUE to have the shop track the stock; empty to leave it as it is.
	Track  string     `json:"trackInventory,omitempty"`
	Levels []newLevel `json:"stockLevels"`
}

type newLevel struct {
	LocationID string `json:"stockLocationId"`
	OnHand     int64  `json:"stockOnHand"`
}

type changes struct {
	Input []change `json:"input"`
}

// setAnswer has an entry for each change; null where the variant is gone.
type setAnswer struct {
	Variants []*struct {
		ID     string     `json:"id"`
		Levels []newLevel `json:"stockLevels"`
	} `json:"updateProductVariants"`
}

// Push implements channel.Connector. What the shop has already is not set again: every update has it
// index the variant anew.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	rows, failures, err := c.look(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	result := channel.Result{Failures: failures}
	wanted := map[int]newLevel{}
	var out changes
	at := map[string]int{} // of a variant in out
	for i := range batch.Items {
		r, ok := rows[i]
		if !ok {
			continue
		}
		onHand, failure := c.onHand(r)
		switch {
		case failure != nil:
			failures[i] = failure
			continue
		case r.tracked && onHand == r.level.OnHand:
			continue
		}
		wanted[i] = newLevel{r.level.LocationID, onHand}
		n, known := at[r.variant]
		if !known {
			n, at[r.variant] = len(out.Input), len(out.Input)
			out.Input = append(out.Input, change{ID: r.variant})
		}
		out.Input[n].Levels = append(out.Input[n].Levels, wanted[i])
		if !r.tracked {
			out.Input[n].Track = "TRUE"
		}
	}
	if len(wanted) == 0 {
		return result, nil
	}
	var answer setAnswer
	if _, err := c.api.Call(ctx, graphql.Request{Query: setMutation, Variables: out}, &answer); err != nil {
		return channel.Result{}, err
	}
	for i, want := range wanted {
		if failure := answer.verify(rows[i].variant, want); failure != nil {
			failures[i] = failure
		}
	}
	return result, nil
}

// onHand returns what has to be set for an item.
func (c *connector) onHand(r row) (int64, *channel.Error) {
	q := r.item.Quantity
	if c.spec.Quantity == inventoryv1alpha1.VendureAvailable {
		q += r.level.Allocated
	}
	if q > math.MaxInt32 {
		return 0, channel.NewError(channel.Rejected, "QuantityTooLarge",
			fmt.Sprintf("%d with what is allocated to orders is more than a shop can hold", q))
	}
	return q, nil
}

// verify compares what the shop has now with what was to be set. Vendure turns a quantity into a
// difference to what it has just read, so that an order, or a call that was given up and is still at work, can make another
// quantity of it.
func (a setAnswer) verify(variant string, want newLevel) *channel.Error {
	for _, v := range a.Variants {
		if v == nil || v.ID != variant {
			continue
		}
		for _, l := range v.Levels {
			if l.LocationID != want.LocationID {
				continue
			}
			if l.OnHand == want.OnHand {
				return nil
			}
			return channel.NewError(channel.Unconfirmed, "NotApplied", fmt.Sprintf("the shop has %d on hand after %d was set", l.OnHand, want.OnHand))
		}
	}
	return channel.NewError(channel.Unconfirmed, "NotConfirmed", "the shop's answer does not hold the quantity that was set")
}

// Read implements channel.Reader.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	rows, failures, err := c.look(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(rows)), Failures: failures}
	for i, r := range rows {
		out.Quantities[i] = r.level.OnHand
		if c.spec.Quantity == inventoryv1alpha1.VendureAvailable {
			out.Quantities[i] -= r.level.Allocated
		}
	}
	return out, nil
}
