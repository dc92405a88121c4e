package ledger

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// tombstoneRetention is how long a record is kept at least that only takes a name: well beyond the
// 60 s after which the API server gives a create up.
const tombstoneRetention = 5 * time.Minute

// Expired returns the records, of each namespace oldest first, that every snapshot contains and that are older
// than the retention time, not among the most recent `keep` of any location, or of a location that is
// about to be deleted.
func (l *Log) Expired(now time.Time, retention time.Duration, keep int) []types.NamespacedName {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var out []types.NamespacedName
	for namespace, n := range l.namespaces {
		for _, r := range n.expired(now, retention, keep) {
			out = append(out, types.NamespacedName{Namespace: namespace, Name: r.name})
		}
	}
	return out
}

func (n *namespaceLog) expired(now time.Time, retention time.Duration, keep int) []*record {
	var expired []*record
	seen := map[string]int{} // records of a location so far, from the newest
	n.records.Descend(func(r *record) bool {
		recent, leaving := false, false
		for _, name := range r.locations {
			seen[name]++
			recent = recent || seen[name] <= keep
			loc := n.locations[name]
			leaving = leaving || loc != nil && loc.leaving
		}
		age := now.Sub(r.created)
		old := age > retention || !recent || leaving
		if old && (!r.tombstone || age >= tombstoneRetention) && n.contains(r) {
			expired = append(expired, r)
		}
		return true
	})
	slices.Reverse(expired)
	return expired
}

// Excess returns the oldest records that every snapshot contains, as many as the log is over its limits.
func (l *Log) Excess(limits LogLimits) []types.NamespacedName {
	l.mu.RLock()
	defer l.mu.RUnlock()
	total := l.size()
	if !limits.reachedBy(total) {
		return nil
	}
	type candidate struct {
		*record
		namespace string
	}
	var folded []candidate
	for namespace, n := range l.namespaces {
		n.records.Ascend(func(r *record) bool {
			if !r.tombstone && n.contains(r) {
				folded = append(folded, candidate{r, namespace})
			}
			return true
		})
	}
	slices.SortFunc(folded, func(a, b candidate) int { return cmp.Compare(a.revision, b.revision) })
	var out []types.NamespacedName
	for _, c := range folded {
		if !limits.reachedBy(total) {
			break
		}
		out = append(out, types.NamespacedName{Namespace: c.namespace, Name: c.name})
		total.add(LogSize{-1, -c.bytes})
	}
	return out
}

// size is how much there is in all. The lock must be held.
func (l *Log) size() (total LogSize) {
	for _, n := range l.namespaces {
		total.add(n.size())
	}
	return total
}

// sizes measures the log, and what of it is not folded, in all and by namespace.
func (l *Log) sizes() (all, unfolded LogSize, namespaces map[string]LogSize) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	namespaces = map[string]LogSize{}
	for namespace, n := range l.namespaces {
		if floor, some := n.floor(); some {
			namespaces[namespace] = n.unfolded(floor)
			unfolded.add(namespaces[namespace])
		}
	}
	return l.size(), unfolded, namespaces
}
