// Package walmarttest is the part of Walmart Marketplace that the walmart connector talks to, for tests:
// the token endpoint, inventory of one and of several ship nodes, and inventory feeds.
package walmarttest

import (
	"maps"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// What a client has to know.
const (
	ClientID     = "0f7c1e2a-client"
	ClientSecret = "AKs3cret-0f7c"
)

// NodeSKU is where a quantity lies. An empty node is the default one.
type NodeSKU struct{ Node, SKU string }

// Server is Walmart. All methods are safe for concurrent use.
type Server struct {
	fakeserver.Access
	fakeserver.Controls[Request] // not those for tokens

	mu       fakeserver.Mutex
	skus     sets.Set[string]
	nodes    sets.Set[string] // that exist; nil for any
	stock    map[NodeSKU]int64
	feeds    []*feed
	allotted *allotment
	rules    Rules
}

// Request is one that was made.
type Request struct {
	Line   string // method, path and query
	Header http.Header
	Body   string // of feeds, the file
}

// Rules are how Walmart works. The zero value accepts everything at once.
type Rules struct {
	// Looks is how often a feed is looked at before it ends.
	Looks int
	// Stuck are SKUs that stay in progress, and so do their feeds.
	Stuck []string
	// Hidden makes a new feed unknown until it was looked at once.
	Hidden bool
	// FeedError refuses feeds as a whole, for a reason of that type; none while it is empty.
	FeedError string
	// ItemError is the ingestion status of SKUs in feeds.
	ItemError map[string]string
	// WholeCall refuses requests for several nodes where one of them does not exist.
	WholeCall bool
}

type allotment struct {
	left int
	next time.Time
}

// New makes a Walmart without items.
func New() *Server {
	return &Server{skus: sets.New[string](), stock: map[NodeSKU]int64{}}
}

// Know adds an item without stock, if there is none.
func (s *Server) Know(sku string) { s.mu.Do(func() { s.skus.Insert(sku) }) }

// Rename gives an item another SKU.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skus.Delete(from)
	s.skus.Insert(to)
	for at, quantity := range s.stock {
		if at.SKU == from {
			delete(s.stock, at)
			s.stock[NodeSKU{at.Node, to}] = quantity
		}
	}
}

// Nodes sets the ship nodes that exist.
func (s *Server) Nodes(nodes ...string) { s.mu.Do(func() { s.nodes = sets.New(nodes...) }) }

// Apply sets how Walmart works.
func (s *Server) Apply(r Rules) { s.mu.Do(func() { s.rules = r }) }

// Quantity returns what was set for a SKU at a node, and whether it was.
func (s *Server) Quantity(node, sku string) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	quantity, ok := s.stock[NodeSKU{node, sku}]
	return quantity, ok
}

// Stock returns all quantities.
func (s *Server) Stock() map[NodeSKU]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.stock)
}

// Allot bounds the changes by requests: so many are left until a time. Later ones are answered 429.
func (s *Server) Allot(left int, next time.Time) {
	s.mu.Do(func() { s.allotted = &allotment{left, next} })
}
