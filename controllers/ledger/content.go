package ledger

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// clipped returns the segments that share SKUs with a range, cut to it.
func (p *pool) clipped(from, to string) []segment {
	first, last := overlapping(p.segments, from, to)
	segments := slices.Clone(p.segments[first:last])
	segments[0].from = from
	segments[len(segments)-1].to = to
	return segments
}

// content is the present stock of neighbouring segments: what the snapshots say with the overlay laid over it.
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

// states collects where a SKU stands on each channel. A quantity that is not folded yet is
// reported as pending: whether it has been pushed is not known here.
func (p *pool) states(sku string, into map[string]ChannelState) {
	stored := p.segment(sku).snapshot
	if stored == nil {
		return
	}
	e := p.overlay.get(sku)
	for i := range stored.Channels {
		state := SnapshotChannelState(&stored.Channels[i], sku)
		if e.revision > 0 && state.State == inventoryv1alpha1.SyncSynced {
			state.State = inventoryv1alpha1.SyncPending
		}
		if known, ok := into[state.Channel]; !ok || known.State == inventoryv1alpha1.SyncSynced {
			into[state.Channel] = state
		}
	}
}

// altered returns the SKUs whose present quantity a change of the snapshots in a range changes.
func (p *pool) altered(from, to string, change func()) (skus []string) {
	before := p.content(p.clipped(from, to))
	change()
	after := p.content(p.clipped(from, to))
	for sku, q := range after {
		if was, known := before[sku]; !known || was != q {
			skus = append(skus, sku)
		}
	}
	for sku := range before {
		if _, known := after[sku]; !known {
			skus = append(skus, sku)
		}
	}
	return skus
}

// describe says what is stored of a segment.
func (p *pool) describe(seg segment) Range {
	r := Range{From: seg.from, To: seg.to}
	if seg.snapshot != nil {
		first, last := seg.snapshot.stock.bounds(seg.from, seg.to)
		r.Stored, r.Exact, r.SKUs = true, seg.exact(), last-first
	}
	p.overlay.ascend(seg.from, seg.to, func(entry) bool {
		r.Unwritten = true
		return false
	})
	return r
}

// part says what is stored of a segment of a section.
func (p *pool) part(seg segment, from, to string) Part {
	out := Part{From: seg.from, To: seg.to, segment: seg}
	if seg.snapshot != nil {
		out.Snapshot, out.Exact = seg.snapshot.InventorySnapshot, seg.exact()
		out.Alone = !p.reliedOn(seg.snapshot, from, to)
	}
	return out
}

// reliedOn reports whether a snapshot is authoritative for anything outside of a range.
func (p *pool) reliedOn(s *storedSnapshot, from, to string) bool {
	first, last := overlapping(p.segments, s.From, s.To)
	return slices.ContainsFunc(p.segments[first:last], func(seg segment) bool {
		return seg.snapshot == s && (seg.from < from || earlierEnd(seg.to, to) != seg.to)
	})
}

// logged returns the SKUs of a range that the log has set since the snapshots were stored.
func (p *pool) logged(from, to string) sets.Set[string] {
	out := sets.New[string]()
	p.overlay.ascend(from, to, func(e entry) bool {
		if e.revision > 0 {
			out.Insert(e.sku)
		}
		return true
	})
	return out
}

// beginning cuts a segment that no snapshot covers to so many SKUs at the most.
func (p *pool) beginning(seg segment, most int) segment {
	n := 0
	p.overlay.ascend(seg.from, seg.to, func(e entry) bool {
		if n == most {
			seg.to = e.sku
			return false
		}
		n++
		return true
	})
	return seg
}
