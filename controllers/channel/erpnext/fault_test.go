package erpnext

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func TestRowNumbers(t *testing.T) {
	t.Parallel()
	cases := map[string][]int{
		"Row # 3: Duplicate entry":                                      {3},
		"Row #3: Item A is not a stock Item; Row #12: no":               {3, 12},
		"Could not find Row #1: Item Code: A, Row #2: Warehouse: W":     {1, 2},
		"Valuation Rate required for Item A at row 7":                   {7},
		"Error: Stock Reconciliation Item Row #4: Value missing for: X": {4},
		"Arrow 3, rows 4, row A, Row #99999999":                         nil,
		"None of the items have any change in quantity or value.":       nil,
		"": nil,
	}
	for words, want := range cases {
		if diff := cmp.Diff(want, fault{words: words}.rows()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", words, diff)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ body, want string }{
		"messages":      {`{"_server_messages":"[\"{\\\"message\\\": \\\"Row # 1: <b>no</b> &lt;way&gt;\\\"}\", \"{\\\"message\\\": \\\"two\\\"}\"]"}`, "Row # 1: no <way>; two"},
		"plain ones":    {`{"_server_messages":"[\"one\", \"two\"]"}`, "one; two"},
		"exception":     {`{"exception":"frappe.exceptions.ValidationError: no"}`, "frappe.exceptions.ValidationError: no"},
		"broken list":   {`{"_server_messages":"[","exception":"no"}`, "no"},
		"empty list":    {`{"_server_messages":"[]","exception":"no"}`, "no"},
		"nothing":       {`{}`, ""},
		"another shape": {`{"_server_messages":["a"]}`, ""},
		"no JSON":       {`<html>`, ""},
	}
	c := newConnector(t)
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := c.readFault(&channel.Response{Status: 417, Body: []byte(tc.body)}).words; got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

func newConnector(t testing.TB) *connector {
	t.Helper()
	made, err := New(channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			ERPNext: &inventoryv1alpha1.ERPNextChannel{URL: "http://127.0.0.1:1", Company: "C"},
		}},
		Credentials: map[string][]byte{"apiKey": []byte("key"), "apiSecret": []byte("secret")}, Clock: clock.RealClock{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.(*connector)
}

// FuzzFault checks that no answer makes the decoder panic or an error that cannot be shown, and that every
// row is either a suspect or not.
func FuzzFault(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"exc_type":"ValidationError","_server_messages":"[\"Row # 1: no\"]"}`, `{"exc_type":"<","exception":"row 0"}`} {
		f.Add(417, []byte(seed))
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		got := c.readFault(&channel.Response{Status: status, Body: body})
		class, reason := got.classify(channel.NewError(channel.Retry, "StatusX", "words"))
		if class == "" || !word.MatchString(string(reason)) {
			t.Errorf("%q: class %q, reason %q", body, class, reason)
		}
		suspects, others := split(make([]target, 3), got.rows())
		if len(suspects)+len(others) != 3 {
			t.Errorf("%q: suspects %v, others %v", body, suspects, others)
		}
	})
}

func TestWhole(t *testing.T) {
	t.Parallel()
	cases := []struct {
		quantity float64
		want     int64
		ok       bool
	}{
		{0, 0, true},
		{7, 7, true},
		{6.9999999999, 7, true},
		{7.0000000001, 7, true},
		{7.001, 8, true},
		{-0.5, 0, true},
		{-3, -3, true},
		{1 << 53, 1 << 53, true},
		{1e300, 0, false},
	}
	for _, tc := range cases {
		if got, ok := whole(tc.quantity); got != tc.want || ok != tc.ok {
			t.Errorf("%v becomes %d, %v, want %d, %v", tc.quantity, got, ok, tc.want, tc.ok)
		}
	}
}

// FuzzLists checks that no answer makes the decoders panic.
func FuzzLists(f *testing.F) {
	for _, seed := range []string{"", `{"message":[]}`, `{"message":[{"name":"A","sku":"a","is_stock_item":1}]}`, `{"message":[{"item_code":"A","actual_qty":1.5}]}`, `{"data":{"docstatus":1}}`} {
		f.Add([]byte(seed))
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &reconciliation{connector: c}
		if err := r.check(&channel.Response{Status: 200, Body: body}); err != nil && channel.AsError(err).Class != channel.Retry {
			t.Errorf("%q: %v", body, err)
		}
		var items []itemRow
		if readList(c.http, &channel.Response{Status: 200, Body: body}, &items) == nil {
			for _, it := range items {
				_ = it.unfit()
			}
		}
		var bins []bin
		_ = readList(c.http, &channel.Response{Status: 200, Body: body}, &bins)
	})
}
