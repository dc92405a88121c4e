package budget

// waiter waits for a write.
type waiter struct {
	granted chan struct{} // closed when it may write
	gone    bool          // its context has ended
}

// line is who waits for a kind of write: one tenant after the other has its turn.
type line struct {
	turns   []string // tenants of whom somebody waits
	waiters map[string][]*waiter
}

func newLine() line { return line{waiters: map[string][]*waiter{}} }

func (l *line) add(tenant string, w *waiter) {
	if len(l.waiters[tenant]) == 0 {
		l.turns = append(l.turns, tenant)
	}
	l.waiters[tenant] = append(l.waiters[tenant], w)
}

// next returns whose turn it is, and takes it out; nil where nobody waits.
func (l *line) next() *waiter {
	for l.prune() {
		tenant := l.turns[0]
		w := l.waiters[tenant][0]
		l.turns = l.turns[1:]
		if l.waiters[tenant] = l.waiters[tenant][1:]; len(l.waiters[tenant]) == 0 {
			delete(l.waiters, tenant)
		} else {
			l.turns = append(l.turns, tenant)
		}
		if !w.gone {
			return w
		}
	}
	return nil
}

// prune drops who has gone from the head of the line, and reports whether anybody is left.
func (l *line) prune() bool {
	for len(l.turns) > 0 {
		tenant := l.turns[0]
		for len(l.waiters[tenant]) > 0 && l.waiters[tenant][0].gone {
			l.waiters[tenant] = l.waiters[tenant][1:]
		}
		if len(l.waiters[tenant]) > 0 {
			return true
		}
		delete(l.waiters, tenant)
		l.turns = l.turns[1:]
	}
	return false
}
