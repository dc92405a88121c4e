package ledger

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
)

// LogLimits bound the log. Where it reaches them, InventoryBatches that the snapshots contain are deleted before
// their time; where what is not folded reaches them, because there is no leader or the API server
// refuses its writes, the batches of senders are turned away. A namespace gets half of each at the most, so that one
// tenant cannot turn the others away.
type LogLimits struct {
	// Batches is the most InventoryBatches.
	Batches int
	// Bytes is the most that they take as JSON, by estimate.
	Bytes int64
}

// Defaults of LogLimits. etcd's default quota is 2 GiB, and the log shares it with the snapshots, and with
// what every write leaves behind until etcd is compacted.
const (
	DefaultLogBatches       = 50_000
	DefaultLogBytes   int64 = 256 << 20
)

// reachedBy reports whether a size is at or above a limit.
func (l LogLimits) reachedBy(size LogSize) bool {
	return size.Batches >= l.Batches || size.Bytes >= l.Bytes
}

// part returns a part of the limits.
func (l LogLimits) part(of int) LogLimits { return LogLimits{l.Batches / of, l.Bytes / int64(of)} }

const (
	// measureAge is how old the figures may be that a batch is admitted by.
	measureAge = 200 * time.Millisecond

	// backpressureInterval is how often Locations are told whether the log has room.
	backpressureInterval = time.Second
)

// Backpressure turns batches away while the fold does not follow the log. It is safe for concurrent use.
type Backpressure struct {
	log    *Log
	limits LogLimits
	clock  clock.WithTicker

	mu         sync.Mutex
	measured   time.Time
	total      LogSize // of what is not folded
	namespaces map[string]LogSize
}

// NewBackpressure returns the backpressure of a log with limits.
func NewBackpressure(log *Log, limits LogLimits, c clock.WithTicker) *Backpressure {
	return &Backpressure{log: log, limits: limits, clock: c}
}

// Full reports whether a namespace's batches have to be turned away.
func (b *Backpressure) Full(namespace string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.measure()
	return b.limits.reachedBy(b.total) || b.limits.part(2).reachedBy(b.namespaces[namespace])
}

// Pressed reports whether what is not folded takes a quarter of any limit: then nothing is more urgent than to fold it.
func (b *Backpressure) Pressed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.measure()
	if b.limits.part(4).reachedBy(b.total) {
		return true
	}
	for _, size := range b.namespaces {
		if b.limits.part(8).reachedBy(size) {
			return true
		}
	}
	return false
}

// measure finds out how much is not folded, where the figures are too old. The lock must be held.
func (b *Backpressure) measure() {
	if b.namespaces == nil || b.clock.Since(b.measured) >= measureAge {
		_, b.total, b.namespaces = b.log.sizes()
		b.measured = b.clock.Now()
	}
}

// Watch calls changed for every namespace whose log has become full, or has room again, until the
// context ends.
func (b *Backpressure) Watch(ctx context.Context, changed func(namespace string)) {
	ticker := b.clock.NewTicker(backpressureInterval)
	defer ticker.Stop()
	full := sets.New[string]()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		now := sets.New[string]()
		for _, ns := range b.log.names() {
			if b.Full(ns) {
				now.Insert(ns)
			}
		}
		for ns := range now.SymmetricDifference(full) {
			changed(ns)
		}
		full = now
	}
}
