package adobecommercetest

import (
	"encoding/json"
	"net/http"
	"regexp"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
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
	if s.Take(w, r, call) {
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

// permits reports whether a request has the token, and the right.
func (s *Shop) permits(w http.ResponseWriter, r *http.Request, call Call) bool {
	s.mu.Lock()
	want, needs := "Bearer "+s.token, resource(call)
	denied := s.denied.Has(needs)
	s.mu.Unlock()
	switch {
	case needs == "":
		refuse(w, failure{http.StatusNotFound, "Request does not match any route.", nil})
	case denied, !fakeserver.Same(r.Header.Get("Authorization"), want):
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
	raw, err := fakeserver.ReadBody(w, r, maxBody)
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

// Error answers with an error of the shop.
func Error(status int, message string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, failure{status, message, nil}) })
}

func refuse(w http.ResponseWriter, why failure) {
	out := map[string]any{"message": why.message}
	if why.parameters != nil {
		out["parameters"] = why.parameters
	}
	fakeserver.JSON(w, why.status, out)
}
