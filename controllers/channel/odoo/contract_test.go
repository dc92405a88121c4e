package odoo_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/odoo"
	"tallyman.dev/tallyman/controllers/channel/odoo/odootest"
)

func TestContract(t *testing.T) {
	t.Parallel()
	contract.Run(t, contract.Subject{
		Factory: odoo.New,
		Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
		Start:   startServer,
	})
}

// server is a database behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	database *odootest.Server
	location int64

	mu       sync.Mutex
	products map[string]int64 // id by SKU
}

func startServer(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	database := odootest.New(key, "")
	p := &server{
		Front: &contract.Front{
			Next: database, Elsewhere: elsewhere,
			Writes: func(r *http.Request, _ []byte) bool { return strings.HasSuffix(r.URL.Path, "/create") },
			Answers: map[contract.Behaviour]http.Handler{contract.Deny: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				r.Header.Del("Authorization")
				database.ServeHTTP(w, r)
			})},
		},
		database: database, location: database.AddLocation(odootest.Location{Name: "WD-1"}), products: map[string]int64{},
	}
	url := fakeserver.Start(t, p)
	spec := inventoryv1alpha1.OdooChannel{}
	if mode == inventoryv1alpha1.Consolidated {
		spec.Location = "WD-1"
	}
	return p, config(url, mode, spec)
}

// Quantity implements contract.Server.
func (p *server) Quantity(_, sku string) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, q := range p.database.Quants(p.products[sku]) {
		if q.LocationID == p.location {
			return int64(q.Quantity), true
		}
	}
	return 0, false
}

// Know implements contract.Catalog.
func (p *server) Know(sku string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.products[sku] == 0 {
		p.products[sku] = p.database.AddProduct(odootest.Product{SKU: sku})
	}
}

// Duplicate implements contract.Catalog.
func (p *server) Duplicate(sku string) { p.database.AddProduct(odootest.Product{SKU: sku}) }

// Rename implements contract.Catalog.
func (p *server) Rename(from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.database.SetProduct(p.products[from], odootest.Product{SKU: to})
	p.products[to] = p.products[from]
	delete(p.products, from)
}
