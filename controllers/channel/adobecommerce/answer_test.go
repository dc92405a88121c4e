package adobecommerce

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const bulkID = "0ae1a1d4-1b9c-4a4e-9b2e-3f6e2b1f9b5a"

func newConnector(t testing.TB) *connector {
	t.Helper()
	c, err := New(channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Mode:          inventoryv1alpha1.LocationWise,
			AdobeCommerce: &inventoryv1alpha1.AdobeCommerceChannel{URL: "https://shop.example.com"},
		}},
		Credentials: map[string][]byte{tokenName: []byte("t0ken")},
		Clock:       clock.RealClock{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*connector)
}

func answerOf(body string) *channel.Response { return &channel.Response{Body: []byte(body)} }

// three is a Push of three items, of which the first has no product.
func three() *push {
	return &push{
		targets:  []target{{Index: 1, Location: source{"WD-1"}}, {Index: 2, Location: source{"WD-1"}}},
		failures: map[int]*channel.Error{0: {Reason: "UnknownSKU"}},
	}
}

func reasonsOf(p *push) map[int]string {
	out := map[int]string{}
	for i, failure := range p.failures {
		out[i] = string(failure.Reason)
	}
	return out
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	c := newConnector(t)
	const invalid = "invalid"
	for body, want := range map[string]map[int]string{
		`{"bulk_uuid":"` + bulkID + `","request_items":[{"id":0,"status":"accepted"},{"id":1,"status":"accepted"}],"errors":false}`:                     {0: "UnknownSKU"},
		`{"bulk_uuid":"` + bulkID + `","request_items":[{"id":1,"status":"accepted"},{"id":0,"status":"rejected","error_message":"no"}],"errors":true}`: {0: "UnknownSKU", 1: "RefusedByChannel"},
		`{"bulk_uuid":"` + bulkID + `","request_items":[{"id":0,"status":"accepted"},{"id":7,"status":"accepted"},{"id":-1,"status":"accepted"}]}`:      {0: "UnknownSKU", 2: "NotConfirmed"},
		`{"bulk_uuid":"` + bulkID + `"}`:                     {0: "UnknownSKU", 1: "NotConfirmed", 2: "NotConfirmed"},
		`{"bulk_uuid":"../../V1/orders","request_items":[]}`: {-1: invalid},
		`{"request_items":[]}`:                               {-1: invalid},
		`{"bulk_uuid":`:                                      {-1: invalid},
		`[]`:                                                 {-1: invalid},
	} {
		p := three()
		err := c.readAccepted(answerOf(body), p)
		got := reasonsOf(p)
		if err != nil {
			if e := channel.AsError(err); e.Class != channel.Retry || e.Reason != "InvalidAnswer" {
				t.Errorf("%s: %v", body, err)
			}
			got = map[int]string{-1: invalid}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestFailureText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"message":"Could not save Source Item"}`:                                                                    "Could not save Source Item",
		`{"message":"Maximum items of type \"%type\" is %max","parameters":{"type":"X","max":20}}`:                    `Maximum items of type "X" is 20`,
		`{"message":"No such entity with %fieldName = %fieldValue","parameters":{"fieldName":"a","fieldValue":null}}`: "No such entity with a = <nil>",
		`{"message":"%1 and %2","parameters":["a","b"]}`:                                                              "a and b",
		`{"message":"%1 and %10","parameters":["a","b","c","d","e","f","g","h","i","j"]}`:                             "a and j",
		`{"message":"%1","parameters":"odd"}`:                                                                         "%1",
		`{"message":"%1","parameters":null}`:                                                                          "%1",
	} {
		f, ok := readFailure(answerOf(body))
		if !ok || f.text() != want {
			t.Errorf("%s: %q (%v), want %q", body, f.text(), ok, want)
		}
	}
	for _, body := range []string{``, `<html>`, `{}`, `{"message":""}`, `[]`, `{"error":"x"}`} {
		if f, ok := readFailure(answerOf(body)); ok {
			t.Errorf("%q is taken for %+v", body, f)
		}
	}
}

func TestPortions(t *testing.T) {
	t.Parallel()
	many := make([]string, 250)
	for i := range many {
		many[i] = "P"
	}
	long := strings.Repeat("x", 2000)
	for name, tc := range map[string]struct {
		values []string
		want   []int
	}{
		"none":   {nil, nil},
		"many":   {many, []int{100, 100, 50}},
		"long":   {[]string{long, long, "A"}, []int{1, 2}},
		"huge":   {[]string{strings.Repeat("x", 9000), "A"}, []int{1, 1}},
		"commas": {strings.Split(strings.Repeat("a;", 20), ";"), []int{21}},
	} {
		var got []int
		for _, some := range portions(tc.values) {
			got = append(got, len(some))
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	withCommas := make([]string, 20)
	for i := range withCommas {
		withCommas[i] = "a,b"
	}
	for _, some := range portions(withCommas) {
		if n := len(criteria([]filter{{"sku", some}}).Encode()); n > 8<<10 {
			t.Errorf("an address of %d bytes for %d values", n, len(some))
		}
	}
}

// FuzzBulk checks that no answers make the decoders panic, and that success is only what is said to be.
func FuzzBulk(f *testing.F) {
	f.Add(`{"bulk_uuid":"`+bulkID+`","request_items":[{"id":0,"status":"accepted"},{"id":1,"status":"rejected"}]}`, `{"operations_list":[{"id":0,"status":1}]}`)
	f.Add(`{"bulk_uuid":"`+bulkID+`","request_items":[{"id":1,"status":"accepted"}]}`, `{"operations_list":[{"id":1,"status":3,"result_message":null}]}`)
	f.Add(`{}`, `[]`)
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, first, second string) {
		p := three()
		if c.readAccepted(answerOf(first), p) != nil {
			return
		}
		waiting := len(p.waiting)
		err := c.readStatus(answerOf(second), p)
		if err != nil && len(p.waiting) != waiting {
			t.Errorf("%q, %q: %v, and waiting for %v", first, second, err, p.waiting)
		}
		done := err == nil && len(p.waiting) == 0
		for i := range p.failures {
			if i < 0 || i >= 3 {
				t.Errorf("%q, %q: failure of item %d", first, second, i)
			}
		}
		if done && len(p.failures) == 1 && (!strings.Contains(first, "accepted") && json.Valid([]byte(first)) && !strings.Contains(first, `\u`)) {
			t.Errorf("%q is taken for success", first)
		}
	})
}

// FuzzSearch checks that no answer makes the decoders panic.
func FuzzSearch(f *testing.F) {
	for _, seed := range []string{
		`{"items":[{"sku":"A","source_code":"WD-1","quantity":4.5,"status":1}],"total_count":1}`, `{"items":null,"total_count":0}`,
		`{"items":[{"id":7,"sku":"A","type_id":"simple"}],"total_count":1e3}`, `{"total_count":-1}`, `[]`,
	} {
		f.Add(seed)
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body string) {
		rows, total, err := readPage[stockRow](c, answerOf(body))
		if total < 0 || err != nil && (len(rows) > 0 || channel.AsError(err).Class != channel.Retry) {
			t.Errorf("%q: %v, %d, %v", body, rows, total, err)
		}
		for _, r := range rows {
			_ = r.sells()
		}
	})
}

// FuzzFailure checks that no error of a shop makes the decoder panic.
func FuzzFailure(f *testing.F) {
	f.Add(`{"message":"%1 %a","parameters":["x"]}`)
	f.Add(`{"message":"Maximum items of type","parameters":{"max":20,"":"x"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		failure, ok := readFailure(answerOf(body))
		_ = failure.text()
		if !ok && failure.most() > 0 {
			t.Errorf("%q: a limit without an error", body)
		}
	})
}
