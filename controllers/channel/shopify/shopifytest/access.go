package shopifytest

import (
	"fmt"
	"net/http"
	"slices"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// access is who may call, and what for.
type access struct {
	tokens           []string
	scopes           []string
	clientID, secret string // of the client credentials grant; empty without
	issued           int
}

// Grant sets the access scopes of the app.
func (s *Shop) Grant(scopes ...string) { s.mu.Do(func() { s.access.scopes = scopes }) }

// Accept sets the access tokens that work; none of those that were issued do.
func (s *Shop) Accept(tokens ...string) { s.mu.Do(func() { s.access.tokens = tokens }) }

// IssueTokens offers the client credentials grant. Every token works until Accept.
func (s *Shop) IssueTokens(clientID, secret string) {
	s.mu.Do(func() { s.access.clientID, s.access.secret = clientID, secret })
}

// TokensIssued is how often the grant gave a token.
func (s *Shop) TokensIssued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access.issued
}

// permits reports whether a call has a token that works.
func (s *Shop) permits(r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := r.Header.Get("X-Shopify-Access-Token")
	return slices.ContainsFunc(s.access.tokens, func(valid string) bool { return fakeserver.Same(token, valid) })
}

// token answers the client credentials grant.
func (s *Shop) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, secret := r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	if r.PostFormValue("grant_type") != "client_credentials" || s.access.clientID == "" ||
		id != s.access.clientID || secret != s.access.secret {
		http.Error(w, `{"error":"invalid_client"}`, http.StatusBadRequest)
		return
	}
	s.access.issued++
	token := fmt.Sprintf("issued-%d", s.access.issued)
	s.access.tokens = append(s.access.tokens, token)
	fakeserver.JSON(w, http.StatusOK, map[string]any{"access_token": token, "scope": "write_inventory", "expires_in": 86399})
}
