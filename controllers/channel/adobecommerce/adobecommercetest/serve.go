package adobecommercetest

import (
	"crypto/subtle"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
)

// maxBody bounds a call's body, in bytes.
const maxBody = 8 << 20

var (
	restPath   = regexp.MustCompile(`/rest/[A-Za-z0-9_]+(/.*)$`)
	statusPath = regexp.MustCompile(`^/V1/bulk/([0-9a-f-]{36})/status$`)
)

// saveBody is one call of the service that stores quantities.
type saveBody struct {
	SourceItems []SourceItem `json:"sourceItems"`
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := restPath.FindStringSubmatch(r.URL.Path)
	if path == nil {
		http.NotFound(w, r)
		return
	}
	call := Call{Method: r.Method, Path: path[1]}
	if !s.permits(w, r, call) {
		return
	}
	elements, ok := readElements(w, r, call)
	if !ok {
		return
	}
	for _, items := range elements {
		call.Items = append(call.Items, items...)
	}
	if !s.admit(r, call) || s.answeredBy(w, r, call) {
		return
	}
	id := statusPath.FindStringSubmatch(call.Path)
	switch {
	case id != nil && r.Method == http.MethodGet:
		s.status(w, id[1])
	case call.Queues():
		s.queue(w, elements)
	case r.Method == http.MethodPost:
		s.save(w, call.Items)
	default:
		s.search(w, r, call.Path)
	}
}

// resource is what a call needs the right to; empty for one that does not exist.
func resource(call Call) string {
	switch call.Method + " " + call.Path {
	case "GET /V1/products":
		return Products
	case "GET /V1/inventory/sources", "GET /V1/inventory/source-items":
		return Sources
	case "POST /V1/inventory/source-items", "POST /async/bulk/V1/inventory/source-items":
		return Save
	}
	if call.Method == http.MethodGet && statusPath.MatchString(call.Path) {
		return Bulks
	}
	return ""
}

// permits tells whether a request has the token, and the right.
func (s *Shop) permits(w http.ResponseWriter, r *http.Request, call Call) bool {
	s.mu.Lock()
	want, needs := "Bearer "+s.token, resource(call)
	denied := s.denied.Has(needs)
	s.mu.Unlock()
	switch {
	case needs == "":
		refuse(w, failure{http.StatusNotFound, "Request does not match any route.", nil})
	case denied, subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(want)) == 0:
		refuse(w, failure{http.StatusUnauthorized, "The consumer isn't authorized to access %resources.", map[string]any{"resources": needs}})
	default:
		return true
	}
	return false
}

// readElements reads the lists of items in a body, or answers why it cannot.
func readElements(w http.ResponseWriter, r *http.Request, call Call) ([][]SourceItem, bool) {
	if r.Method != http.MethodPost {
		return nil, true
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	bodies := make([]saveBody, 1)
	if err == nil && call.Queues() {
		err = json.Unmarshal(raw, &bodies)
	} else if err == nil {
		err = json.Unmarshal(raw, &bodies[0])
	}
	if err != nil {
		refuse(w, failure{http.StatusBadRequest, "Decoding error: " + err.Error(), nil})
		return nil, false
	}
	var out [][]SourceItem
	for _, body := range bodies {
		out = append(out, body.SourceItems)
	}
	return out, true
}

// admit records a call and waits while calls are held. It returns false when its sender has gone.
func (s *Shop) admit(r *http.Request, call Call) bool {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	s.calls = s.calls[max(0, len(s.calls)-maxCalls):]
	g, onCall := s.gate, s.onCall
	s.mu.Unlock()
	if onCall != nil {
		onCall(call)
	}
	if g == nil || !g.holds(call) {
		return true
	}
	select {
	case <-g.open:
		return r.Context().Err() == nil
	case <-r.Context().Done():
		return false
	}
}

// answeredBy lets somebody else answer.
func (s *Shop) answeredBy(w http.ResponseWriter, r *http.Request, call Call) bool {
	s.mu.Lock()
	choose := s.answer
	s.mu.Unlock()
	if choose == nil {
		return false
	}
	h := choose(call)
	if h != nil {
		h.ServeHTTP(w, r)
	}
	return h != nil
}

// Error answers with an error of the shop.
func Error(status int, message string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, failure{status, message, nil}) })
}

func refuse(w http.ResponseWriter, why failure) {
	out := map[string]any{"message": why.message}
	if why.parameters != nil {
		out["parameters"] = why.parameters
	}
	writeJSON(w, why.status, out)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here means that the caller is gone
}
