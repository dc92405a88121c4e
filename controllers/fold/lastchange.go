package fold

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"tallyman.dev/tallyman/controllers/ledger"
)

// lastChange returns when a quantity of neighbouring ranges last changed, as their snapshots say; nil where none
// says so.
func lastChange(parts []ledger.Part) *metav1.Time {
	var last *metav1.Time
	for _, part := range parts {
		if part.Snapshot == nil {
			continue
		}
		if t := part.Snapshot.LastChangeTime; t != nil && (last == nil || last.Before(t)) {
			last = t
		}
	}
	return last
}

// changeTime returns when a quantity of a chunk last changed: with the newest record, where the log has set one of them
// since its snapshots were written.
func (pl plan) changeTime(c chunk) *metav1.Time {
	for sku := range pl.Changed {
		if _, has := c.skus[sku]; has && !pl.LastBatch.IsZero() {
			return &metav1.Time{Time: pl.LastBatch}
		}
	}
	return lastChange(pl.Parts)
}
