package medusa

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

// levelKey is what Medusa has one level of.
type levelKey struct{ itemID, locationID string }

// changes is the body of a call.
type changes struct {
	Create []change `json:"create,omitempty"`
	Update []change `json:"update,omitempty"`
}

type change struct {
	InventoryItemID string `json:"inventory_item_id"`
	LocationID      string `json:"location_id"`
	StockedQuantity int64  `json:"stocked_quantity"`
}

func (c change) key() levelKey { return levelKey{c.InventoryItemID, c.LocationID} }

// plan is what a batch amounts to.
type plan struct {
	changes
	index    map[levelKey]int // of the batch's item
	failures map[int]*channel.Error
}

// plan reads the levels, and decides which are created and which updated.
func (c *connector) plan(ctx context.Context, batch channel.Batch) (*plan, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return nil, err
	}
	p := &plan{index: make(map[levelKey]int, len(targets)), failures: failures}
	for _, t := range targets {
		have := t.Found.at(t.Code)
		to := change{t.Found.ID, t.Code, t.Quantity + c.reserved(have)}
		p.index[to.key()] = t.Index
		if have == nil {
			p.Create = append(p.Create, to)
		} else {
			p.Update = append(p.Update, to)
		}
	}
	return p, nil
}

// reserved is what Medusa has reserved of a level, where that is to be added to quantities. A part of a
// unit is left out, so that the level is read back as what was pushed.
func (c *connector) reserved(have *level) int64 {
	if have == nil || !c.available {
		return 0
	}
	return whole(math.Floor(have.Reserved))
}

// quantity is what a level amounts to, with the meaning of the quantities that are pushed. A part of a
// unit counts as one more, as in channel.Quantity.
func (c *connector) quantity(have *level) int64 {
	switch {
	case have == nil:
		return 0
	case c.available:
		return whole(math.Ceil(have.Stocked - have.Reserved))
	}
	return whole(math.Ceil(have.Stocked))
}

// whole converts an integer that may be out of range.
func whole(value float64) int64 {
	const limit = 1 << 53 // floating point knows every integer up to here
	return int64(max(-limit, min(limit, value)))
}

// checkLocations takes out of a plan what would create a level at a stock location that does not exist:
// Medusa does not look, and stores a level that nobody ever sees.
func (c *connector) checkLocations(ctx context.Context, p *plan) error {
	ids := sets.New[string]()
	for _, create := range p.Create {
		ids.Insert(create.LocationID)
	}
	known, err := c.locations(ctx, sets.List(ids))
	if err != nil {
		return err
	}
	var kept []change
	for _, create := range p.Create {
		if known.Has(create.LocationID) {
			kept = append(kept, create)
			continue
		}
		p.failures[p.index[create.key()]] = unknownLocation(channel.Unmapped, create.LocationID)
		delete(p.index, create.key())
	}
	p.Create = kept
	return nil
}

func unknownLocation(class channel.Class, id string) *channel.Error {
	return channel.NewError(class, channel.ReasonUnknownLocation, fmt.Sprintf("the channel has no stock location with the id %q", id))
}

// explain finds out what the refusal of a call means. Where a level has come or gone since the plan was
// made, nobody is to blame, and a new plan may work. Otherwise it is some item, which Medusa does not
// name reliably.
func (c *connector) explain(ctx context.Context, batch channel.Batch, made *plan, answer *channel.Response, err error) error {
	if answer == nil {
		return err
	}
	e := channel.AsError(err)
	switch answer.Status {
	case http.StatusConflict: // by its words: another transaction was faster
		return e.With(channel.Retry)
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
	case http.StatusNotFound:
		if !isMedusas(answer.Body) { // the address is wrong, or Medusa too old for the call
			return err
		}
	default:
		return err
	}
	now, err := c.plan(ctx, batch)
	if err != nil {
		return err
	}
	if !made.sameLevels(now) {
		return channel.NewError(channel.Retry, reasonLevelsChanged, "inventory levels came or went during the call: "+e.Message)
	}
	return e.With(channel.Rejected)
}

// isMedusas reports whether an error is Medusa's own, of something that it does not find.
func isMedusas(body []byte) bool {
	var words struct {
		Type string `json:"type"`
	}
	return json.Unmarshal(body, &words) == nil && words.Type == "not_found"
}

// sameLevels reports whether all levels that a plan creates are still to be created, and all that it
// updates to be updated.
func (p *plan) sameLevels(now *plan) bool {
	return keys(now.Create).IsSuperset(keys(p.Create)) && keys(now.Update).IsSuperset(keys(p.Update))
}

func keys(of []change) sets.Set[levelKey] {
	out := sets.New[levelKey]()
	for _, c := range of {
		out.Insert(c.key())
	}
	return out
}

// written is a level in the answer to a call.
type written struct {
	InventoryItemID string `json:"inventory_item_id"`
	LocationID      string `json:"location_id"`
}

// confirm adds to the failures of a plan what the answer does not list.
func (c *connector) confirm(p *plan, answer *channel.Response) error {
	var out struct {
		Created []written `json:"created"`
		Updated []written `json:"updated"`
	}
	if err := c.http.Decode(answer, &out); err != nil {
		return err
	}
	listed := sets.New[levelKey]()
	for _, l := range append(out.Created, out.Updated...) {
		listed.Insert(levelKey{l.InventoryItemID, l.LocationID})
	}
	for at, i := range p.index {
		if !listed.Has(at) {
			p.failures[i] = channel.NotConfirmed("the channel does not list the level among those that it wrote")
		}
	}
	return nil
}
