package ledger

import (
	"cmp"
	"slices"
	"time"
)

// record adds a stored snapshot to the location's log; false where it is there already.
func (l *location) record(r record) bool {
	i, found := slices.BinarySearchFunc(l.log, r.revision, func(r record, revision uint64) int {
		return cmp.Compare(r.revision, revision)
	})
	if found {
		return false
	}
	l.log = slices.Insert(l.log, i, r)
	return true
}

// forget drops a snapshot from the location's log. The oldest go first, as a rule.
func (l *location) forget(name string) {
	for i := range l.log {
		if l.log[i].name == name {
			l.log = slices.Delete(l.log, i, i+1)
			return
		}
	}
}

// tombstoneRetention is how long a record is kept at least that only takes a name: well beyond the
// 60 s after which the API server gives a create up.
const tombstoneRetention = 5 * time.Minute

// expired returns the snapshots, oldest first, that every slice contains and that are older than
// the retention time or beyond the most recent `keep`.
func (l *location) expired(now time.Time, retention time.Duration, keep int) []record {
	var expired []record
	for i, r := range l.log {
		if r.revision > l.folded {
			break
		}
		if age := now.Sub(r.created); r.tombstone && age < tombstoneRetention {
			continue
		} else if age > retention || len(l.log)-i > keep {
			expired = append(expired, r)
		}
	}
	return expired
}
