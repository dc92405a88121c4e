package tryton_test

import (
	"bytes"
	"net/http"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/tryton"
	"tallyman.dev/tallyman/controllers/channel/tryton/trytontest"
)

var modes = []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated}

const (
	username, password = "tallyman", "s3cret-password"

	// before is what lies at a location before it is counted the first time; no case pushes it.
	before = 0.5
)

func TestContract(t *testing.T) {
	t.Parallel()
	for name, numbers := range map[string]bool{"PostgreSQL": false, "SQLite": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			contract.Run(t, contract.Subject{
				Factory: tryton.New, Modes: modes,
				Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
					p, cfg := startServer(t, mode, elsewhere)
					p.SendNumbers(numbers)
					return p, cfg
				},
			})
		})
	}
}

// server is a fake database that plays the contract's behaviours.
type server struct {
	*contract.Front
	*trytontest.Server
}

func startServer(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (*server, channel.Config) {
	t.Helper()
	fake := trytontest.New(username, password)
	fake.AddLocation(trytontest.Location{ID: 7, Code: "WD-1", Name: "Depot", LostFound: 4})
	p := &server{newFront(fake, elsewhere), fake}
	url := fakeserver.Start(t, p)
	return p, config(url, mode)
}

// newFront plays behaviours in the words of Tryton, whose errors come with status 200.
func newFront(next http.Handler, elsewhere string) *contract.Front {
	fail := func(words func(*http.Request) string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(jsonOf(map[string]any{"id": 1, "error": []string{words(r), ""}}))
		})
	}
	return &contract.Front{
		Next: next, Elsewhere: elsewhere,
		Writes: func(_ *http.Request, body []byte) bool {
			return bytes.Contains(body, []byte(`"model.stock.inventory.confirm"`))
		},
		Answers: map[contract.Behaviour]http.Handler{
			contract.Break: fail(func(*http.Request) string { return "database is locked" }),
			contract.Leak:  fail(contract.Credentials),
		},
	}
}

func config(url string, mode inventoryv1alpha1.ChannelMode) channel.Config {
	spec := &inventoryv1alpha1.TrytonChannel{URL: inventoryv1alpha1.HTTPURL(url + "/erp")}
	if mode == inventoryv1alpha1.Consolidated {
		spec.Location = trytontest.StorageCode
	}
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelTryton, Mode: mode, Tryton: spec,
		}},
		Credentials: map[string][]byte{"username": []byte(username), "password": []byte(password)},
		Clock:       clock.RealClock{},
	}
}

func (p *server) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.Front.ServeHTTP(w, r) }

// Quantity implements contract.Server.
func (p *server) Quantity(locationCode, sku string) (int64, bool) {
	found := p.Find(sku)
	if len(found) != 1 {
		return 0, false
	}
	at := trytontest.LocationProduct{LocationID: 7, ProductID: found[0].ID}
	if locationCode == "" {
		at.LocationID = trytontest.StorageID
	}
	quantity, counted := p.Stock(at)
	return int64(quantity), counted
}

// Know implements contract.Catalog.
func (p *server) Know(sku string) {
	if len(p.Find(sku)) == 0 {
		p.Duplicate(sku)
	}
}

// Duplicate implements contract.Catalog.
func (p *server) Duplicate(sku string) {
	id := p.AddProduct(trytontest.Product{Code: sku})
	for _, at := range []int64{7, trytontest.StorageID} {
		p.SetStock(trytontest.LocationProduct{LocationID: at, ProductID: id}, before)
	}
}

// Rename implements contract.Catalog.
func (p *server) Rename(from, to string) {
	p.ChangeProducts(from, func(product *trytontest.Product) { product.Code = to })
}
