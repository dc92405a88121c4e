// Package woocommercetest is a WooCommerce shop for tests and demonstrations: as much of version 3 of its
// REST API as a stock connector meets, with its traps, after WooCommerce's REST controllers.
package woocommercetest

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Types of products.
const (
	Simple    = "simple"
	Variable  = "variable"
	Variation = "variation"
	Grouped   = "grouped"
	External  = "external"
)

// Product is a product or a variation.
type Product struct {
	ID     int64
	Parent int64 // of a variation
	Type   string
	SKU    string
	// Managed reports whether the product has a quantity of its own.
	Managed  bool
	Quantity int64
	// OutOfStock is the status of a product that is not managed.
	OutOfStock bool
}

// Call is a request with the right credentials.
type Call struct {
	Method, Path string
	// SKUs is the parameter of a look-up, as it came.
	SKUs string
	// Updates are those of a batch.
	Updates []Update
}

// Update is one item of a batch.
type Update struct {
	ID            int64  `json:"id"`
	ManageStock   *bool  `json:"manage_stock"`
	StockQuantity *int64 `json:"stock_quantity"`
}

// Refusal is the error that a product gives.
type Refusal struct {
	Code, Message string
	Status        int
}

// Shop is a shop. All methods are safe for concurrent use.
type Shop struct {
	fakeserver.Controls[Call]

	mu       fakeserver.Mutex
	products []*Product
	lastID   int64
	key      string
	secret   string
	readOnly bool
	limit    int  // of a batch
	noStock  bool // the shop keeps no stock
	noSKUs   bool
	private  bool // settings are not shown
	refusals map[string]Refusal
	crashing sets.Set[string]
	padding  int
}

// New makes a shop without products, that everybody with a key and secret may change.
func New(key, secret string) *Shop {
	return &Shop{key: key, secret: secret, limit: 100, refusals: map[string]Refusal{}, crashing: sets.New[string](), lastID: 100}
}

// Add adds a product with a new identifier, which it returns.
func (s *Shop) Add(p Product) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastID++
	p.ID = s.lastID
	s.products = append(s.products, &p)
	return p.ID
}

// Remove takes a product away.
func (s *Shop) Remove(id int64) {
	s.mu.Do(func() { s.products = slices.DeleteFunc(s.products, func(p *Product) bool { return p.ID == id }) })
}

// Rename gives every product with a SKU another one.
func (s *Shop) Rename(from, to string) {
	s.mu.Do(func() {
		for _, p := range s.products {
			if p.SKU == from {
				p.SKU = to
			}
		}
	})
}

// Edit changes a product.
func (s *Shop) Edit(id int64, edit func(*Product)) {
	s.mu.Do(func() { edit(s.find(id)) })
}

// Products returns all products with a SKU.
func (s *Shop) Products(sku string) []Product {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Product
	for _, p := range s.products {
		if p.SKU == sku {
			out = append(out, *p)
		}
	}
	return out
}

// SetKey changes what the shop wants.
func (s *Shop) SetKey(key, secret string) { s.mu.Do(func() { s.key, s.secret = key, secret }) }

// SetReadOnly chooses whether the key may only read.
func (s *Shop) SetReadOnly(readOnly bool) { s.mu.Do(func() { s.readOnly = readOnly }) }

// SetLimit changes how many products a batch may hold.
func (s *Shop) SetLimit(limit int) { s.mu.Do(func() { s.limit = limit }) }

// KeepStock chooses whether the shop keeps stock: its setting of that name.
func (s *Shop) KeepStock(keep bool) { s.mu.Do(func() { s.noStock = !keep }) }

// UseSKUs chooses whether products have SKUs: without, the parameter of a look-up is ignored.
func (s *Shop) UseSKUs(use bool) { s.mu.Do(func() { s.noSKUs = !use }) }

// HideSettings chooses whether the key may not see settings.
func (s *Shop) HideSettings(hide bool) { s.mu.Do(func() { s.private = hide }) }

// Pad makes every product that is answered in full longer by so many bytes.
func (s *Shop) Pad(bytes int) { s.mu.Do(func() { s.padding = bytes }) }

// Refuse makes updates of a SKU fail, until it is called with an empty Refusal.
func (s *Shop) Refuse(sku string, why Refusal) {
	s.mu.Do(func() {
		delete(s.refusals, sku)
		if why != (Refusal{}) {
			s.refusals[sku] = why
		}
	})
}

// Crash makes PHP end with an error whenever one of these SKUs is updated, which ends the whole call.
// What comes before in the call is stored.
func (s *Shop) Crash(skus ...string) { s.mu.Do(func() { s.crashing = sets.New(skus...) }) }

// find returns a product; nil for none.
func (s *Shop) find(id int64) *Product {
	for _, p := range s.products {
		if p.ID == id {
			return p
		}
	}
	return nil
}

// matching returns the products that a look-up finds: the database does not tell upper from lower case.
func (s *Shop) matching(parameter string) []*Product {
	wanted := strings.Split(parameter, ",")
	if len(wanted) > 1 {
		wanted = append(wanted, parameter)
	}
	var out []*Product
	for _, p := range s.products {
		found := slices.ContainsFunc(wanted, func(sku string) bool { return p.SKU != "" && strings.EqualFold(sku, p.SKU) })
		if s.noSKUs || parameter == "" {
			found = p.Type != Variation
		}
		if found {
			out = append(out, p)
		}
	}
	return out
}
