package syncstate

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/coalesce"
	"tallyman.dev/tallyman/controllers/ledger"
)

// Taken is a unit that was taken for a push, and where it stood then.
type Taken struct {
	Unit     Unit
	Standing *Standing
}

// Settlement is what came of the push of a unit that was taken.
type Settlement struct {
	Taken
	Outcome Outcome
}

// Table is where the units of one Channel stand. It is safe for concurrent use.
//
// Lock order: a table's lock may be held when the ledger's is taken, never the other way round.
type Table struct {
	key     types.NamespacedName
	stock   *ledger.Store
	clock   clock.PassiveClock
	touched *coalesce.Set[types.NamespacedName] // tables of which the snapshots do not say everything
	news    chan struct{}                       // see News

	mu       sync.Mutex
	scope    *Scope // nil before the first settings: nothing is known
	epochs   []inventoryv1alpha1.ChannelEpoch
	book     book
	seen     uint64                                 // tick of the ledger up to which changes are taken in
	leaving  map[string]bool                        // Locations that are being withdrawn
	unsaid   map[ledger.PoolKey]map[string]struct{} // SKUs of which the snapshots have to say something else
	told     map[Unit]int64                         // what the channel last confirmed, where Locations share stock
	lastSync time.Time
}

func newTable(key types.NamespacedName, stock *ledger.Store, c clock.PassiveClock, touched *coalesce.Set[types.NamespacedName]) *Table {
	news := make(chan struct{}, 1)
	return &Table{
		key: key, stock: stock, clock: c, touched: touched, news: news, book: newBook(news, false),
		leaving: map[string]bool{}, unsaid: map[ledger.PoolKey]map[string]struct{}{},
	}
}

// Start is what a table begins with, after a start of the process or a change of leader.
type Start struct {
	// Locations are those whose stock the channel may show, as its status says.
	Locations []string
	// Doubtful is until when a call of a former leader may still set what it carried; zero if that has
	// said that it made none any more.
	Doubtful time.Time
}

// Configure brings the table to settings that belong to the newest of the Channel's epochs. With the first ones, it finds out
// where everything stands, from what is stored.
func (t *Table) Configure(s Settings, epochs []inventoryv1alpha1.ChannelEpoch, start Start) {
	t.mu.Lock()
	defer t.mu.Unlock()
	earlier := t.scope
	t.epochs = epochs
	if earlier == nil {
		t.scope = newScope(t.key.Namespace, s)
		t.begin(start)
		return
	}
	s.Locations = t.withFormer(s.Locations, earlier)
	t.scope = newScope(t.key.Namespace, s)
	t.catchUp()
	locations, all := s.Affected(&earlier.Settings)
	if all {
		t.renew()
	}
	for _, name := range earlier.Selling {
		if !t.scope.sells(name) {
			t.leaving[name] = true
		}
	}
	for _, name := range t.scope.Selling {
		if delete(t.leaving, name); all || slices.Contains(locations, name) {
			t.reload(name)
		}
	}
	for name := range t.leaving {
		if all || slices.Contains(locations, name) {
			t.reload(name)
		}
	}
	t.expand()
	t.drain()
}

// renew begins a new book, as units may be of another kind now. Of what was not in step, the snapshots have to say
// something else, and those of pools that the channel does not sell from any more. What may still land may so.
func (t *Table) renew() {
	former := t.book
	t.book = newBook(t.news, t.scope.Shares())
	t.book.changes, t.told = former.changes, nil // two pushes never have the same number
	for u, s := range former.of {
		t.say(u)
		if s.doubtful.After(t.book.doubtful) {
			t.book.doubtful = s.doubtful
		}
	}
	t.unlist()
}

// withFormer adds the Locations that are gone and that the channel sold from: it is still to be told so.
func (t *Table) withFormer(locations []Location, earlier *Scope) []Location {
	out := slices.Clone(locations)
	for _, former := range earlier.Locations {
		gone := !slices.ContainsFunc(locations, func(l Location) bool { return l.Name == former.Name })
		if gone && (former.Selected || t.leaving[former.Name]) {
			former.Selected = false
			out = append(out, former)
		}
	}
	return out
}

// Passed reports whether the newest of some epochs is an earlier one than the present one of the table.
func (t *Table) Passed(epochs []inventoryv1alpha1.ChannelEpoch) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return present(epochs) < present(t.epochs)
}

// Scope returns what the table's units are computed with; nil before the first settings.
func (t *Table) Scope() *Scope {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.scope
}

// News receives when something has become due, or will at another time than Due said.
func (t *Table) News() <-chan struct{} { return t.news }

// CatchUp takes in what has changed in the ledger.
func (t *Table) CatchUp() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUp()
}

// Take returns up to so many units that are due, to be settled. What is in no call is settled as Pending.
func (t *Table) Take(most int) []Taken {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.catchUp()
	return t.book.take(most, t.clock.Now())
}

// Due counts the units that could be taken, about, and returns when further ones become due; zero for never.
func (t *Table) Due() (n int, next time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n = t.book.due(t.clock.Now())
	next, _ = t.book.queue.next()
	return n, next
}

// InDoubt reports whether a call that was not answered may still set what it carried.
func (t *Table) InDoubt() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.book.inDoubt(t.clock.Now())
}

// Told returns what the channel last confirmed of a unit; false where that is not known.
func (t *Table) Told(u Unit) (int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	q, known := t.told[u]
	return q, known
}

// touch notes that the snapshots have to say something else of SKUs.
func (t *Table) touch(location string, skus ...string) {
	if len(skus) == 0 {
		return
	}
	for _, key := range t.scope.Keys(location) {
		t.touchAt(key, skus...)
	}
}

// touchAt is touch for one pool.
func (t *Table) touchAt(key ledger.PoolKey, skus ...string) {
	of := t.unsaid[key]
	if of == nil {
		of = map[string]struct{}{}
		t.unsaid[key] = of
	}
	for _, sku := range skus {
		of[sku] = struct{}{}
	}
	t.touched.Add(t.key)
}
