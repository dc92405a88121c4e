package contract

import (
	"fmt"
	"sync"
)

// Access is who may call a fake that issues tokens, of which the newest works only. The zero value has issued none.
type Access struct {
	mu     sync.Mutex
	denied bool
	issued int
	token  string // the one that works; empty for none
}

// Deny refuses all credentials while it is true.
func (a *Access) Deny(deny bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.denied = deny
}

// Denied tells whether all credentials are refused.
func (a *Access) Denied() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.denied
}

// ExpireToken makes the newest token work no more.
func (a *Access) ExpireToken() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.token = ""
}

// TokensIssued is how many tokens were given.
func (a *Access) TokensIssued() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.issued
}

// Issue gives a token, which begins with a prefix.
func (a *Access) Issue(prefix string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.issued++
	a.token = fmt.Sprintf("%s%d", prefix, a.issued)
	return a.token
}

// Admits tells whether a token works.
func (a *Access) Admits(token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.denied && a.token != "" && token == a.token
}
