package ledger

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// pool is the present stock of one inventory pool of a location.
type pool struct {
	sizes    Sizes
	stored   map[string]*storedSnapshot // by object name
	segments []segment                  // partition of stored
	ragged   []*storedSnapshot          // those of stored that are not authoritative for all of their range
	overlay  *overlay                   // what the snapshots do not say yet
}

func newPool(sizes Sizes) *pool {
	return &pool{
		sizes:    sizes,
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

// set applies one quantity of the log and reports whether the present quantity changed. A batch's entries
// are applied in their order, so of two with one revision the later counts.
func (p *pool) set(sku string, quantity inventoryv1alpha1.Quantity, revision uint64) bool {
	base := p.segment(sku).snapshot
	if base != nil && base.revision >= revision {
		return false // contained already
	}
	e := p.overlay.get(sku)
	if e.revision > revision {
		return false // a newer batch has been applied
	}
	before, logged := e.quantity, e.revision > 0
	known := logged
	if !known && base != nil {
		before, known = base.stock.get(sku)
	}
	changed := !known || before != quantity
	// An entry that came between must be overwritten even with the snapshot's own quantity: the
	// batches may be deleted in any order, and the one between must not be the last word.
	if changed || logged {
		e.sku, e.quantity, e.revision = sku, quantity, revision
		p.overlay.put(e)
	}
	return changed
}

// touch notes that the SKU's sync state changed.
func (p *pool) touch(sku string, tick uint64) {
	e := p.overlay.get(sku)
	e.sku, e.touch = sku, tick
	p.overlay.put(e)
}

// put takes in a snapshot as the API server reports it, unless a newer version is known. It tells whether
// the snapshots divide the SKUs among themselves, as they do at rest.
func (p *pool) put(s *storedSnapshot) (tidy bool) {
	from, to := s.From, s.To
	known := p.stored[s.Name]
	if known != nil {
		if known.version >= s.version {
			return len(p.ragged) == 0
		}
		from, to = min(from, known.From), laterEnd(to, known.To)
	}
	p.stored[s.Name] = s
	return p.divide(from, to, s, known)
}

// remove forgets a snapshot that is no longer stored.
func (p *pool) remove(name string) {
	if gone := p.stored[name]; gone != nil {
		delete(p.stored, name)
		p.divide(gone.From, gone.To, nil, gone)
	}
}

// divide divides a range anew after a snapshot has come, gone or both, and tells whether each snapshot of the
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
	fresh := partition(within, among.UnsortedList())
	p.segments = join(slices.Replace(p.segments, first, last, fresh...), first, first+len(fresh))
	p.ragged = slices.DeleteFunc(among.UnsortedList(), func(s *storedSnapshot) bool { return p.segment(s.From).isAll(s) })
	p.prune(within.from, within.to)
	return len(p.ragged) == 0
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

// content is the present stock of a range: what the snapshots say with the overlay laid over it.
func (p *pool) content(segments []segment) map[string]inventoryv1alpha1.Quantity {
	size := 0
	for _, s := range segments {
		if s.snapshot != nil {
			size += s.snapshot.stock.len()
		}
	}
	skus := make(map[string]inventoryv1alpha1.Quantity, size)
	for _, s := range segments {
		maps.Insert(skus, s.stock())
	}
	p.overlay.ascend(segments[0].from, segments[len(segments)-1].to, func(e entry) bool {
		if e.revision > 0 {
			skus[e.sku] = e.quantity
		}
		return true
	})
	return skus
}

// each visits every SKU of the pool once, in no particular order.
func (p *pool) each(visit func(sku string, s *storedSnapshot)) {
	for _, seg := range p.segments {
		for sku := range seg.stock() {
			visit(sku, seg.snapshot)
		}
	}
	for sku, e := range p.overlay.entries {
		if e.revision == 0 {
			continue
		}
		if s := p.segment(sku).snapshot; s == nil || !s.has(sku) {
			visit(sku, s)
		}
	}
}
