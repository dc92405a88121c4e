// Package adobecommercetest is a shop of Adobe Commerce for tests and demonstrations: as much of its REST API
// as a stock connector meets, with its traps, after its webapi.xml, service classes and API tests.
package adobecommercetest

import (
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Resources that a token needs rights for.
const (
	Products = "Magento_Catalog::products"
	Sources  = "Magento_InventoryApi::source"
	Save     = "Magento_InventoryApi::stock_source_item_assign"
	Bulks    = "Magento_AsynchronousOperations::system_magento_logging_bulk_operations"
)

// Product is a product.
type Product struct {
	ID   int64
	SKU  string
	Type string // simple unless set
}

// SourceSKU is where a quantity lies.
type SourceSKU struct{ SKU, Source string }

// Stock is a quantity. With status 0 nothing is sold of it.
type Stock struct {
	Quantity float64
	Status   int
}

// SourceItem is a quantity as calls set it.
type SourceItem struct {
	SKU        string   `json:"sku"`
	SourceCode string   `json:"source_code"`
	Quantity   *float64 `json:"quantity"`
	Status     *int     `json:"status"`
}

// Call is a request with the right token.
type Call struct {
	Method, Path string
	// Items are those of a call that stores or queues quantities.
	Items []SourceItem
}

// Queues reports whether a call queues quantities.
func (c Call) Queues() bool { return strings.HasPrefix(c.Path, "/async/") }

// Shop is a shop. All methods are safe for concurrent use.
type Shop struct {
	fakeserver.Controls[Call]

	mu       fakeserver.Mutex
	token    string
	denied   sets.Set[string] // resources
	products []Product
	lastID   int64
	sources  sets.Set[string]
	stock    map[SourceSKU]Stock
	limit    int // of a list in a call; 0 for none
	refused  sets.Set[string]
	failing  map[string]Outcome
	unqueued sets.Set[string]
	bulks    map[string]*bulk
	order    []*bulk
	stopped  bool // the queue's consumer
}

// New makes a shop without products and sources.
func New(token string) *Shop {
	return &Shop{
		token: token, denied: sets.New[string](), sources: sets.New[string](), stock: map[SourceSKU]Stock{}, refused: sets.New[string](),
		failing: map[string]Outcome{}, unqueued: sets.New[string](), bulks: map[string]*bulk{}, lastID: 100,
	}
}

// Add adds a product with a new identifier.
func (s *Shop) Add(p Product) {
	s.mu.Do(func() {
		s.lastID++
		p.ID = s.lastID
		if p.Type == "" {
			p.Type = "simple"
		}
		s.products = append(s.products, p)
	})
}

// Has reports whether a product has a SKU.
func (s *Shop) Has(sku string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.ContainsFunc(s.products, func(p Product) bool { return p.SKU == sku })
}

// Rename gives a product another SKU. Its quantities stay with it.
func (s *Shop) Rename(from, to string) {
	s.mu.Do(func() {
		for i := range s.products {
			if s.products[i].SKU == from {
				s.products[i].SKU = to
			}
		}
		for at, stock := range s.stock {
			if at.SKU == from {
				delete(s.stock, at)
				s.stock[SourceSKU{to, at.Source}] = stock
			}
		}
	})
}

// AddSource adds sources.
func (s *Shop) AddSource(codes ...string) { s.mu.Do(func() { s.sources.Insert(codes...) }) }

// Stock returns all quantities.
func (s *Shop) Stock() map[SourceSKU]Stock {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.stock)
}

// StockAt returns a quantity, and whether there is one.
func (s *Shop) StockAt(at SourceSKU) (Stock, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stock, ok := s.stock[at]
	return stock, ok
}

// SetStock sets a quantity, as somebody in the shop's administration does.
func (s *Shop) SetStock(at SourceSKU, stock Stock) { s.mu.Do(func() { s.stock[at] = stock }) }

// SetToken changes the token that the shop wants.
func (s *Shop) SetToken(token string) { s.mu.Do(func() { s.token = token }) }

// Deny takes rights from the token.
func (s *Shop) Deny(resources ...string) { s.mu.Do(func() { s.denied = sets.New(resources...) }) }

// LimitInput changes how long lists in calls may be that are answered at once; 0 for no limit.
func (s *Shop) LimitInput(limit int) { s.mu.Do(func() { s.limit = limit }) }

// Refuse makes the validation of SKUs fail, which fails the call that they are in.
func (s *Shop) Refuse(skus ...string) { s.mu.Do(func() { s.refused = sets.New(skus...) }) }

// DoNotQueue makes bulks reject SKUs at once.
func (s *Shop) DoNotQueue(skus ...string) { s.mu.Do(func() { s.unqueued = sets.New(skus...) }) }

// Outcome is how an operation ends.
type Outcome struct {
	Status  int
	Message string
}

// Fail makes the operation of a SKU end otherwise than by storing its quantity.
func (s *Shop) Fail(sku string, how Outcome) { s.mu.Do(func() { s.failing[sku] = how }) }
