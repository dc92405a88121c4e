package ebaytest

import (
	"net/http"
	"regexp"
	"strings"
	"time"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// token answers the exchange of a refresh token.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	switch {
	case !ok || id != ClientID || secret != ClientSecret:
		fakeserver.JSON(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client", "error_description": "client authentication failed"})
	case r.PostFormValue("grant_type") != "refresh_token" || r.PostFormValue("scope") == "":
		fakeserver.JSON(w, http.StatusBadRequest, map[string]string{"error": "invalid_request", "error_description": "grant_type or scope is missing"})
	case s.Denied() || r.PostFormValue("refresh_token") != RefreshToken:
		fakeserver.JSON(w, http.StatusBadRequest, map[string]string{
			"error": "invalid_grant", "error_description": "the provided authorization refresh token is invalid or was issued to another client",
		})
	default:
		token := s.Issue("v^1.1#user-token-")
		fakeserver.JSON(w, http.StatusOK, map[string]any{"access_token": token, "expires_in": 7200, "token_type": "User Access Token"})
	}
}

var language = regexp.MustCompile(`^[a-z]{2}-[A-Z]{2}$`)

// permits reports whether a request may go on. It answers those that lack the newest token or a language, or come
// when the quota is used up.
func (s *Server) permits(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case !bearer || !s.Admits(token):
		refuse(w, http.StatusUnauthorized, Fault{ErrorID: 1001, Domain: "OAuth", Category: "REQUEST", Message: "Invalid access token"})
	case r.URL.Path == quotaPath:
		return true
	case !s.reset.IsZero():
		refuse(w, http.StatusTooManyRequests, Fault{ErrorID: 2001, Domain: "ACCESS", Category: "REQUEST", Message: "Too many requests."})
	case !language.MatchString(r.Header.Get("Accept-Language")):
		refuse(w, http.StatusBadRequest, fault(25709, "Invalid value for header Accept-Language."))
	default:
		return true
	}
	return false
}

// Throttled answers 429 with Retry-After in seconds.
func Throttled(pause time.Duration) http.Handler {
	return fakeserver.RetryAfter(pause, Refused(http.StatusTooManyRequests, Fault{ErrorID: 2001, Domain: "ACCESS", Category: "REQUEST", Message: "Too many requests."}))
}
