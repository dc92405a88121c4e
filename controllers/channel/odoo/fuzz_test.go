package odoo

import (
	"encoding/json"
	"net/http"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func newConnector(f *testing.F) *connector {
	f.Helper()
	c, err := New(channel.Config{
		Channel:     &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Odoo: &inventoryv1alpha1.OdooChannel{URL: "http://127.0.0.1:1"}}},
		Credentials: map[string][]byte{"apiKey": []byte("x")}, Clock: clock.RealClock{},
	})
	if err != nil {
		f.Fatal(err)
	}
	return c.(*connector)
}

// FuzzAnswers checks that every decoder takes lists only, and that what it cannot read is worth a retry.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`[{"id":1,"default_code":"A","is_storable":true,"tracking":"none"}]`, `[{"id":1,"default_code":false}]`, `[1,2]`, `[]`, ` null`,
		`[{"product_id":[1,"A"],"location_id":8,"quantity":-1e300}]`, `[{"product_id":[]}]`, `[null]`, `{}`, `[`, `[{"product_id":[1]}]`,
	} {
		f.Add([]byte(seed))
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := &channel.Response{Status: http.StatusOK, Body: body}
		_, noProducts := c.decodeProducts(answer)
		quants, noQuants := c.decodeQuants(answer)
		for name, err := range map[string]error{"products": noProducts, "quants": noQuants, "ids": c.confirm(answer, 2)} {
			if err == nil && !json.Valid(body) {
				t.Errorf("%q is taken for %s", body, name)
			}
			if err != nil && channel.AsError(err).Class != channel.Retry {
				t.Errorf("%q as %s: %v", body, name, err)
			}
		}
		for _, quantity := range quants {
			if q := whole(quantity); q > 1<<53 || q < -1<<53 {
				t.Errorf("%q: quantity %d", body, q)
			}
		}
	})
}

// FuzzFailure checks that errors can be shown, whatever the body, and that only what is about a record
// blames a SKU.
func FuzzFailure(f *testing.F) {
	for _, seed := range []string{
		`{"name":"odoo.exceptions.UserError","message":"no"}`, `{"name":"."}`, `{"name":"werkzeug.exceptions.NotFound","message":null}`, `{"name":1}`, `{`, ``,
	} {
		f.Add([]byte(seed), 422)
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		answer := &channel.Response{Status: status, Body: body}
		before := channel.NewError(channel.Rejected, "Status", "refused")
		e := channel.AsError(c.explain(answer, before))
		if !exceptionName.MatchString(string(e.Reason)) || e.Message == "" {
			t.Errorf("%q: %+v", body, e)
		}
		known := decodeFailure(body)
		if e.Class == channel.Rejected && known != nil && !known.aboutRecord(status) {
			t.Errorf("%q blames a SKU", body)
		}
	})
}
