package amazontest

import (
	"net/http"
	"slices"
	"sync"
)

// Calls returns the calls so far, in the order in which they came, also those that failed.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

// Answer makes a handler answer all operations, which have no effect then; nil ends that. Tokens and
// documents are not operations.
func (s *Server) Answer(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = h
}

// Refuse makes Amazon refuse quantities of SKUs.
func (s *Server) Refuse(skus ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused.Insert(skus...)
}

// Heal ends what Refuse began.
func (s *Server) Heal(skus ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refused.Delete(skus...)
}

// LoseAnswers chooses whether connections are cut when writes have taken effect, before they are answered.
func (s *Server) LoseAnswers(lose bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losing = lose
}

// OnWrite calls a function with the operation of every write, before that is held or takes effect.
func (s *Server) OnWrite(f func(operation string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onWrite = f
}

// Hold makes writes wait until they are released, which can be done more than once. Those whose sender has
// gone meanwhile take effect all the same.
func (s *Server) Hold() (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.gate == gate {
			s.gate = nil
		}
		close(gate)
	})
}
