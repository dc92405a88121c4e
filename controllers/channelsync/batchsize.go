package channelsync

import "sync"

// batchSizes adapts the size of calls to what a channel answers in time. The zero value has no limit
// of its own. It is safe for concurrent use.
type batchSizes struct {
	mu   sync.Mutex
	most int // items in a call; 0 for the connector's own limit
}

// limit returns the most items in a call to a connector that takes configured.
func (s *batchSizes) limit(configured int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.most > 0 && s.most < configured {
		return s.most
	}
	return configured
}

// learn takes note of a run: the smallest call that was not answered in time halves the size, a
// full call that was answered lets it grow again by a quarter. Both are 0 where there was none.
func (s *batchSizes) learn(timedOut, answered int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case timedOut > 1:
		s.most = timedOut / 2
	case timedOut == 0 && s.most > 0 && answered >= s.most:
		s.most += max(1, s.most/4)
	}
}
