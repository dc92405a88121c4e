// Package walmarttest is the part of Walmart Marketplace that the walmart connector talks to, for tests:
// the token endpoint, inventory of one and of several ship nodes, and inventory feeds.
package walmarttest

import (
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel/contract"
)

// What a client has to know.
const (
	ClientID     = "0f7c1e2a-client"
	ClientSecret = "AKs3cret-0f7c"
)

// Place is where a quantity lies. An empty node is the default one.
type Place struct{ Node, SKU string }

// Server is Walmart. All methods are safe for concurrent use.
type Server struct {
	contract.Access

	mu       sync.Mutex
	skus     sets.Set[string]
	nodes    sets.Set[string] // that exist; nil for any
	stock    map[Place]int64
	feeds    []*feed
	requests []Request
	answers  map[string]http.Handler // by path
	gate     chan struct{}           // calls wait until it is closed; nil to go on at once
	onCall   func()
	losing   bool
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
	return &Server{skus: sets.New[string](), stock: map[Place]int64{}, answers: map[string]http.Handler{}}
}

// Know adds an item without stock, if there is none.
func (s *Server) Know(sku string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skus.Insert(sku)
}

// Rename gives an item another SKU.
func (s *Server) Rename(from, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.skus.Delete(from)
	s.skus.Insert(to)
	for at, quantity := range s.stock {
		if at.SKU == from {
			delete(s.stock, at)
			s.stock[Place{at.Node, to}] = quantity
		}
	}
}

// Nodes sets the ship nodes that exist.
func (s *Server) Nodes(nodes ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes = sets.New(nodes...)
}

// Apply sets how Walmart works.
func (s *Server) Apply(r Rules) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = r
}

// Quantity returns what was set for a SKU at a node, and whether it was.
func (s *Server) Quantity(node, sku string) (int64, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	quantity, ok := s.stock[Place{node, sku}]
	return quantity, ok
}

// Stock returns all quantities.
func (s *Server) Stock() map[Place]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.stock)
}

// Requests returns all requests but those for tokens, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Answer makes a handler answer requests to a path, or to all where that is empty; nil ends it.
func (s *Server) Answer(path string, h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answers[path] = h
}

// LoseAnswers cuts the connection when a change has taken effect, before it is answered.
func (s *Server) LoseAnswers(lose bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.losing = lose
}

// Hold makes requests wait until they are released, which can be done more than once, and calls a
// function for each. A request whose sender goes away meanwhile has no effect.
func (s *Server) Hold(onCall func()) (release func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate, s.onCall = gate, onCall
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.gate == gate {
			s.gate = nil
		}
		close(gate)
	})
}

// Allot bounds the changes by requests: so many are left until a time. Later ones are answered 429.
func (s *Server) Allot(left int, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allotted = &allotment{left, next}
}
