// Package coalesce has a set that wakes whoever empties it: however often a key is added before it is
// taken, it is taken once, and adding never waits.
package coalesce

import "sync"

// Set holds keys until they are taken. It is safe for concurrent use.
type Set[K comparable] struct {
	mu   sync.Mutex
	keys map[K]struct{}
	wake chan struct{}
}

// NewSet returns an empty set.
func NewSet[K comparable]() *Set[K] {
	return &Set[K]{keys: map[K]struct{}{}, wake: make(chan struct{}, 1)}
}

// Add adds a key.
func (s *Set[K]) Add(key K) {
	s.mu.Lock()
	s.keys[key] = struct{}{}
	s.mu.Unlock()
	Ping(s.wake)
}

// Wake receives when a key was added since the last Take, at most once for any number of them.
func (s *Set[K]) Wake() <-chan struct{} { return s.wake }

// Take returns the keys, in no particular order, and empties the set.
func (s *Set[K]) Take() []K {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := make([]K, 0, len(s.keys))
	for key := range s.keys {
		keys = append(keys, key)
	}
	clear(s.keys)
	return keys
}

// Drop takes a key out, if it is there.
func (s *Set[K]) Drop(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.keys, key)
}

// Ping wakes the receiver of a channel with room for one signal, unless one waits for it already.
func Ping(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}
