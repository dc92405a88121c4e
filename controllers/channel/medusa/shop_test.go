package medusa_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/medusa"
	"tallyman.dev/tallyman/controllers/channel/medusa/medusatest"
)

const fakeKey = "sk_0123456789abcdef"

// backend is a Medusa server, a fake or a real one, that many tests share: each has SKUs of its own.
type backend struct {
	http.Handler
	key string
	// fake is nil for a real one.
	fake *medusatest.Server
}

func newFake() *backend {
	fake := medusatest.New(fakeKey)
	return &backend{fake, fakeKey, fake}
}

// shops counts the shops, to tell their SKUs apart.
var shops atomic.Int64

// shop is a test's part of a backend, with a connector that reaches it through a handler of the test's.
type shop struct {
	*testing.T
	*backend
	url    string
	prefix string // of all SKUs
	// front, if set, gets the connector's requests.
	front http.HandlerFunc
}

func open(t *testing.T, b *backend) *shop {
	t.Helper()
	s := &shop{T: t, backend: b, prefix: fmt.Sprintf("shop-%d-", shops.Add(1))}
	address := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.front != nil {
			s.front(w, r)
			return
		}
		b.ServeHTTP(w, r)
	}))
	s.url = address
	return s
}

// config makes the configuration of a channel.
func (s *shop) config(mode inventoryv1alpha1.ChannelMode, spec inventoryv1alpha1.MedusaChannel) channel.Config {
	spec.URL = inventoryv1alpha1.HTTPURL(s.url)
	return channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Type: inventoryv1alpha1.ChannelMedusa, Medusa: &spec, Mode: mode,
		}},
		Credentials: map[string][]byte{"apiKey": []byte(s.key)},
		Clock:       clock.RealClock{},
	}
}

// connect makes a location-wise connector.
func (s *shop) connect(quantity inventoryv1alpha1.MedusaQuantity) channel.Reader {
	s.Helper()
	return contract.BuildReader(s.T, medusa.New, s.config(inventoryv1alpha1.LocationWise, inventoryv1alpha1.MedusaChannel{Quantity: quantity}))
}

// call makes a request of the Admin API, past the front, and wants it to succeed.
func (s *shop) call(method, path string, body, into any) {
	s.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			s.Fatal(err)
		}
	}
	req := httptest.NewRequest(method, "/admin/"+path, &sent)
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(s.key, "")
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	answer, err := io.ReadAll(w.Body)
	if err != nil || w.Code != http.StatusOK {
		s.Fatalf("%s %s: %d %s, %v", method, path, w.Code, answer, err)
	}
	if into == nil {
		return
	}
	if err := json.Unmarshal(answer, into); err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
}

// object has the fields of Medusa's objects that the tests read.
type object struct {
	ID     string `json:"id"`
	Levels []struct {
		LocationID string  `json:"location_id"`
		Stocked    float64 `json:"stocked_quantity"`
		Reserved   float64 `json:"reserved_quantity"`
	} `json:"location_levels"`
}

// sku returns a SKU of this shop.
func (s *shop) sku(name string) string { return s.prefix + name }

// item makes an inventory item with a SKU of this shop, and returns its id.
func (s *shop) item(name string) string {
	s.Helper()
	var out struct {
		Item object `json:"inventory_item"`
	}
	s.call(http.MethodPost, "inventory-items", map[string]string{"sku": s.sku(name)}, &out)
	return out.Item.ID
}

func (s *shop) rename(id, name string) {
	s.Helper()
	s.call(http.MethodPost, "inventory-items/"+id, map[string]string{"sku": s.sku(name)}, nil)
}

func (s *shop) delete(id string) {
	s.Helper()
	s.call(http.MethodDelete, "inventory-items/"+id, nil, nil)
}

func (s *shop) location() string {
	s.Helper()
	var out struct {
		Location object `json:"stock_location"`
	}
	s.call(http.MethodPost, "stock-locations", map[string]string{"name": s.prefix}, &out)
	return out.Location.ID
}

// stock creates the level of an item.
func (s *shop) stock(itemID, locationID string, quantity float64) {
	s.Helper()
	s.call(http.MethodPost, "inventory-items/location-levels/batch", map[string]any{"create": []any{
		map[string]any{"inventory_item_id": itemID, "location_id": locationID, "stocked_quantity": quantity},
	}}, nil)
}

func (s *shop) reserve(itemID, locationID string, quantity float64) {
	s.Helper()
	s.call(http.MethodPost, "reservations", map[string]any{"inventory_item_id": itemID, "location_id": locationID, "quantity": quantity}, nil)
}

// level returns the level of an item at a location, and whether it is stocked there.
func (s *shop) level(itemID, locationID string) (medusatest.Level, bool) {
	s.Helper()
	var out struct {
		Items []object `json:"inventory_items"`
	}
	s.call(http.MethodGet, "inventory-items?fields=id,location_levels.location_id,location_levels.stocked_quantity,location_levels.reserved_quantity&id="+url.QueryEscape(itemID), nil, &out)
	for _, item := range out.Items {
		for _, l := range item.Levels {
			if l.LocationID == locationID {
				return medusatest.Level{Stocked: l.Stocked, Reserved: l.Reserved}, true
			}
		}
	}
	return medusatest.Level{}, false
}

// wantLevel compares a level.
func (s *shop) wantLevel(itemID, locationID string, stocked, reserved float64) {
	s.Helper()
	want := medusatest.Level{Stocked: stocked, Reserved: reserved}
	if got, ok := s.level(itemID, locationID); !ok || got != want {
		s.Errorf("level %+v (stocked there: %v), want %+v", got, ok, want)
	}
}

// push is a batch of items at one location.
func (s *shop) push(locationID string, quantity int64, names ...string) channel.Batch {
	b := channel.Batch{Mode: inventoryv1alpha1.LocationWise, IdempotencyKey: "job-0"}
	for _, name := range names {
		b.Items = append(b.Items, channel.Item{SKU: s.sku(name), Quantity: quantity, LocationCode: locationID, LocationQuantity: quantity})
	}
	return b
}

// pushes pushes and compares the reasons of failures.
func (s *shop) pushes(c channel.Connector, b channel.Batch, want map[int]string) {
	s.Helper()
	result, err := c.Push(s.Context(), b)
	if err != nil {
		s.Fatalf("Push: %v", err)
	}
	wantReasons(s.T, result.Failures, want)
}

// isBatch reports whether a request writes levels.
func isBatch(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/location-levels/batch")
}
