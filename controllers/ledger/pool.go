package ledger

import (
	"slices"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// pool is the present stock of one inventory pool of a location.
type pool struct {
	stored   map[string]*storedSnapshot // by object name
	segments []segment                  // partition of stored
	ragged   []*storedSnapshot          // those of stored that are not authoritative for all of their range
	overlay  *overlay                   // what the snapshots do not say yet
	repeats  repeats                    // what records said that the snapshots said already
}

func newPool() *pool {
	return &pool{
		stored:   map[string]*storedSnapshot{},
		segments: []segment{{}},
		overlay:  newOverlay(),
	}
}

// segment returns the segment that holds the SKU.
func (p *pool) segment(sku string) segment { return p.segments[find(p.segments, sku)] }

// quantity returns the present quantity of a SKU, or false where the pool has never had it.
func (p *pool) quantity(sku string) (inventoryv1alpha1.Quantity, bool) {
	if e := p.overlay.get(sku); e.revision > 0 {
		return e.quantity, true
	}
	if s := p.segment(sku).snapshot; s != nil {
		return s.stock.get(sku)
	}
	return 0, false
}

// apply sets quantities of a record and returns the SKUs that somebody has to look at.
func (p *pool) apply(quantities map[string]inventoryv1alpha1.Quantity, revision uint64) []string {
	changed := make([]string, 0, len(quantities))
	for sku, q := range quantities {
		if !sound(sku) {
			ignoredSKUs.Inc()
			continue
		}
		if p.set(sku, q, revision) {
			changed = append(changed, sku)
		}
	}
	return changed
}

// sound reports whether snapshots and jobs can hold a SKU. Batches of the ingress have no other, and an admission
// policy refuses those of anybody else: the schema cannot.
func sound(sku string) bool {
	return sku != "" && (len(sku) <= inventoryv1alpha1.MaxSKULength || utf8.RuneCountInString(sku) <= inventoryv1alpha1.MaxSKULength)
}

// set applies one quantity of the log and reports whether somebody has to look at the SKU: the present quantity
// changed, or an older record that came late may have been told to a channel.
func (p *pool) set(sku string, quantity inventoryv1alpha1.Quantity, revision uint64) bool {
	base := p.segment(sku).snapshot
	if base != nil && base.revision >= revision {
		return false // contained already
	}
	e := p.overlay.get(sku)
	if e.revision > revision {
		return false // a newer record has been applied
	}
	if e.revision > 0 {
		// What came between must be overwritten even with the snapshot's own quantity: the records may be deleted
		// in any order, and the one between must not be the last word.
		changed := e.quantity != quantity
		e.quantity, e.revision = quantity, revision
		p.overlay.put(e)
		return changed
	}
	if base != nil {
		if stored, known := base.stock.get(sku); known && stored == quantity {
			p.repeats.note(sku, quantity, revision)
			return false
		}
	}
	if last, ok := p.repeats.take(sku); ok && last.revision > revision {
		quantity, revision = last.quantity, last.revision
	}
	e.sku, e.quantity, e.revision = sku, quantity, revision
	p.overlay.put(e)
	return true
}

// touch notes that the SKU's sync state changed.
func (p *pool) touch(sku string, tick uint64) {
	e := p.overlay.get(sku)
	e.sku, e.touch = sku, tick
	p.overlay.put(e)
}

// isNews reports whether a snapshot is a version that is not known yet.
func (p *pool) isNews(s *storedSnapshot) bool {
	known := p.stored[s.Name]
	return known == nil || known.version < s.version
}

// put takes in a snapshot that is news. It reports whether the snapshots divide the SKUs among themselves, as
// they do at rest.
func (p *pool) put(s *storedSnapshot) (tidy bool) {
	from, to := p.reach(s)
	known := p.stored[s.Name]
	p.stored[s.Name] = s
	return p.divide(from, to, s, known)
}

// reach returns the range in which a snapshot that comes may change something: its own, and that of the version before.
func (p *pool) reach(s *storedSnapshot) (from, to string) {
	if known := p.stored[s.Name]; known != nil {
		return min(s.From, known.From), laterEnd(s.To, known.To)
	}
	return s.From, s.To
}

// remove forgets a snapshot that is no longer stored.
func (p *pool) remove(gone *storedSnapshot) {
	delete(p.stored, gone.Name)
	p.divide(gone.From, gone.To, nil, gone)
}

// divide divides a range anew after a snapshot has come, gone or both, and reports whether each snapshot of the
// pool has its whole range to itself.
func (p *pool) divide(from, to string, come, gone *storedSnapshot) (tidy bool) {
	first, last := overlapping(p.segments, from, to)
	within := segment{from: p.segments[first].from, to: p.segments[last-1].to}
	among := sets.New(p.ragged...) // whoever else reaches into the range has it in a segment
	for _, seg := range p.segments[first:last] {
		among.Insert(seg.snapshot)
	}
	among.Insert(come)
	among.Delete(gone, nil)
	repeated := p.repeats.within(p.segments[first:last])
	fresh := partition(within, among.UnsortedList())
	p.segments = join(slices.Replace(p.segments, first, last, fresh...), first, first+len(fresh))
	p.ragged = slices.DeleteFunc(among.UnsortedList(), func(s *storedSnapshot) bool { return p.segment(s.From).isAll(s) })
	p.prune(within.from, within.to)
	p.review(repeated)
	return len(p.ragged) == 0
}

// review looks at what only repeated other snapshots than those of now: it counts as set by the log where these say
// something else, and for nothing where they contain it.
func (p *pool) review(repeated []string) {
	for _, sku := range repeated {
		if last, ok := p.repeats.take(sku); ok {
			p.set(sku, last.quantity, last.revision)
		}
	}
}

// obsolete returns the snapshots that are authoritative for no part of their range.
func (p *pool) obsolete() []*storedSnapshot {
	return slices.DeleteFunc(slices.Clone(p.ragged), func(s *storedSnapshot) bool {
		first, last := overlapping(p.segments, s.From, s.To)
		return slices.ContainsFunc(p.segments[first:last], func(seg segment) bool { return seg.snapshot == s })
	})
}

// prune drops the quantities of overlay entries in a range that the snapshots contain by now.
func (p *pool) prune(from, to string) {
	var redundant []entry
	p.overlay.ascend(from, to, func(e entry) bool {
		if s := p.segment(e.sku).snapshot; e.revision > 0 && s != nil && s.revision >= e.revision {
			redundant = append(redundant, e)
		}
		return true
	})
	for _, e := range redundant {
		e.revision, e.quantity = 0, 0
		p.replaceOrDrop(e)
	}
}

// settle drops the touches in a range up to a tick: the stored snapshot says them.
func (p *pool) settle(from, to string, tick uint64) {
	var settled []entry
	p.overlay.ascend(from, to, func(e entry) bool {
		if e.touch > 0 && e.touch <= tick {
			settled = append(settled, e)
		}
		return true
	})
	for _, e := range settled {
		e.touch = 0
		p.replaceOrDrop(e)
	}
}

func (p *pool) replaceOrDrop(e entry) {
	if e.revision == 0 && e.touch == 0 {
		p.overlay.drop(e.sku)
		return
	}
	p.overlay.put(e)
}
