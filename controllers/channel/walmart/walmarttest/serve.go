package walmarttest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
)

const maxBody = 8 << 20

// Fault is an error in an answer.
type Fault struct {
	Code        string `json:"code"`
	Category    string `json:"category,omitempty"`
	Severity    string `json:"severity,omitempty"`
	Type        string `json:"type,omitempty"`
	Field       string `json:"field,omitempty"`
	Description string `json:"description"`
}

func noContent(what string) Fault {
	return Fault{Code: "CONTENT_NOT_FOUND.GMP_INVENTORY_API", Category: "DATA", Severity: "ERROR", Field: "sku", Description: what + " not found"}
}

// refuse answers in the shape of the API: an object with a list.
func refuse(w http.ResponseWriter, status int, faults ...Fault) {
	writeJSON(w, status, map[string]any{"errors": map[string]any{"error": faults}})
}

// Refused answers with a status and errors.
func Refused(status int, faults ...Fault) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, faults...) })
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here means that the caller is gone
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v3/token" {
		s.token(w, r)
		return
	}
	body := content(r)
	s.mu.Lock()
	s.requests = append(s.requests, Request{r.Method + " " + r.URL.RequestURI(), r.Header, string(body)})
	s.mu.Unlock()
	if !s.permits(w, r) || !s.admit(r) {
		return
	}
	s.mu.Lock()
	answer := s.answers[r.URL.Path]
	if answer == nil {
		answer = s.answers[""]
	}
	s.mu.Unlock()
	if answer != nil {
		answer.ServeHTTP(w, r)
		return
	}
	s.route(w, r, body)
}

func (s *Server) route(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method != http.MethodGet && !s.spend(w) {
		return
	}
	id := func(prefix string) string { // the escaped path keeps a slash in a SKU apart
		out, _ := url.PathUnescape(strings.TrimPrefix(r.URL.EscapedPath(), prefix))
		return out
	}
	query := r.URL.Query()
	switch path := r.URL.EscapedPath(); {
	case path == "/v3/inventory" && r.Method == http.MethodPut:
		s.putTotal(w, query.Get("sku"), query.Get("shipNode"), body)
	case path == "/v3/inventory":
		s.getTotal(w, query.Get("sku"), query.Get("shipNode"))
	case strings.HasPrefix(path, "/v3/inventories/") && r.Method == http.MethodPut:
		s.putNodes(w, id("/v3/inventories/"), body)
	case strings.HasPrefix(path, "/v3/inventories/"):
		s.getNodes(w, id("/v3/inventories/"))
	case path == "/v3/feeds" && r.Method == http.MethodPost:
		s.submit(w, query.Get("feedType"), query.Get("shipNode"), body)
	case path == "/v3/feeds":
		s.list(w)
	case strings.HasPrefix(path, "/v3/feeds/"):
		s.report(w, id("/v3/feeds/"), query)
	default:
		refuse(w, http.StatusNotFound, Fault{Code: "URI_NOT_FOUND.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: "No such resource"})
	}
}

// content reads the body of a request, or the file in it.
func content(r *http.Request) []byte {
	reader := io.LimitReader(r.Body, maxBody)
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		file, _, err := r.FormFile("file")
		if err != nil {
			return nil
		}
		reader = io.LimitReader(file, maxBody)
	}
	out, _ := io.ReadAll(reader)
	return out
}

// admit waits while calls are held. It returns false when the sender has gone.
func (s *Server) admit(r *http.Request) bool {
	s.mu.Lock()
	gate, onCall := s.gate, s.onCall
	s.mu.Unlock()
	if gate == nil {
		return true
	}
	if onCall != nil {
		onCall()
	}
	select {
	case <-gate:
		return r.Context().Err() == nil
	case <-r.Context().Done():
		return false
	}
}
