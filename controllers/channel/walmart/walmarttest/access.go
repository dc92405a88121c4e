package walmarttest

import (
	"net/http"
	"strconv"
	"time"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// token answers the client credentials grant.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth()
	if !ok || id != ClientID || secret != ClientSecret || s.Denied() || r.PostFormValue("grant_type") != "client_credentials" || !identified(r) {
		refuse(w, http.StatusUnauthorized, Fault{Code: "UNAUTHORIZED.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "Unauthorized"})
		return
	}
	token := s.Issue("eyJ-token-")
	fakeserver.JSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 900})
}

// identified reports whether a request has the headers that all need.
func identified(r *http.Request) bool {
	return r.Header.Get("WM_SVC.NAME") != "" && len(r.Header.Get("WM_QOS.CORRELATION_ID")) == 36
}

// permits reports whether a request may go on. It answers those that lack the newest token or another header.
func (s *Server) permits(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case !s.Admits(r.Header.Get("WM_SEC.ACCESS_TOKEN")):
		refuse(w, http.StatusUnauthorized, Fault{Code: "UNAUTHORIZED.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "Unauthorized"})
	case !identified(r):
		refuse(w, http.StatusBadRequest, Fault{Code: "MISSING_REQUEST_HEADER.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "A header is missing"})
	default:
		return true
	}
	return false
}

// spend uses up one request of the allotment, and reports whether there was one.
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
	return fakeserver.RetryAfter(pause, Refused(http.StatusTooManyRequests, Fault{Code: "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "Too many requests"}))
}
