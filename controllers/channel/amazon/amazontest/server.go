// Package amazontest is Amazon's Selling Partner API for tests and demonstrations: listings, feeds with
// their documents, and the stock of External Fulfillment. It remembers quantities, hands out tokens, and
// fails as it is told to.
package amazontest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
)

const (
	// maxBody bounds a request's body, in bytes.
	maxBody = 16 << 20

	// maxCalls is how many calls a Server remembers; the oldest go first.
	maxCalls = 10_000
)

// Call is a request that came, but for those for tokens.
type Call struct {
	Operation string
	Method    string
	// Path is as it was sent, with its escapes.
	Path   string
	Query  url.Values
	Header http.Header
	Body   []byte
}

// Server is Amazon. All methods are safe for concurrent use.
type Server struct {
	clock clock.PassiveClock

	mu        sync.Mutex
	access    access
	listings  []*Listing
	refused   sets.Set[string]
	frozen    bool
	inventory map[Place]Stock
	feeds     feeds
	calls     []Call
	answer    http.Handler
	gate      chan struct{} // writes wait until it is closed; nil to go on at once
	losing    bool
	onWrite   func(operation string)
}

// New makes an Amazon without listings, which tells the time by a clock. Credentials are the values of
// clientId, clientSecret and refreshToken that it accepts.
func New(c clock.PassiveClock, credentials map[string][]byte) *Server {
	return &Server{
		clock: c, refused: sets.New[string](), inventory: map[Place]Stock{},
		access: access{credentials: credentials, tokens: map[string]int64{}},
		feeds:  feeds{byID: map[string]*Feed{}, documents: map[string]*document{}, end: "DONE"},
	}
}

// route is an operation.
type route struct {
	name, method string
	path         *regexp.Regexp // its groups are given to the handler, without their escapes
	rate         float64        // requests a second, by the model
	write        bool
	handle       func(s *Server, call Call, params []string) (int, any)
}

var routes = []route{
	{"patchListingsItem", http.MethodPatch, regexp.MustCompile(`^/listings/2021-08-01/items/([^/]+)/([^/]+)$`), 5, true, (*Server).patchListing},
	{"getListingsItem", http.MethodGet, regexp.MustCompile(`^/listings/2021-08-01/items/([^/]+)/([^/]+)$`), 5, false, (*Server).getListing},
	{"searchListingsItems", http.MethodGet, regexp.MustCompile(`^/listings/2021-08-01/items/([^/]+)$`), 5, false, (*Server).searchListings},
	{"createFeedDocument", http.MethodPost, regexp.MustCompile(`^/feeds/2021-06-30/documents$`), 0.5, false, (*Server).createDocument},
	{"createFeed", http.MethodPost, regexp.MustCompile(`^/feeds/2021-06-30/feeds$`), 0.0083, true, (*Server).createFeed},
	{"getFeed", http.MethodGet, regexp.MustCompile(`^/feeds/2021-06-30/feeds/([^/]+)$`), 2, false, (*Server).getFeed},
	{"getFeeds", http.MethodGet, regexp.MustCompile(`^/feeds/2021-06-30/feeds$`), 0.0222, false, (*Server).getFeeds},
	{"getFeedDocument", http.MethodGet, regexp.MustCompile(`^/feeds/2021-06-30/documents/([^/]+)$`), 0.0222, false, (*Server).getDocument},
	{"batchInventory", http.MethodPost, regexp.MustCompile(`^/externalFulfillment/inventory/2024-09-11/inventories$`), 50, true, (*Server).batchInventory},
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		refuse(w, http.StatusRequestEntityTooLarge, "InvalidInput", "the body cannot be read")
		return
	}
	path := req.URL.EscapedPath()
	switch {
	case path == TokenPath:
		s.token(w, body)
		return
	case storagePath.MatchString(path):
		s.store(w, req, body)
		return
	}
	for _, r := range routes {
		if groups := r.path.FindStringSubmatch(path); groups != nil && r.method == req.Method {
			call := Call{r.name, req.Method, path, req.URL.Query(), req.Header.Clone(), body}
			call.Header.Set("Host", req.Host)
			s.operate(w, req, r, call, unescaped(groups[1:]))
			return
		}
	}
	refuse(w, http.StatusNotFound, "NotFound", "there is no operation "+req.Method+" "+path)
}

func unescaped(params []string) []string {
	out := slices.Clone(params)
	for i, p := range params {
		if plain, err := url.PathUnescape(p); err == nil {
			out[i] = plain
		}
	}
	return out
}

// operate carries an operation out.
func (s *Server) operate(w http.ResponseWriter, req *http.Request, r route, call Call, params []string) {
	s.mu.Lock()
	s.calls = append(s.calls, call)
	s.calls = s.calls[max(0, len(s.calls)-maxCalls):]
	why := s.access.refusal(call.Header.Get("x-amz-access-token"), s.clock.Now().Unix())
	answer, gate, onWrite := s.answer, s.gate, s.onWrite
	s.mu.Unlock()
	switch {
	case why != "":
		refuse(w, http.StatusForbidden, "Unauthorized", why)
		return
	case answer != nil:
		answer.ServeHTTP(w, req)
		return
	}
	if r.write {
		if onWrite != nil {
			onWrite(r.name)
		}
		if gate != nil {
			<-gate
		}
	}
	s.mu.Lock()
	status, out := r.handle(s, call, params)
	lose := s.losing && r.write
	s.mu.Unlock()
	if lose {
		panic(http.ErrAbortHandler) // cuts the connection
	}
	w.Header().Set("x-amzn-RateLimit-Limit", strconv.FormatFloat(r.rate, 'f', -1, 64))
	writeJSON(w, status, out)
}

// errorList is how Amazon refuses.
type errorList struct {
	Errors []errorEntry `json:"errors"`
}

type errorEntry struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Details string `json:"details,omitempty"`
}

func failed(code, message string) errorList {
	return errorList{[]errorEntry{{Code: code, Message: message}}}
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, failed(code, message))
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here means that the caller is gone
}
