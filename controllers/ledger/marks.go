package ledger

import (
	"sync"

	"k8s.io/apimachinery/pkg/util/sets"
)

// marks are keys that somebody has to look at. It is safe for concurrent use.
type marks[K comparable] struct {
	mu   sync.Mutex
	keys sets.Set[K]
	wake chan struct{} // has one signal, however many keys were added since the last look
}

func newMarks[K comparable]() *marks[K] {
	return &marks[K]{keys: sets.New[K](), wake: make(chan struct{}, 1)}
}

func (m *marks[K]) add(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys.Insert(key)
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *marks[K]) drop(key K) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keys.Delete(key)
}

// take returns the keys, once.
func (m *marks[K]) take() []K {
	m.mu.Lock()
	defer m.mu.Unlock()
	keys := m.keys.UnsortedList()
	clear(m.keys)
	return keys
}
