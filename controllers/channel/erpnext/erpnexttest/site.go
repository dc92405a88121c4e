// Package erpnexttest is an ERPNext site for tests and demonstrations: it lists Items, Warehouses and Bins, and
// books Stock Reconciliations with the checks of the real one, as its source has them.
package erpnexttest

import (
	"maps"
	"slices"
	"strings"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Company owns the warehouses.
const Company = "Acme"

// Item is a product.
type Item struct {
	// Fields hold text by name, as a SKU that is not the name of the item.
	Fields map[string]string
	// NoStock, Disabled, Template, Serial and Batch are items whose quantity cannot be set.
	NoStock, Disabled, Template, Serial, Batch bool
	// Worthless items have no valuation rate from anywhere.
	Worthless bool
	// Refused is why a row with the item is not valid; empty if it is.
	Refused string
}

// Warehouse holds stock.
type Warehouse struct {
	Company         string
	Group, Disabled bool
}

// Shelf is an item in a warehouse.
type Shelf struct{ Item, Warehouse string }

// Site is an ERPNext. All methods are safe for concurrent use.
type Site struct {
	fakeserver.Controls[string] // by method and path

	mu         fakeserver.Mutex
	items      map[string]Item
	warehouses map[string]Warehouse
	bins       map[Shelf]float64
	counted    map[Shelf]bool // by valid documents, whether they changed anything or not
	documents  []Document
	token      string
	draft      bool
}

// New makes a site without items, that wants no token.
func New() *Site {
	return &Site{items: map[string]Item{}, warehouses: map[string]Warehouse{}, bins: map[Shelf]float64{}, counted: map[Shelf]bool{}}
}

// PutItem adds or replaces an item.
func (s *Site) PutItem(name string, it Item) { s.mu.Do(func() { s.items[name] = it }) }

// RenameItem changes the name of an item, which keeps its stock.
func (s *Site) RenameItem(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items[to] = s.items[from]
	delete(s.items, from)
	for shelf, quantity := range maps.Clone(s.bins) {
		if shelf.Item == from {
			delete(s.bins, shelf)
			s.bins[Shelf{to, shelf.Warehouse}] = quantity
		}
	}
}

// Find returns the names of items whose field has a value.
func (s *Site) Find(field, value string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for name, it := range s.items {
		if it.Fields[field] == value {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// PutWarehouse adds or replaces a warehouse.
func (s *Site) PutWarehouse(name string, w Warehouse) { s.mu.Do(func() { s.warehouses[name] = w }) }

// SetQuantity books something else than a Stock Reconciliation.
func (s *Site) SetQuantity(shelf Shelf, quantity float64) {
	s.mu.Do(func() { s.bins[shelf] = quantity })
}

// Quantity returns what a warehouse has of an item, and whether a Stock Reconciliation has said so.
func (s *Site) Quantity(shelf Shelf) (float64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bins[shelf], s.counted[shelf]
}

// Documents returns the Stock Reconciliations so far that were booked.
func (s *Site) Documents() []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.documents)
}

// Require lets in only calls with a token, "key:secret"; empty lets in all.
func (s *Site) Require(token string) { s.mu.Do(func() { s.token = token }) }

// Draft chooses whether documents are kept as drafts, whatever they say.
func (s *Site) Draft(draft bool) { s.mu.Do(func() { s.draft = draft }) }

// same reports whether two texts are the same to MariaDB: without regard to case, and to blanks at the end.
func same(a, b string) bool {
	return strings.EqualFold(strings.TrimRight(a, " "), strings.TrimRight(b, " "))
}
