package main

import (
	"slices"
	"sync"
	"time"
)

// tracker measures how long quantities are on their way to channels. It is safe for concurrent use.
//
// Quantities of a SKU only grow, so one that was overtaken before its push arrives with the larger one: the
// channel knows no older state of the SKU from then on.
type tracker struct {
	channels int // of each tenant

	mu       sync.Mutex
	underway map[receipt][]sent
	count    int
	unasked  int
	fresh    *latencies
}

// receipt is what a channel is told of.
type receipt struct {
	channel int
	sku     string
}

// sent is a quantity under way.
type sent struct {
	quantity int64
	due      time.Time
}

func newTracker(channels int) *tracker {
	return &tracker{channels: channels, underway: map[receipt][]sent{}, fresh: newLatencies()}
}

// sending notes a batch that is about to be sent.
func (t *tracker) sending(b batch, due time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := range t.channels {
		for _, sku := range b.skus {
			key := receipt{b.tenant*t.channels + n, sku}
			t.underway[key] = append(t.underway[key], sent{int64(b.quantity), due})
			t.count++
		}
	}
}

// received notes what a channel was told.
func (t *tracker) received(channel int, sku string, quantity int64, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := receipt{channel, sku}
	before := t.count
	left := slices.DeleteFunc(t.underway[key], func(s sent) bool {
		if s.quantity > quantity {
			return false
		}
		t.fresh.add(now.Sub(s.due))
		t.count--
		return true
	})
	if t.count == before {
		t.unasked++
	}
	if len(left) == 0 {
		delete(t.underway, key)
		return
	}
	t.underway[key] = left
}

// waiting is the number of quantities under way, counted for each channel.
func (t *tracker) waiting() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

// take returns what was measured since the last call, and how many quantities came that no channel waited for.
func (t *tracker) take() (fresh *latencies, unasked int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh, unasked = t.fresh, t.unasked
	t.fresh, t.unasked = newLatencies(), 0
	return fresh, unasked
}
