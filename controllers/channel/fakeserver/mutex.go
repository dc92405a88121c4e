package fakeserver

import "sync"

// Mutex guards the state of a fake.
type Mutex struct{ sync.Mutex }

// Do makes a change under the lock.
func (m *Mutex) Do(change func()) {
	m.Lock()
	defer m.Unlock()
	change()
}
