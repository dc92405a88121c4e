package medusa

import (
	"encoding/json"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func newConnector(f *testing.F) *connector {
	f.Helper()
	c, err := New(channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Medusa: &inventoryv1alpha1.MedusaChannel{
			URL: "http://127.0.0.1:1", Quantity: inventoryv1alpha1.MedusaAvailable,
		}}},
		Credentials: map[string][]byte{"apiKey": []byte("sk_x")}, Clock: clock.RealClock{},
	})
	if err != nil {
		f.Fatal(err)
	}
	return c.(*connector)
}

// FuzzItems checks that quantities of whatever is listed can be told, and that no list is taken for
// complete that is not.
func FuzzItems(f *testing.F) {
	for _, seed := range []string{
		`{"inventory_items":[{"id":"i","sku":"A","location_levels":[{"location_id":"l","stocked_quantity":5,"reserved_quantity":2}]}],"count":1}`,
		`{"inventory_items":[{"sku":"A","location_levels":null},null],"count":2}`, `{"inventory_items":[],"count":1}`, `{"inventory_items":null}`,
		`{"inventory_items":[{"sku":"A","location_levels":[{"stocked_quantity":-1e300,"reserved_quantity":0.5}]}]}`, `{"count":-1}`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		items, err := c.decodeItems(&channel.Response{Status: 200, Body: body})
		if err != nil {
			if e := channel.AsError(err); e.Class != channel.Retry {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if !json.Valid(body) {
			t.Errorf("%q is taken for a list", body)
		}
		for _, item := range items {
			for _, l := range item.Levels {
				if q := c.quantity(item.at(l.LocationID)); q > 1<<53 || q < -1<<53 {
					t.Errorf("%q: quantity %d", body, q)
				}
			}
		}
	})
}

// FuzzConfirm checks that no answer confirms what it does not list.
func FuzzConfirm(f *testing.F) {
	for _, seed := range []string{
		`{"created":[{"inventory_item_id":"i","location_id":"l"}],"updated":[]}`, `{"updated":[{"inventory_item_id":"i","location_id":"x"}]}`,
		`{"created":null}`, `{"created":[null]}`, `{}`, `[]`, `{"created":[`,
	} {
		f.Add([]byte(seed))
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &plan{index: map[levelKey]int{{"i", "l"}: 0, {"never", "listed"}: 1}, failures: map[int]*channel.Error{}}
		if err := c.confirm(p, &channel.Response{Status: 200, Body: body}); err != nil {
			if e := channel.AsError(err); e.Class != channel.Retry {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if !json.Valid(body) || p.failures[1] == nil && len(body) < len("never")+len("listed") {
			t.Errorf("%q confirms what it does not list", body)
		}
	})
}

// FuzzIsMedusas checks that only an error of Medusa's own is one.
func FuzzIsMedusas(f *testing.F) {
	for _, seed := range []string{`{"type":"not_found"}`, `{"type":null}`, `<html>`, `{"type":`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if isMedusas(body) && !json.Valid(body) {
			t.Errorf("%q", body)
		}
	})
}
