package amazontest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

const (
	// TokenPath is where Login with Amazon is played.
	TokenPath = "/auth/o2/token" //nolint:gosec // no credential

	// tokenSeconds is how long a token lasts.
	tokenSeconds = 3600
)

// access is who may call.
type access struct {
	credentials map[string][]byte
	denied      bool
	issued      int
	tokens      map[string]int64 // when they end, in seconds of Unix time
}

// Deny chooses whether all credentials and tokens are refused, as if the seller had revoked them.
func (s *Server) Deny(deny bool) { s.mu.Do(func() { s.access.denied = deny }) }

// ExpireTokens ends all tokens.
func (s *Server) ExpireTokens() { s.mu.Do(func() { clear(s.access.tokens) }) }

// TokensIssued is how often a token was given.
func (s *Server) TokensIssued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access.issued
}

// refusal says why a token is not accepted; empty if it is.
func (a *access) refusal(token string, now int64) string {
	switch end, known := a.tokens[token]; {
	case token == "":
		return "Access token is missing in the request header."
	case a.denied, !known:
		return "The access token you provided is revoked, malformed or invalid."
	case now >= end:
		return "The access token you provided has expired."
	}
	return ""
}

// token plays Login with Amazon.
func (s *Server) token(w http.ResponseWriter, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("grant_type") != "refresh_token" {
		oauthError(w, http.StatusBadRequest, "unsupported_grant_type", "The grant type is not supported")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	same := func(field, key string) bool {
		want := strings.TrimSpace(string(s.access.credentials[key]))
		return fakeserver.Same(form.Get(field), want)
	}
	switch {
	case !same("client_id", "clientId") || !same("client_secret", "clientSecret"):
		oauthError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	case s.access.denied || !same("refresh_token", "refreshToken"):
		oauthError(w, http.StatusBadRequest, "invalid_grant", "The request has an invalid grant parameter : refresh_token")
		return
	}
	s.access.issued++
	token := fmt.Sprintf("Atza|token-%d", s.access.issued)
	s.access.tokens[token] = s.clock.Now().Unix() + tokenSeconds
	fakeserver.JSON(w, http.StatusOK, map[string]any{
		"access_token": token, "token_type": "bearer", "expires_in": tokenSeconds, "refresh_token": form.Get("refresh_token"),
	})
}

func oauthError(w http.ResponseWriter, status int, code, description string) {
	fakeserver.JSON(w, status, map[string]string{"error": code, "error_description": description})
}
