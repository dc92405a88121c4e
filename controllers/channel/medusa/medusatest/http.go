package medusatest

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

const (
	// maxParameters is how many parameters of a query are read; the others are dropped without a word.
	maxParameters = 1000

	// maxHead bounds the first line of a request with its headers, in bytes, as Node.js does.
	maxHead = 16 << 10

	// maxBody bounds a body, in bytes.
	maxBody = 2 << 20

	// defaultLimit is how many objects a list has unless told.
	defaultLimit = 20
)

// failure is an error as Medusa reports it.
type failure struct {
	Type    string `json:"type,omitempty"`
	Message string `json:"message"`
}

func refuse(w http.ResponseWriter, status int, kind, format string, args ...any) {
	fakeserver.JSON(w, status, failure{kind, fmt.Sprintf(format, args...)})
}

func invalid(w http.ResponseWriter, format string, args ...any) {
	refuse(w, http.StatusBadRequest, "invalid_data", format, args...)
}

func notFound(w http.ResponseWriter, format string, args ...any) {
	refuse(w, http.StatusNotFound, "not_found", format, args...)
}

// permits reports whether a request carries the key: as user name of Basic, with or without its encoding.
func (s *Server) permits(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return false
	}
	if !strings.HasPrefix(token, "sk_") {
		raw, err := base64.StdEncoding.DecodeString(token)
		if err != nil {
			return false
		}
		token = string(raw)
	}
	return fakeserver.Same(strings.TrimSuffix(token, ":"), s.key)
}

// query is what a list is asked for.
type query struct {
	filters       map[string][]string
	limit, offset int
}

// readQuery reads the query of a list that can be filtered by some fields, or answers why it cannot.
func readQuery(w http.ResponseWriter, r *http.Request, fields ...string) (query, bool) {
	if len(r.URL.RequestURI()) > maxHead {
		w.WriteHeader(http.StatusRequestHeaderFieldsTooLarge)
		return query{}, false
	}
	out := query{filters: map[string][]string{}, limit: defaultLimit}
	parameters := strings.Split(r.URL.RawQuery, "&")
	for _, parameter := range parameters[:min(len(parameters), maxParameters)] {
		name, value, _ := strings.Cut(parameter, "=")
		name, _ = url.QueryUnescape(name)
		value, _ = url.QueryUnescape(value)
		switch name = strings.TrimSuffix(name, "[]"); {
		case name == "" || name == "fields":
		case name == "limit":
			out.limit, _ = strconv.Atoi(value)
		case name == "offset":
			out.offset, _ = strconv.Atoi(value)
		case slices.Contains(fields, name):
			out.filters[name] = append(out.filters[name], value)
		default:
			invalid(w, "Invalid request: Unrecognized fields: '%s'", name)
			return query{}, false
		}
	}
	return out, true
}

// page returns what of all objects is listed.
func page[T any](q query, all []T) []T {
	from := min(q.offset, len(all))
	return append([]T{}, all[from:min(from+q.limit, len(all))]...) // an empty list is no null
}

// readBody decodes a body without fields that Medusa does not know, or answers why it cannot.
func readBody(w http.ResponseWriter, r *http.Request, into any) bool {
	raw, err := fakeserver.ReadBody(w, r, maxBody)
	if err == nil {
		err = fakeserver.DecodeStrict(raw, into)
	}
	if err != nil {
		invalid(w, "Invalid request: %v", err)
	}
	return err == nil
}

// optional is a field that a body may leave out.
type optional[T cmp.Ordered] struct {
	value T
	set   bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optional[T]) UnmarshalJSON(raw []byte) error {
	o.set = !bytes.Equal(raw, []byte("null"))
	return json.Unmarshal(raw, &o.value)
}
