package channelsync

import (
	"time"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// sharePoll is how often a quantity is looked at that waits for other Locations to show less.
const sharePoll = time.Second

// divide takes those out that raise what the channel shows of a SKU whose total Locations share: before
// they go, what others show less of is to be confirmed.
func (l *lane) divide(f freezer, items []*item) (raises, others []*item) {
	if !f.scope.Shares() {
		return nil, items
	}
	for _, it := range items {
		if told, known := l.table.Told(it.Unit); known && it.push.Quantity > told {
			raises = append(raises, it)
			continue
		}
		others = append(others, it)
	}
	return raises, others
}

// allowed returns the raises that may go, and holds the others back.
func (l *lane) allowed(f freezer, raises []*item) []*item {
	var out []*item
	for _, it := range raises {
		if l.mayRaise(f, it.Unit) {
			out = append(out, it)
			continue
		}
		it.result = heldBack
	}
	return out
}

// mayRaise reports whether no other Location is still to show less of a unit's SKU.
func (l *lane) mayRaise(f freezer, u syncstate.Unit) bool {
	for _, name := range f.scope.Selling {
		other := syncstate.Unit{Location: name, SKU: u.SKU}
		s := l.table.Standing(other)
		if other == u || s == nil {
			continue
		}
		told, known := l.table.Told(other)
		item, _ := f.show(other, name)
		raised := known && item.Quantity > told
		lowered := known && item.Quantity < told
		if s.State == inventoryv1alpha1.SyncFailed && lowered || s.State != inventoryv1alpha1.SyncFailed && !raised {
			return false
		}
	}
	return true
}
