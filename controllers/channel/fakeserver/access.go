package fakeserver

import (
	"crypto/subtle"
	"fmt"
	"net/http"
	"sync"
)

// Same reports whether a text is a secret, in constant time.
func Same(text, secret string) bool {
	return subtle.ConstantTimeCompare([]byte(text), []byte(secret)) == 1
}

// Carries reports whether a request has headers of certain values; it has where there are none.
func Carries(r *http.Request, want http.Header) bool {
	for name := range want {
		if !Same(r.Header.Get(name), want.Get(name)) {
			return false
		}
	}
	return true
}

// Access is who may call a fake that issues tokens, of which the newest works only. The zero value has issued
// none. All methods are safe for concurrent use.
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

// Denied reports whether all credentials are refused.
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

// Admits reports whether a token works.
func (a *Access) Admits(token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.denied && a.token != "" && Same(token, a.token)
}
