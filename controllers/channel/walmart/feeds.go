package walmart

import (
	"context"
	"slices"
	"time"

	"tallyman.dev/tallyman/controllers/channel"
)

// feedLife is after how long a feed is believed to be stuck for good: some stay in progress for ever
// because of one item.
const feedLife = 2 * time.Hour

// feeds are those whose end is not known yet. One push at a time uses them.
type feeds struct {
	turn   chan struct{} // holds a value while a push is under way
	open   []*feed
	looked bool // whether feeds of an earlier life have been looked for
}

func newFeeds() feeds { return feeds{turn: make(chan struct{}, 1)} }

// enter waits for the pushes before. Its only error is that of the context.
func (f *feeds) enter(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case f.turn <- struct{}{}:
		return nil
	}
}

func (f *feeds) leave() { <-f.turn }

func (f *feeds) close(done *feed) {
	f.open = slices.DeleteFunc(f.open, func(other *feed) bool { return other == done })
}

// feed is one that was submitted.
type feed struct {
	id    string
	began time.Time
	// items is what was sent; nil where that is not known, as the feed is of an earlier life.
	items map[stockKey]sent
}

// stockKey is what a quantity belongs to; without a location in Consolidated mode.
type stockKey struct{ sku, location string }

// sent is a quantity in a feed.
type sent struct {
	quantity int64
	ended    bool
	err      *channel.Error // once it has ended; nil for success
}

func newFeed(id string, began time.Time, groups []group) *feed {
	f := &feed{id: id, began: began, items: map[stockKey]sent{}}
	for _, g := range groups {
		for _, it := range g.items {
			f.items[stockKey{it.SKU, it.LocationCode}] = sent{quantity: it.Quantity}
		}
	}
	return f
}

// holds reports whether a feed may still change a SKU.
func (f *feed) holds(sku string) bool {
	for at, s := range f.items {
		if at.sku == sku && !s.ended {
			return true
		}
	}
	return false
}

// pending is the error of what has to wait for a feed.
func pending(f *feed) *channel.Error {
	return channel.NewError(channel.Throttled, channel.ReasonFeedPending, "Walmart still works on feed "+f.id).WithPause(feedPause)
}

// decides reports whether a feed says what becomes of a group: it holds the SKU, or has set the same quantities.
func (f *feed) decides(g group, stuck bool) bool {
	if f.holds(g.sku) {
		return !stuck
	}
	for _, it := range g.items {
		if s, ok := f.items[stockKey{it.SKU, it.LocationCode}]; !ok || s.quantity != it.Quantity {
			return false
		}
	}
	return true
}

// tell notes what became of a group in a feed, which is told once.
func (f *feed) tell(g group, failures map[int]*channel.Error) {
	if f.holds(g.sku) {
		g.fail(failures, pending(f))
		return
	}
	for i, it := range g.items {
		at := stockKey{it.SKU, it.LocationCode}
		if e := f.items[at].err; e != nil {
			failures[g.index[i]] = e
		}
		delete(f.items, at)
	}
}
