// Package ebaytest is the part of eBay that the ebay connector talks to, for tests: the token
// endpoint, items and offers of the Sell Inventory API, and the quotas of the Developer Analytics API.
// It is as strict as eBay's specification and its known behaviour.
package ebaytest

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// What a client has to know.
const (
	ClientID     = "Tallyman-Test-PRD-0001"
	ClientSecret = "PRD-s3cret-0001"      //nolint:gosec // of this server
	RefreshToken = "v^1.1#refresh-s3cret" //nolint:gosec // of this server
)

// Item is an inventory item.
type Item struct {
	// Quantity is the total; nil before it is set.
	Quantity *int64
	// Distributions are the quantities by location, in order.
	Distributions []Distribution
	// Offers of the item, in order.
	Offers []Offer
}

// Distribution is what lies at a location.
type Distribution struct {
	MerchantLocationKey string           `json:"merchantLocationKey"`
	Quantity            int64            `json:"quantity"`
	FulfillmentTime     *FulfillmentTime `json:"fulfillmentTime,omitempty"`
}

// FulfillmentTime is how long a location takes.
type FulfillmentTime struct {
	Unit  string `json:"unit"`
	Value int    `json:"value"`
}

// Offer is a listing, or what may become one.
type Offer struct {
	ID                string `json:"offerId"`
	SKU               string `json:"sku"`
	Format            string `json:"format"`
	Status            string `json:"status"`
	AvailableQuantity int64  `json:"availableQuantity"`
	// Revisions counts the changes of the listing.
	Revisions int `json:"-"`
}

// Server is eBay. All methods are safe for concurrent use.
type Server struct {
	fakeserver.Access
	fakeserver.Controls[string] // by method and path; not those for tokens

	mu      fakeserver.Mutex
	items   map[string]*Item
	offers  int // that were made
	updates []Update
	rules   Rules
	refused sets.Set[string]
	reset   time.Time // of the quota, once it is used up
}

// Rules are what eBay may insist on. The zero value insists on nothing.
type Rules struct {
	// OneSKUPerCall refuses updates of several SKUs, as one page of the documentation has it.
	OneSKUPerCall bool
	// NoZero refuses a quantity of 0 in an offer, as eBay does where the out-of-stock option is off.
	NoZero bool
	// MaxRevisions bounds the revisions of a listing; 0 for no bound.
	MaxRevisions int
}

// New makes an eBay without items.
func New() *Server {
	return &Server{items: map[string]*Item{}, refused: sets.New[string]()}
}

// Set creates or replaces an item. Offers without an ID get one; without SKU, status and format, they are
// published at a fixed price.
func (s *Server) Set(sku string, item Item) {
	s.mu.Lock()
	defer s.mu.Unlock()
	item.Offers = slices.Clone(item.Offers)
	for i := range item.Offers {
		s.complete(sku, &item.Offers[i])
	}
	s.items[sku] = &item
}

// Item returns a copy of an item, and whether there is one.
func (s *Server) Item(sku string) (Item, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it, ok := s.items[sku]
	if !ok {
		return Item{}, false
	}
	out := *it
	out.Distributions, out.Offers = slices.Clone(it.Distributions), slices.Clone(it.Offers)
	return out, true
}

// Know adds an item with one published offer, whose quantity is not set yet, if there is none.
func (s *Server) Know(sku string) {
	if _, ok := s.Item(sku); !ok {
		s.Set(sku, Item{Offers: []Offer{{}}})
	}
}

// Rename gives an item another SKU.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	it := s.items[from]
	delete(s.items, from)
	for i := range it.Offers {
		it.Offers[i].SKU = to
	}
	s.items[to] = it
}

// Apply sets what eBay insists on.
func (s *Server) Apply(r Rules) { s.mu.Do(func() { s.rules = r }) }

// Refuse makes updates of SKUs fail, and those of all others work.
func (s *Server) Refuse(skus ...string) { s.mu.Do(func() { s.refused = sets.New(skus...) }) }

// Updates returns the rows of all updates that were tried, in order.
func (s *Server) Updates() []Update {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.updates)
}

// UseUpQuota answers 429 without Retry-After until End, and tells when the quota is reset.
func (s *Server) UseUpQuota(reset time.Time) { s.mu.Do(func() { s.reset = reset }) }
