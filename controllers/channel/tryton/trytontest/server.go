// Package trytontest plays a database of the ERP Tryton, as far as the connector asks it. It answers
// what the module stock of series 6.0 answered when it was asked the same.
package trytontest

import (
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Warehouse of a new server: its storage zone is a location of type storage with the code STO.
const (
	WarehouseID = 5
	StorageID   = 3
	StorageCode = "STO"
	lostFoundID = 4
)

// Location of a server.
type Location struct {
	ID         int64
	Code, Name string
	// Type is storage unless set.
	Type string
	// Storage is the storage location of a warehouse.
	Storage int64
	// LostFound is the lost-and-found location of the warehouse that the location belongs to; 0 for none.
	LostFound int64
	Inactive  bool
}

// Product of a server.
type Product struct {
	ID   int64
	Code string
	// Type is goods unless set.
	Type     string
	Inactive bool
	// Lots means that inventories expect nothing of lines without a lot.
	Lots bool
}

// LocationProduct is where a product lies.
type LocationProduct struct{ LocationID, ProductID int64 }

// Document is an inventory.
type Document struct {
	ID, Location, Company int64
	Number, State         string
	Lines                 []Line
}

// Line of an inventory.
type Line struct {
	ID       int64   `json:"id"`
	Product  int64   `json:"product"`
	Quantity float64 `json:"quantity"`
	Expected float64 `json:"expected_quantity"`
}

// Server is an http.Handler. It is safe for concurrent use.
type Server struct {
	fakeserver.Controls[string] // methods

	mu                 fakeserver.Mutex
	username, password string
	sessions           map[string]bool
	company            int64 // of the user; 0 for none
	denied             string
	numbers            bool
	lastID             int64
	locations          []Location
	products           []Product
	stock              map[LocationProduct]float64
	counted            map[LocationProduct]bool
	documents          []*Document
	refused            map[string]string
}

// New makes a server with one user, one warehouse and no products.
func New(username, password string) *Server {
	return &Server{
		username: username, password: password, company: 1, lastID: 100,
		sessions: map[string]bool{}, stock: map[LocationProduct]float64{}, counted: map[LocationProduct]bool{}, refused: map[string]string{},
		locations: []Location{
			{ID: StorageID, Code: StorageCode, Name: "Storage Zone", LostFound: lostFoundID},
			{ID: lostFoundID, Name: "Lost and Found", Type: "lost_found"},
			{ID: WarehouseID, Code: "WH", Name: "Warehouse", Type: "warehouse", Storage: StorageID, LostFound: lostFoundID},
		},
	}
}

func (s *Server) nextID() int64 {
	s.lastID++
	return s.lastID
}

// AddLocation adds a location and returns its id.
func (s *Server) AddLocation(l Location) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.ID == 0 {
		l.ID = s.nextID()
	}
	s.locations = append(s.locations, l)
	return l.ID
}

// AddProduct adds a product and returns its id. Several may have one code, as in series that did not
// check it.
func (s *Server) AddProduct(p Product) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	p.ID = s.nextID()
	s.products = append(s.products, p)
	return p.ID
}

// ChangeProducts changes every product with a code.
func (s *Server) ChangeProducts(code string, change func(*Product)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.products {
		if s.products[i].Code == code {
			change(&s.products[i])
		}
	}
}

// Find returns the products with a code.
func (s *Server) Find(code string) []Product {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Product
	for _, p := range s.products {
		if p.Code == code {
			out = append(out, p)
		}
	}
	return out
}

// SetStock moves goods by other means than an inventory.
func (s *Server) SetStock(at LocationProduct, quantity float64) {
	s.mu.Do(func() { s.stock[at] = quantity })
}

// Stock returns what lies of a product at a location, and whether an inventory has counted it.
func (s *Server) Stock(at LocationProduct) (quantity float64, counted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stock[at], s.counted[at]
}

// Documents returns all inventories.
func (s *Server) Documents() []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Document, len(s.documents))
	for i, d := range s.documents {
		out[i] = *d
	}
	return out
}

// AddDocument adds an inventory, and returns its id.
func (s *Server) AddDocument(d Document) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	d.ID = s.nextID()
	s.documents = append(s.documents, &d)
	return d.ID
}

// SetPassword changes the user's password, which ends all sessions.
func (s *Server) SetPassword(password string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.password = password
	clear(s.sessions)
}

// EndSessions ends all sessions.
func (s *Server) EndSessions() { s.mu.Do(func() { clear(s.sessions) }) }

// SetCompany changes the company that the user works for; 0 is none.
func (s *Server) SetCompany(id int64) { s.mu.Do(func() { s.company = id }) }

// Deny takes the user's rights on a model away; "" gives them back.
func (s *Server) Deny(model string) { s.mu.Do(func() { s.denied = model }) }

// Refuse makes a method fail for its callers' fault, in the words given; none ends that.
func (s *Server) Refuse(method, words string) { s.mu.Do(func() { s.refused[method] = words }) }

// SendNumbers chooses whether booleans are sent as numbers, as where the database is SQLite.
func (s *Server) SendNumbers(numbers bool) { s.mu.Do(func() { s.numbers = numbers }) }
