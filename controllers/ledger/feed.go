package ledger

import (
	"math"
	"slices"
	"sort"

	"k8s.io/apimachinery/pkg/util/sets"
)

// feeds are the changes that subscribers may still ask for. They are guarded by the store's lock.
type feeds struct {
	tick        uint64 // orders changes, and those of the sync state, against what is read
	subscribers sets.Set[*Subscription]
	namespaces  map[string]*feed
}

func newFeeds() feeds {
	return feeds{subscribers: sets.New[*Subscription](), namespaces: map[string]*feed{}}
}

// next returns the tick of something that happens now.
func (f *feeds) next() uint64 {
	f.tick++
	return f.tick
}

// of returns the subscribers to a namespace.
func (f *feeds) of(namespace string) (out []*Subscription) {
	for x := range f.subscribers {
		if x.owns == nil || x.owns(namespace) {
			out = append(out, x)
		}
	}
	return out
}

// wanted reports whether somebody subscribes to a namespace.
func (f *feeds) wanted(namespace string) bool { return len(f.of(namespace)) > 0 }

// add notes a change of present quantities, for whoever subscribes to the namespace.
func (f *feeds) add(pool PoolKey, skus []string) {
	tick := f.next()
	namespace := pool.Location.Namespace
	subscribers := f.of(namespace)
	if len(subscribers) == 0 {
		return
	}
	own := f.namespaces[namespace]
	if own == nil {
		own = &feed{floor: began(subscribers)}
		f.namespaces[namespace] = own
	}
	own.add(change{tick, pool, skus})
	for _, x := range subscribers {
		x.changed.Add(namespace)
	}
}

// began is the tick from which on changes are kept for any of some subscribers.
func began(subscribers []*Subscription) uint64 {
	tick := uint64(math.MaxUint64)
	for _, x := range subscribers {
		tick = min(tick, x.began)
	}
	return tick
}

// since returns what changed in a namespace after a tick, and whether that is lost.
func (f *feeds) since(namespace string, tick uint64) (pools []PoolChanges, lost bool) {
	if tick == f.tick {
		return nil, false
	}
	own := f.namespaces[namespace]
	if own != nil {
		return own.since(tick, f.tick)
	}
	// Nothing has changed since somebody subscribed, but who knows what was before.
	return nil, tick > f.tick || tick < began(f.of(namespace))
}

// release forgets what no subscriber to a namespace asks for any more.
func (f *feeds) release(namespace string) {
	own := f.namespaces[namespace]
	subscribers := f.of(namespace)
	if own == nil || len(subscribers) == 0 {
		return
	}
	upto := uint64(math.MaxUint64)
	for _, x := range subscribers {
		upto = min(upto, x.released[namespace])
	}
	for len(own.changes) > 0 && own.changes[0].tick <= upto {
		own.drop()
	}
}

// unsubscribe removes a subscriber, and what only that one wanted.
func (f *feeds) unsubscribe(x *Subscription) {
	f.subscribers.Delete(x)
	for ns := range f.namespaces {
		if !f.wanted(ns) {
			delete(f.namespaces, ns)
		}
	}
}

// feed is what changed in a namespace, in order.
type feed struct {
	changes []change
	skus    int    // of all changes together
	floor   uint64 // tick up to which changes are forgotten
}

// change is a change of present quantities of a pool.
type change struct {
	tick uint64
	pool PoolKey
	skus []string
}

// add notes a change, and forgets the oldest ones where it is one too many.
func (f *feed) add(c change) {
	const waste = 2 // of a slice that was made for a whole batch, of which hardly anything changed
	if cap(c.skus) > waste*len(c.skus) {
		c.skus = slices.Clone(c.skus)
	}
	f.changes = append(f.changes, c)
	f.skus += len(c.skus)
	for f.skus > FeedSKUs {
		f.drop()
	}
}

// drop forgets the oldest change.
func (f *feed) drop() {
	f.floor = f.changes[0].tick
	f.skus -= len(f.changes[0].skus)
	f.changes[0] = change{} // the array is kept for a while
	f.changes = f.changes[1:]
	if len(f.changes) == 0 {
		f.changes = nil
	}
}

// since returns what changed after a tick, each SKU once, and whether that is lost.
func (f *feed) since(tick, now uint64) (pools []PoolChanges, lost bool) {
	if tick > now || tick < f.floor {
		return nil, true
	}
	first := sort.Search(len(f.changes), func(i int) bool { return f.changes[i].tick > tick })
	byPool := map[PoolKey]sets.Set[string]{}
	for _, c := range f.changes[first:] {
		if byPool[c.pool] == nil {
			byPool[c.pool] = make(sets.Set[string], len(c.skus))
		}
		byPool[c.pool].Insert(c.skus...)
	}
	for pool, skus := range byPool {
		pools = append(pools, PoolChanges{pool, skus.UnsortedList()})
	}
	return pools, false
}
