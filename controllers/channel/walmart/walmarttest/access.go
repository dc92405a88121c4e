package walmarttest

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// access is who may call.
type access struct {
	denied bool
	issued int    // tokens given
	token  string // the one that works
}

// Deny refuses all credentials while it is true.
func (s *Server) Deny(deny bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access.denied = deny
}

// ExpireToken makes the newest token work no more.
func (s *Server) ExpireToken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access.token = ""
}

// TokensIssued is how many tokens were given.
func (s *Server) TokensIssued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.access.issued
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id, secret, ok := r.BasicAuth()
	if !ok || id != ClientID || secret != ClientSecret || s.access.denied || r.PostFormValue("grant_type") != "client_credentials" || !identified(r) {
		refuse(w, http.StatusUnauthorized, Fault{Code: "UNAUTHORIZED.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "Unauthorized"})
		return
	}
	s.access.issued++
	s.access.token = fmt.Sprintf("eyJ-token-%d", s.access.issued)
	writeJSON(w, http.StatusOK, map[string]any{"access_token": s.access.token, "token_type": "Bearer", "expires_in": 900})
}

// identified tells whether a request has the headers that all need.
func identified(r *http.Request) bool {
	return r.Header.Get("WM_SVC.NAME") != "" && len(r.Header.Get("WM_QOS.CORRELATION_ID")) == 36
}

// permits answers requests that lack the newest token or another header.
func (s *Server) permits(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.access.denied || s.access.token == "" || r.Header.Get("WM_SEC.ACCESS_TOKEN") != s.access.token:
		refuse(w, http.StatusUnauthorized, Fault{Code: "UNAUTHORIZED.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "Unauthorized"})
	case !identified(r):
		refuse(w, http.StatusBadRequest, Fault{Code: "MISSING_REQUEST_HEADER.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "A header is missing"})
	default:
		return true
	}
	return false
}

// spend uses up one request of the allotment, and tells whether there was one.
func (s *Server) spend(w http.ResponseWriter) bool {
	if s.allotted == nil {
		return true
	}
	s.allotted.left--
	w.Header().Set("x-current-token-count", strconv.Itoa(max(s.allotted.left, 0)))
	w.Header().Set("x-next-replenish-time", strconv.FormatInt(s.allotted.next.UnixMilli(), 10))
	if s.allotted.left >= 0 {
		return true
	}
	refuse(w, http.StatusTooManyRequests, Fault{Code: "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "Too many requests"})
	return false
}

// Throttled answers 429 with Retry-After in seconds.
func Throttled(pause time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(int(pause.Seconds())))
		refuse(w, http.StatusTooManyRequests, Fault{Code: "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "Too many requests"})
	})
}
