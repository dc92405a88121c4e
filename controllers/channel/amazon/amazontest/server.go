// Package amazontest is Amazon's Selling Partner API for tests and demonstrations: listings, feeds with
// their documents, and the stock of External Fulfillment. It remembers quantities, hands out tokens, and
// fails as it is told to.
package amazontest

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds a request's body, in bytes.
const maxBody = 16 << 20

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
	fakeserver.Controls[Call] // operations, also those that failed: tokens and documents are none

	clock clock.PassiveClock

	mu        fakeserver.Mutex
	access    access
	listings  []*Listing
	refused   sets.Set[string]
	frozen    bool
	inventory map[LocationSKU]Stock
	feeds     feeds
}

// New makes an Amazon without listings, which tells the time by a clock. Credentials are the values of
// clientId, clientSecret and refreshToken that it accepts.
func New(c clock.PassiveClock, credentials map[string][]byte) *Server {
	return &Server{
		clock: c, refused: sets.New[string](), inventory: map[LocationSKU]Stock{},
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
	body, err := fakeserver.ReadBody(w, req, maxBody)
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
	if r, groups := find(req); r != nil {
		call := Call{r.name, req.Method, path, req.URL.Query(), req.Header.Clone(), body}
		call.Header.Set("Host", req.Host)
		s.operate(w, req, r, call, unescaped(groups))
		return
	}
	refuse(w, http.StatusNotFound, "NotFound", "there is no operation "+req.Method+" "+path)
}

// find returns the operation of a request, and its parameters; nil for none.
func find(req *http.Request) (*route, []string) {
	for i, r := range routes {
		if groups := r.path.FindStringSubmatch(req.URL.EscapedPath()); groups != nil && r.method == req.Method {
			return &routes[i], groups[1:]
		}
	}
	return nil, nil
}

// IsOperation reports whether a request is one of an operation.
func IsOperation(req *http.Request) bool {
	r, _ := find(req)
	return r != nil
}

// Writes reports whether a request is one of an operation that changes something.
func Writes(req *http.Request) bool {
	r, _ := find(req)
	return r != nil && r.write
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
func (s *Server) operate(w http.ResponseWriter, req *http.Request, r *route, call Call, params []string) {
	s.Record(call)
	s.mu.Lock()
	why := s.access.refusal(call.Header.Get("x-amz-access-token"), s.clock.Now().Unix())
	s.mu.Unlock()
	if why != "" {
		refuse(w, http.StatusForbidden, "Unauthorized", why)
		return
	}
	if s.Intercept(w, req, call) {
		return
	}
	s.mu.Lock()
	status, out := r.handle(s, call, params)
	s.mu.Unlock()
	if r.write {
		s.Lose()
	}
	w.Header().Set("x-amzn-RateLimit-Limit", strconv.FormatFloat(r.rate, 'f', -1, 64))
	fakeserver.JSON(w, status, out)
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
	fakeserver.JSON(w, status, failed(code, message))
}
