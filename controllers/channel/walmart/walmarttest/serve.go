package walmarttest

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

const maxBody = 8 << 20

// TokenPath is where tokens are given.
const TokenPath = "/v3/token"

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
	fakeserver.JSON(w, status, map[string]any{"errors": map[string]any{"error": faults}})
}

// Refused answers with a status and errors.
func Refused(status int, faults ...Fault) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, faults...) })
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == TokenPath {
		s.token(w, r)
		return
	}
	body, err := content(w, r)
	if err != nil {
		refuse(w, http.StatusBadRequest, Fault{Code: "INVALID_REQUEST_CONTENT.GMP_GATEWAY_API", Category: "DATA", Severity: "ERROR", Description: err.Error()})
		return
	}
	call := Request{r.Method + " " + r.URL.RequestURI(), r.Header, string(body)}
	s.Record(call)
	if !s.permits(w, r) || s.Intercept(w, r, call) {
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

// content reads the body of a request, or the file in it; it is an error if it is too long, cut, or holds no file.
func content(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		return fakeserver.ReadBody(w, r, maxBody)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	file, _, err := r.FormFile("file")
	if err != nil {
		return nil, err
	}
	return io.ReadAll(file)
}
