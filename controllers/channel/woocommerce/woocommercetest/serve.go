package woocommercetest

import (
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds a call's body, in bytes.
const maxBody = 8 << 20

// apiPath is where the API lies.
const apiPath = "/wp-json/wc/v3"

var variationsPath = regexp.MustCompile(`^/products/(\d+)/variations/batch$`)

// batchBody is the body of a batch. Fields are those of the answer that are wanted.
type batchBody struct {
	Update []Update `json:"update"`
	Fields []string `json:"_fields"`
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, path, isAPI := strings.Cut(r.URL.Path, apiPath)
	if !isAPI {
		http.NotFound(w, r)
		return
	}
	if !s.permits(w, r) {
		return
	}
	var body batchBody
	if r.Method == http.MethodPost {
		if fakeserver.DecodeBody(w, r, maxBody, &body) != nil {
			refuse(w, Refusal{"rest_invalid_json", "Invalid JSON body passed.", http.StatusBadRequest})
			return
		}
	}
	call := Call{Method: r.Method, Path: path, SKUs: r.URL.Query().Get("sku"), Updates: body.Update}
	if s.Take(w, r, call) {
		return
	}
	variations := variationsPath.FindStringSubmatch(path)
	switch {
	case r.Method == http.MethodGet && path == "/products":
		s.list(w, r)
	case r.Method == http.MethodGet && path == "/settings/products/woocommerce_manage_stock":
		s.setting(w)
	case r.Method == http.MethodPost && path == "/products/batch":
		s.batch(w, body, 0)
	case r.Method == http.MethodPost && variations != nil:
		parent, _ := strconv.ParseInt(variations[1], 10, 64)
		s.batch(w, body, parent)
	default:
		refuse(w, Refusal{"rest_no_route", "No route was found matching the URL and request method.", http.StatusNotFound})
	}
}

// permits reports whether a request has the key, and may do what it wants.
func (s *Shop) permits(w http.ResponseWriter, r *http.Request) bool {
	key, secret, ok := r.BasicAuth()
	if !ok {
		key, secret = r.URL.Query().Get("consumer_key"), r.URL.Query().Get("consumer_secret")
	}
	s.mu.Lock()
	wantKey, wantSecret, readOnly := s.key, s.secret, s.readOnly
	s.mu.Unlock()
	switch {
	case !fakeserver.Same(key, wantKey):
		refuse(w, Refusal{"woocommerce_rest_cannot_view", "Sorry, you cannot list resources.", http.StatusUnauthorized})
	case !fakeserver.Same(secret, wantSecret):
		refuse(w, Refusal{"woocommerce_rest_authentication_error", "Consumer secret is invalid.", http.StatusUnauthorized})
	case readOnly && r.Method != http.MethodGet:
		refuse(w, Refusal{"woocommerce_rest_authentication_error", "The API key provided does not have write permissions.", http.StatusUnauthorized})
	default:
		return true
	}
	return false
}

// list answers a look-up.
func (s *Shop) list(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	perPage, page := number(query.Get("per_page"), 10), number(query.Get("page"), 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.matching(query.Get("sku"))
	pages := int(math.Ceil(float64(len(found)) / float64(perPage)))
	rows := []any{}
	for _, p := range found[min(len(found), (page-1)*perPage):min(len(found), page*perPage)] {
		rows = append(rows, s.show(p))
	}
	w.Header().Set("X-WP-Total", strconv.Itoa(len(found)))
	w.Header().Set("X-WP-TotalPages", strconv.Itoa(pages))
	fakeserver.JSON(w, http.StatusOK, pickEach(rows, strings.Split(query.Get("_fields"), ",")))
}

func number(text string, otherwise int) int {
	if n, err := strconv.Atoi(text); err == nil && n > 0 {
		return n
	}
	return otherwise
}

func (s *Shop) setting(w http.ResponseWriter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.private {
		refuse(w, Refusal{"woocommerce_rest_cannot_view", "Sorry, you cannot view this resource.", http.StatusForbidden})
		return
	}
	value := "yes"
	if s.noStock {
		value = "no"
	}
	fakeserver.JSON(w, http.StatusOK, map[string]string{"id": "woocommerce_manage_stock", "value": value})
}
