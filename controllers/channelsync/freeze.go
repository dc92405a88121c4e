package channelsync

import (
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// item is one quantity of a run, with what became of it.
type item struct {
	syncstate.Taken
	push   channel.Item
	rule   string // of exposure that made the quantity; empty for all there is
	result result
	err    *channel.Error
}

// result is what came of an item.
type result int

const (
	notCalled  result = iota // no call was made, or the channel said that it took nothing of it
	unanswered               // whether the channel has it is not known, and it may still take it
	confirmed
	failed   // err says why
	heldBack // until other Locations show less
)

// freezer computes what a channel is shown. What changes afterwards becomes due again.
type freezer struct {
	scope *syncstate.Scope
	stock *ledger.Store
}

// freeze reads the present quantities of units.
func (f freezer) freeze(taken []syncstate.Taken, sequence string) []*item {
	items := make([]*item, len(taken))
	for i, t := range taken {
		it := &item{Taken: t}
		it.push, it.rule = f.show(t.Unit, t.Standing.Trigger)
		it.push.Sequence = sequence
		items[i] = it
	}
	return items
}

// show returns what the channel is to be told of a unit, and the rule that made it.
func (f freezer) show(u syncstate.Unit, trigger string) (channel.Item, string) {
	told, _ := f.scope.View.Tell(u.SKU, trigger, func(name string) int64 { return f.stock.Sum(f.scope.Keys(name), u.SKU) })
	out := channel.Item{SKU: u.SKU, Quantity: told.Quantity, LocationQuantity: told.LocationQuantity}
	if l := f.scope.Location(trigger); l != nil {
		out.LocationCode = l.Code
	}
	return out, told.Rule
}
