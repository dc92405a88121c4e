// Package medusatest is a Medusa server for tests and demonstrations: of its Admin API, what the
// connector calls, and what it takes to make items and locations. Answers and refusals are those of
// Medusa 2.21, as far as the connector can see them.
package medusatest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Level is the stock of an item at a location.
type Level struct {
	Stocked, Reserved float64
}

// itemLocation is where a level is.
type itemLocation struct{ itemID, locationID string }

// Server is a Medusa server. All methods are safe for concurrent use.
type Server struct {
	key string
	mux *http.ServeMux

	mu        fakeserver.Mutex
	made      int               // ids given
	items     map[string]string // SKU by id
	locations sets.Set[string]
	levels    map[itemLocation]Level
}

// New makes an empty server that lets in one secret API key.
func New(key string) *Server {
	s := &Server{
		key: key, mux: http.NewServeMux(),
		items: map[string]string{}, locations: sets.New[string](), levels: map[itemLocation]Level{},
	}
	s.mux.HandleFunc("GET /admin/stock-locations", s.listLocations)
	s.mux.HandleFunc("POST /admin/stock-locations", s.createLocation)
	s.mux.HandleFunc("GET /admin/inventory-items", s.listItems)
	s.mux.HandleFunc("POST /admin/inventory-items", s.createItem)
	s.mux.HandleFunc("POST /admin/inventory-items/{id}", s.updateItem)
	s.mux.HandleFunc("DELETE /admin/inventory-items/{id}", s.deleteItem)
	s.mux.HandleFunc("POST /admin/inventory-items/location-levels/batch", s.batch)
	s.mux.HandleFunc("POST /admin/reservations", s.reserve)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.permits(r) {
		fakeserver.JSON(w, http.StatusUnauthorized, failure{Message: "Unauthorized"})
		return
	}
	s.mux.ServeHTTP(w, r)
}

// Item makes an inventory item and returns its id. Unlike Medusa, it lets two have the same SKU.
func (s *Server) Item(sku string) (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = s.id("iitem")
	s.items[id] = sku
	return id
}

// Location makes a stock location and returns its id.
func (s *Server) Location() (id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id = s.id("sloc")
	s.locations.Insert(id)
	return id
}

// Level returns the level of an item at a location, and whether it is stocked there.
func (s *Server) Level(itemID, locationID string) (Level, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, ok := s.levels[itemLocation{itemID, locationID}]
	return l, ok
}

// SetLevel makes or changes a level, in ways that the API does not offer.
func (s *Server) SetLevel(itemID, locationID string, l Level) {
	s.mu.Do(func() { s.levels[itemLocation{itemID, locationID}] = l })
}

// id returns a new id.
func (s *Server) id(prefix string) string {
	s.made++
	return fmt.Sprintf("%s_%026d", prefix, s.made)
}

// sortedItems returns the ids of all items whose id or SKU is among some values; all where there are no
// values.
func (s *Server) sortedItems(ids, skus []string) []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(s.items)) {
		if (ids == nil || slices.Contains(ids, id)) && (skus == nil || slices.Contains(skus, s.items[id])) {
			out = append(out, id)
		}
	}
	return out
}
