package ledger

import (
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Log is which records (InventoryBatches) are stored, and how far the snapshots of each location contain them. It holds
// no quantities. It is safe for concurrent use.
type Log struct {
	mu         sync.RWMutex
	namespaces map[string]*namespaceLog
}

// LogSize is the size of a part of the log.
type LogSize struct {
	Batches int
	// Bytes is what they take as JSON, by estimate.
	Bytes int64
}

func (z *LogSize) add(other LogSize) {
	z.Batches += other.Batches
	z.Bytes += other.Bytes
}

func newLog() *Log { return &Log{namespaces: map[string]*namespaceLog{}} }

// namespace returns the log of a namespace, made if need be. The lock must be held.
func (l *Log) namespace(name string) *namespaceLog {
	n := l.namespaces[name]
	if n == nil {
		n = newNamespaceLog()
		l.namespaces[name] = n
	}
	return n
}

// add notes a record; false where it is known already.
func (l *Log) add(batch *inventoryv1alpha1.InventoryBatch) bool {
	r := newRecord(batch)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.namespace(batch.Namespace).add(r)
}

// Remove notes that a record is no longer stored.
func (l *Log) Remove(key types.NamespacedName) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.namespaces[key.Namespace]; n != nil {
		n.remove(key.Name)
	}
}

// Leave notes that a location is about to be deleted: nothing is folded for it any more, and no record is
// kept that holds stock of it. It returns how many there still are, because they hold stock of others,
// too, that is not folded yet, or wait for their deletion.
func (l *Log) Leave(key LocationKey) (batches int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.namespace(key.Namespace)
	n.location(key.Name).leaving = true
	n.records.Ascend(func(r *record) bool {
		if slices.Contains(r.locations, key.Name) {
			batches++
		}
		return true
	})
	return batches
}

// forget drops a location whose objects are gone. Records with stock of it need not wait for it.
func (l *Log) forget(key LocationKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.namespaces[key.Namespace]; n != nil {
		delete(n.locations, key.Name)
	}
}

// fold notes that this process has written all records of a location up to a revision into snapshots.
func (l *Log) fold(key LocationKey, revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.namespaces[key.Namespace]; n != nil && n.locations[key.Name] != nil {
		n.locations[key.Name].folded = max(n.locations[key.Name].folded, revision)
	}
}

// report notes what a Location's status says of the fold. It only measures what is not folded: whether
// something may be deleted is decided by what this process has folded itself.
func (l *Log) report(key LocationKey, revision uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.namespace(key.Namespace).location(key.Name).reported = revision
}

// newest returns the revision of a location's newest record, and when the API server stored it; zero where there is none.
func (l *Log) newest(key LocationKey) (revision uint64, stored time.Time) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if n := l.namespaces[key.Namespace]; n != nil && n.locations[key.Name] != nil {
		return n.locations[key.Name].applied, n.locations[key.Name].lastBatch
	}
	return 0, time.Time{}
}

// revisions returns the records of a namespace, or of all where it is empty, with their revisions.
func (l *Log) revisions(namespace string) map[types.NamespacedName]uint64 {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := map[types.NamespacedName]uint64{}
	for ns, n := range l.namespaces {
		if namespace != metav1.NamespaceAll && ns != namespace {
			continue
		}
		for name, r := range n.names {
			out[types.NamespacedName{Namespace: ns, Name: name}] = r.revision
		}
	}
	return out
}

// retain drops the records of a namespace, or of all, that a complete list no longer has.
func (l *Log) retain(namespace string, is listing) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ns, n := range l.namespaces {
		if namespace != metav1.NamespaceAll && ns != namespace {
			continue
		}
		for name, r := range n.names {
			if is.lacks(ns, name, r.revision) {
				n.remove(name)
			}
		}
	}
}

// names returns the namespaces that have, or had, batches or Locations.
func (l *Log) names() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	out := make([]string, 0, len(l.namespaces))
	for ns := range l.namespaces {
		out = append(out, ns)
	}
	return out
}
