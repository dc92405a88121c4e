// Package odootest is an Odoo database for tests and demonstrations: of its JSON-2 API, what the
// connector calls. Answers and refusals are those of Odoo 19, as far as the connector can see them.
package odootest

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// maxBody bounds a body, in bytes.
const maxBody = 16 << 20

// Product is a variant. The zero Tracking stands for none.
type Product struct {
	SKU      string
	Archived bool
	Service  bool   // has no stock
	Tracking string // lot or serial
	Poison   bool   // what is stored of it violates a constraint
}

// Location is a stock location. The zero Usage stands for internal.
type Location struct {
	Name  string // complete
	Usage string
}

// Quant is the stock of a product at a location. Zero is false in Odoo's words: without lot, package
// and owner.
type Quant struct {
	ProductID, LocationID      int64
	LotID, PackageID, OwnerID  int64
	Quantity, ReservedQuantity float64
}

// Server is a database with one API key. All methods are safe for concurrent use.
type Server struct {
	fakeserver.Controls[string] // "model/method", with the right key

	key, database string

	mu        fakeserver.Mutex
	made      int64 // ids given
	products  map[int64]Product
	locations map[int64]Location
	quants    map[int64]Quant
	moves     []string // names of the stock moves booked
}

// New makes an empty database. A name that is not empty must be told by every call.
func New(key, database string) *Server {
	return &Server{
		key: key, database: database,
		products: map[int64]Product{}, locations: map[int64]Location{}, quants: map[int64]Quant{},
	}
}

func add[T any](s *Server, records map[int64]T, record T) (id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.add(func(id int64) { records[id] = record })
}

func (s *Server) add(store func(id int64)) (id int64) {
	s.made++
	store(s.made)
	return s.made
}

// AddProduct makes a product and returns its id.
func (s *Server) AddProduct(p Product) int64 { return add(s, s.products, p) }

// AddLocation makes a location and returns its id.
func (s *Server) AddLocation(l Location) int64 { return add(s, s.locations, l) }

// AddQuant makes a quant and returns its id. Several of one location are what concurrent bookings make.
func (s *Server) AddQuant(q Quant) int64 { return add(s, s.quants, q) }

// SetProduct changes a product.
func (s *Server) SetProduct(id int64, p Product) { s.mu.Do(func() { s.products[id] = p }) }

// DeleteProduct deletes a product.
func (s *Server) DeleteProduct(id int64) { s.mu.Do(func() { delete(s.products, id) }) }

// Quants returns the stock of a product.
func (s *Server) Quants(productID int64) []Quant {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Quant
	for _, id := range slices.Sorted(maps.Keys(s.quants)) {
		if s.quants[id].ProductID == productID {
			out = append(out, s.quants[id])
		}
	}
	return out
}

// Moves returns the names of the stock moves that were booked.
func (s *Server) Moves() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.moves)
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := fakeserver.ReadBody(w, r, maxBody)
	if err != nil {
		return
	}
	out, err := s.serve(r, body)
	if err != nil {
		refuse(w, err)
		return
	}
	fakeserver.JSON(w, http.StatusOK, out)
}

func (s *Server) serve(r *http.Request, body []byte) (any, error) {
	path, ok := strings.CutPrefix(r.URL.Path, "/json/2/")
	if !ok || r.Method != http.MethodPost {
		return nil, &exception{http.StatusNotFound, "werkzeug.exceptions.NotFound", "Did you mean POST /json/2/<model>/<method>?"}
	}
	if s.database != "" && r.Header.Get("X-Odoo-Database") != s.database {
		return nil, &exception{http.StatusNotFound, "werkzeug.exceptions.NotFound", "no database is selected"}
	}
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "bearer") || !fakeserver.Same(key, s.key) {
		return nil, &exception{http.StatusUnauthorized, "werkzeug.exceptions.Unauthorized", "Invalid apikey"}
	}
	s.Record(path)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch path {
	case "product.product/search_read":
		return searchRead(body, s.productRecords())
	case "stock.location/search_read":
		return searchRead(body, s.locationRecords())
	case "stock.quant/search_read":
		return searchRead(body, s.quantRecords())
	case "stock.quant/create":
		return s.create(body)
	}
	model, _, _ := strings.Cut(path, "/")
	return nil, &exception{http.StatusNotFound, "werkzeug.exceptions.NotFound", "the model '" + model + "' does not exist"}
}

// exception is an error of Odoo's.
type exception struct {
	status        int
	name, message string
}

func (e *exception) Error() string { return e.name + ": " + e.message }

func refuse(w http.ResponseWriter, err error) {
	e := &exception{http.StatusInternalServerError, "builtins.Exception", err.Error()}
	_ = errors.As(err, &e)
	fakeserver.JSON(w, e.status, map[string]any{
		"name": e.name, "message": e.message, "arguments": []any{e.message, e.status}, "context": struct{}{},
		"debug": "Traceback (most recent call last):\n  File \"odoo/http.py\", line 1\n" + e.Error(),
	})
}
