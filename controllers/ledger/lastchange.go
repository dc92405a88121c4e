package ledger

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// lastChange returns when a quantity of neighbouring segments last changed, as their snapshots say; nil where none
// says so.
func lastChange(group []segment) *metav1.Time {
	var last *metav1.Time
	for _, seg := range group {
		if seg.snapshot == nil {
			continue
		}
		if t := seg.snapshot.LastChangeTime; t != nil && (last == nil || last.Before(t)) {
			last = t
		}
	}
	return last
}

// changeTime returns when a quantity of a chunk last changed: with the newest batch, where the log has set one of them
// since its snapshots were written.
func (pl plan) changeTime(c chunk) *metav1.Time {
	for sku := range c.changed {
		if _, has := c.skus[sku]; has && !pl.lastBatch.IsZero() {
			return &metav1.Time{Time: pl.lastBatch}
		}
	}
	return pl.lastChange
}
