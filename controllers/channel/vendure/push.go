package vendure

import (
	"context"
	"fmt"
	"math"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
	"tallyman.dev/tallyman/controllers/channel/resolve"
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
	targets, failures, err := c.resolve(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	result := channel.Result{Failures: failures}
	var out changes
	sent := map[int]sentLevel{}
	for _, ofVariant := range resolve.BySKU(targets) {
		if ch := c.change(ofVariant, sent, failures); len(ch.Levels) > 0 {
			out.Input = append(out.Input, ch)
		}
	}
	if len(sent) == 0 {
		return result, nil
	}
	var answer setAnswer
	if _, err := c.api.Call(ctx, graphql.Request{Query: setMutation, Variables: out}, &answer); err != nil {
		return channel.Result{}, err
	}
	for i, s := range sent {
		if failure := answer.unconfirmed(s.variant, s.newLevel); failure != nil {
			failures[i] = failure
		}
	}
	return result, nil
}

// sentLevel is a level that is set of a variant.
type sentLevel struct {
	variant string
	newLevel
}

// change returns what has to be set of one variant, and notes it, by the index of the item.
func (c *connector) change(targets []target, sent map[int]sentLevel, failures map[int]*channel.Error) change {
	out := change{ID: targets[0].Found.ID}
	for _, t := range targets {
		have := t.Found.at(t.Location.ID)
		onHand, failure := c.onHand(t, have)
		switch {
		case failure != nil:
			failures[t.Index] = failure
			continue
		case isTracked(t) && onHand == have.OnHand:
			continue
		}
		level := newLevel{t.Location.ID, onHand}
		out.Levels, sent[t.Index] = append(out.Levels, level), sentLevel{out.ID, level}
		if !isTracked(t) {
			out.Track = "TRUE"
		}
	}
	return out
}

// onHand returns what has to be set for an item.
func (c *connector) onHand(t target, have level) (int64, *channel.Error) {
	q := t.Quantity
	if c.spec.Quantity == inventoryv1alpha1.VendureAvailable {
		q += have.Allocated
	}
	if q > math.MaxInt32 {
		return 0, channel.NewError(channel.Rejected, reasonQuantityTooLarge,
			fmt.Sprintf("%d with what is allocated to orders is more than a shop can hold", q))
	}
	return q, nil
}

// unconfirmed says why a level is not what was set; nil if it is. Vendure turns a quantity into a
// difference to what it has just read, so that an order, or a call that was given up and is still at work, can make another
// quantity of it.
func (a setAnswer) unconfirmed(variant string, want newLevel) *channel.Error {
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
			return channel.NewError(channel.Unconfirmed, channel.ReasonNotApplied, fmt.Sprintf("the shop has %d on hand after %d was set", l.OnHand, want.OnHand))
		}
	}
	return channel.NotConfirmed("the shop's answer does not hold the quantity that was set")
}

// Read implements channel.Reader.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(targets)), Failures: failures}
	for _, t := range targets {
		have := t.Found.at(t.Location.ID)
		out.Quantities[t.Index] = have.OnHand
		if c.spec.Quantity == inventoryv1alpha1.VendureAvailable {
			out.Quantities[t.Index] -= have.Allocated
		}
	}
	return out, nil
}
