package medusa_test

import (
	"net/http"
	"sync"
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/medusa"
)

func TestContract(t *testing.T) {
	t.Parallel()
	for _, quantity := range []inventoryv1alpha1.MedusaQuantity{inventoryv1alpha1.MedusaOnHand, inventoryv1alpha1.MedusaAvailable} {
		t.Run(string(quantity), func(t *testing.T) {
			t.Parallel()
			runContract(t, quantity, func(*testing.T) *backend { return newFake() })
		})
	}
}

func runContract(t *testing.T, quantity inventoryv1alpha1.MedusaQuantity, start func(*testing.T) *backend) {
	t.Helper()
	contract.Run(t, contract.Subject{
		Factory: medusa.New,
		Modes:   []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
		Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
			return startServer(t, start(t), mode, quantity, elsewhere)
		},
	})
}

// server is a Medusa server behind a front that plays the behaviours of the contract.
type server struct {
	*contract.Front
	shop     *shop
	location string

	mu    sync.Mutex
	items map[string]string // id by SKU
}

// startServer makes a server. Its location is known to the contract as WD-1, and its SKUs without the
// shop's prefix.
func startServer(t *testing.T, b *backend, mode inventoryv1alpha1.ChannelMode, quantity inventoryv1alpha1.MedusaQuantity, elsewhere string) (contract.Server, channel.Config) {
	t.Helper()
	s := open(t, b)
	p := &server{shop: s, location: s.location(), items: map[string]string{}, Front: &contract.Front{
		Next: b, Elsewhere: elsewhere, Writes: func(r *http.Request, _ []byte) bool { return isBatch(r) },
		Answers: map[contract.Behaviour]http.Handler{contract.Deny: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Authorization")
			b.ServeHTTP(w, r)
		})},
	}}
	s.front = p.ServeHTTP
	spec := inventoryv1alpha1.MedusaChannel{Quantity: quantity}
	if mode == inventoryv1alpha1.Consolidated {
		spec.LocationID = p.location
	}
	cfg := s.config(mode, spec)
	if b.fake == nil {
		cfg.Channel.Spec.BatchSize = 10 // to make 200 items takes a server its time
	}
	cfg.Channel.Spec.SKUMapping = &inventoryv1alpha1.SKUMapping{Prefix: s.prefix}
	cfg.Channel.Spec.LocationMapping = []inventoryv1alpha1.LocationMapping{{Code: "WD-1", ChannelCode: p.location}}
	return p, cfg
}

// Quantity implements contract.Server.
func (p *server) Quantity(_, sku string) (int64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, ok := p.shop.level(p.items[sku], p.location)
	return int64(l.Stocked), ok
}

// Know implements contract.Catalog.
func (p *server) Know(sku string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.items[sku] == "" {
		p.items[sku] = p.shop.item(sku)
	}
}

// Duplicate implements contract.Catalog.
func (p *server) Duplicate(sku string) {
	if p.shop.fake == nil {
		p.shop.Skip("Medusa keeps SKUs unique")
	}
	p.shop.fake.Item(p.shop.sku(sku))
}

// Rename implements contract.Catalog.
func (p *server) Rename(from, to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shop.rename(p.items[from], to)
	p.items[to] = p.items[from]
	delete(p.items, from)
}
