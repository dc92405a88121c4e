package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// LogLimits bound the log. Where it reaches them, batches that the snapshots contain are deleted before
// their time; where what is not folded reaches them, because there is no leader or the API server
// refuses its writes, batches are turned away. A namespace gets half of each at the most, so that one
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

const (
	// backlogAge is how old the figures may be that a batch is admitted by.
	backlogAge = 200 * time.Millisecond

	// gaugeInterval is how often Locations are told whether the log has room.
	gaugeInterval = time.Second
)

// Backlog is a part of the log.
type Backlog struct {
	Batches int
	Bytes   int64
}

func (b *Backlog) add(other Backlog) {
	b.Batches += other.Batches
	b.Bytes += other.Bytes
}

func (b *Backlog) reaches(limits LogLimits) bool {
	return b.Batches >= limits.Batches || b.Bytes >= limits.Bytes
}

// Gauge tells whether the log has room. It is safe for concurrent use.
type Gauge struct {
	Store  *Store
	Limits LogLimits
	Clock  clock.WithTicker

	mu         sync.Mutex
	taken      time.Time
	total      Backlog
	namespaces map[string]Backlog
}

// Full tells whether a namespace's batches have to be turned away.
func (g *Gauge) Full(namespace string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.namespaces == nil || g.Clock.Since(g.taken) >= backlogAge {
		g.total, g.namespaces = g.Store.backlog()
		g.taken = g.Clock.Now()
	}
	own := g.namespaces[namespace]
	return g.total.reaches(g.Limits) || own.reaches(LogLimits{g.Limits.Batches / 2, g.Limits.Bytes / 2})
}

// Watch calls changed for every namespace whose log has become full, or has room again, until the
// context ends.
func (g *Gauge) Watch(ctx context.Context, changed func(namespace string)) {
	ticker := g.Clock.NewTicker(gaugeInterval)
	defer ticker.Stop()
	full := sets.New[string]()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		now := sets.New[string]()
		for _, ns := range g.Store.namespaces() {
			if g.Full(ns) {
				now.Insert(ns)
			}
		}
		for ns := range now.SymmetricDifference(full) {
			changed(ns)
		}
		full = now
	}
}

// FollowLocations keeps a store told of how far Locations are folded, and of those that go, on every
// replica.
func FollowLocations(ctx context.Context, informers cache.Informers, s *Store) error {
	informer, err := informers.GetInformer(ctx, &inventoryv1alpha1.Location{})
	if err != nil {
		return fmt.Errorf("watch Locations: %w", err)
	}
	seen := func(obj any) {
		if l, ok := obj.(*inventoryv1alpha1.Location); ok {
			s.reported(LocationKey{Namespace: l.Namespace, Name: l.Name}, l.Status.FoldedRevision)
		}
	}
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    seen,
		UpdateFunc: func(_, obj any) { seen(obj) },
		DeleteFunc: func(obj any) {
			if key, err := toolscache.DeletionHandlingObjectToName(obj); err == nil {
				s.Forget(key.AsNamespacedName())
			}
		},
	})
	if err != nil {
		return fmt.Errorf("watch Locations: %w", err)
	}
	return nil
}

// reported notes what a Location's status says of the fold. It only measures the backlog: whether
// something may be deleted is decided by what this process has folded itself.
func (s *Store) reported(key LocationKey, foldedRevision string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.location(key).reported = parseRevision(foldedRevision)
}

func (s *Store) namespaces() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := sets.New[string]()
	for key := range s.locations {
		out.Insert(key.Namespace)
	}
	return out.UnsortedList()
}

// backlog measures what is not folded, in all and by namespace.
func (s *Store) backlog() (total Backlog, namespaces map[string]Backlog) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	namespaces = map[string]Backlog{}
	for namespace, floor := range s.floors() {
		own := s.behind(namespace, floor)
		total.add(own)
		namespaces[namespace] = own
	}
	return total, namespaces
}

// floors returns the namespaces where something is not folded, each with the revision that all of its
// locations have folded. The lock must be held.
func (s *Store) floors() map[string]uint64 {
	out := map[string]uint64{}
	for key, loc := range s.locations {
		if loc.applied <= loc.known() {
			continue
		}
		if floor, listed := out[key.Namespace]; !listed || loc.known() < floor {
			out[key.Namespace] = loc.known()
		}
	}
	return out
}

// behind measures what is not folded of a namespace, above a revision that is. The lock must be held.
func (s *Store) behind(namespace string, floor uint64) Backlog {
	var out Backlog
	j := s.journals[namespace] // readers make none
	if j == nil {
		return out
	}
	j.records.Descend(func(r *record) bool {
		if r.revision <= floor {
			return false
		}
		for _, name := range r.locations {
			if loc := s.locations[LocationKey{Namespace: namespace, Name: name}]; loc != nil && loc.known() < r.revision {
				out.add(Backlog{1, r.bytes})
				break
			}
		}
		return true
	})
	return out
}

// known is the revision that a location's snapshots contain, by what this process has done or heard.
func (l *location) known() uint64 { return max(l.folded, l.reported) }

// excess returns the oldest batches by namespace that every snapshot contains, as many as the log is over its limits.
func (s *Store) excess(limits LogLimits) map[string][]*record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var total Backlog
	for _, j := range s.journals {
		total.add(j.size())
	}
	if !total.reaches(limits) {
		return nil
	}
	type candidate struct {
		*record
		namespace string
	}
	var folded []candidate
	for namespace, j := range s.journals {
		j.records.Ascend(func(r *record) bool {
			if !r.tombstone && s.contained(namespace, r) {
				folded = append(folded, candidate{r, namespace})
			}
			return true
		})
	}
	slices.SortFunc(folded, func(a, b candidate) int { return cmp.Compare(a.revision, b.revision) })
	out := map[string][]*record{}
	for _, c := range folded {
		if !total.reaches(limits) {
			break
		}
		out[c.namespace] = append(out[c.namespace], c.record)
		total.add(Backlog{-1, -c.bytes})
	}
	return out
}
