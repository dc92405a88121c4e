package amazontest

// Refuse makes Amazon refuse quantities of SKUs.
func (s *Server) Refuse(skus ...string) { s.mu.Do(func() { s.refused.Insert(skus...) }) }

// Heal ends what Refuse began.
func (s *Server) Heal(skus ...string) { s.mu.Do(func() { s.refused.Delete(skus...) }) }
