package ebay_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/ebay/ebaytest"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// TestWire compares what is sent with the specification's shape, to the letter.
func TestWire(t *testing.T) {
	t.Parallel()
	old := ebaytest.Item{
		Quantity: new(int64(9)),
		Distributions: []ebaytest.Distribution{
			{MerchantLocationKey: "STORE", Quantity: 4, FulfillmentTime: &ebaytest.FulfillmentTime{Unit: "BUSINESS_DAY", Value: 3}},
			{MerchantLocationKey: "WH1", Quantity: 5},
		},
		Offers: []ebaytest.Offer{{ID: "1"}, {ID: "2", Format: "AUCTION"}, {ID: "3", Status: "UNPUBLISHED"}, {ID: "4"}},
	}
	offers := func(q string) string {
		return `[{"offerId":"1","availableQuantity":` + q + `},{"offerId":"4","availableQuantity":` + q + `}]`
	}
	cases := map[string]struct {
		change func(*channel.Config)
		batch  channel.Batch
		want   string
	}{
		"consolidated": {
			batch: consolidated(item("A", 17)),
			want:  `{"sku":"A","shipToLocationAvailability":{"quantity":17},"offers":` + offers("17") + `}`,
		},
		"sold out": {
			batch: consolidated(item("A", 0)),
			want:  `{"sku":"A","shipToLocationAvailability":{"quantity":0},"offers":` + offers("0") + `}`,
		},
		"one of several locations": {
			change: locationWise, batch: byLocation(contract.At("WH1", "A", 17)),
			want: `{"sku":"A","shipToLocationAvailability":{"quantity":21,"availabilityDistributions":[` +
				`{"merchantLocationKey":"STORE","quantity":4,"fulfillmentTime":{"unit":"BUSINESS_DAY","value":3}},` +
				`{"merchantLocationKey":"WH1","quantity":17}]},"offers":` + offers("21") + `}`,
		},
		"several locations at once, one of them new": {
			change: locationWise, batch: byLocation(contract.At("WH1", "A", 0), contract.At("WH2", "A", 2_147_483_647)),
			want: `{"sku":"A","shipToLocationAvailability":{"quantity":2147483647,"availabilityDistributions":[` +
				`{"merchantLocationKey":"STORE","quantity":4,"fulfillmentTime":{"unit":"BUSINESS_DAY","value":3}},` +
				`{"merchantLocationKey":"WH1","quantity":0},{"merchantLocationKey":"WH2","quantity":2147483647}]},` +
				`"offers":` + offers("2147483647") + `}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, tc.change)
			s.Set("A", old)
			if diff := cmp.Diff(map[int]string{}, contract.Pushed(t, s, tc.batch)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			var want []ebaytest.Update
			if err := json.Unmarshal([]byte("["+tc.want+"]"), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, s.Updates()); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRevisionsAreSaved pushes what eBay has already, which must not revise a listing.
func TestRevisionsAreSaved(t *testing.T) {
	t.Parallel()
	seven := ebaytest.Item{
		Quantity: new(int64(7)), Offers: []ebaytest.Offer{{AvailableQuantity: 7}},
		Distributions: []ebaytest.Distribution{{MerchantLocationKey: "WH1", Quantity: 7}},
	}
	low, unset, none := seven, seven, seven
	low.Offers = []ebaytest.Offer{{AvailableQuantity: 3}}
	unset.Quantity, none.Offers = nil, nil
	cases := map[string]struct {
		item   ebaytest.Item
		change func(*channel.Config)
		batch  channel.Batch
		want   int // updates
	}{
		"the same":                    {seven, nil, consolidated(item("A", 7)), 0},
		"another total":               {seven, nil, consolidated(item("A", 8)), 1},
		"another offer":               {low, nil, consolidated(item("A", 7)), 1},
		"no total yet":                {unset, nil, consolidated(item("A", 0)), 1},
		"not offered":                 {none, nil, consolidated(item("A", 7)), 0},
		"the same location":           {seven, locationWise, byLocation(contract.At("WH1", "A", 7)), 0},
		"another location":            {seven, locationWise, byLocation(contract.At("WH2", "A", 7)), 1},
		"another location, same sum":  {seven, locationWise, byLocation(contract.At("WH1", "A", 0), contract.At("WH2", "A", 7)), 1},
		"none at a location it lacks": {seven, locationWise, byLocation(contract.At("WH2", "A", 0)), 1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, tc.change)
			s.Set("A", tc.item)
			for range 2 { // the second time, all is in place
				if diff := cmp.Diff(map[int]string{}, contract.Pushed(t, s, tc.batch)); diff != "" {
					t.Errorf("failures (-want +got):\n%s", diff)
				}
			}
			if got := len(s.Updates()); got != tc.want {
				t.Errorf("%d updates, want %d", got, tc.want)
			}
		})
	}
}

// TestCosts counts the requests for a full call: daily quotas are finite.
func TestCosts(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var items []channel.Item
	for i := range 25 {
		sku := "SKU-" + string(rune('A'+i))
		s.Know(sku)
		items = append(items, item(sku, 1))
	}
	contract.Pushed(t, s, consolidated(items...))
	if got := len(s.Calls()); got != 27 {
		t.Errorf("%d requests for 25 SKUs, want one for the items, one for each SKU's offers, one to update", got)
	}
}

// TestOneSKUPerCall is an eBay that follows the page of its documentation that allows only one.
func TestOneSKUPerCall(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Apply(ebaytest.Rules{OneSKUPerCall: true})
	for _, sku := range []string{"A", "B", "C"} {
		s.Know(sku)
	}
	s.Refuse("B")
	want := map[int]string{1: "Unconfirmed RefusedByChannel"}
	if diff := cmp.Diff(want, contract.Pushed(t, s, consolidated(item("A", 1), item("B", 2), item("C", 3)))); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	for sku, want := range map[string]int64{"A": 1, "C": 3} {
		if it, _ := s.Item(sku); it.Quantity == nil || *it.Quantity != want {
			t.Errorf("%s: %+v, want %d", sku, it, want)
		}
	}
}

// TestWhatEBayRefuses has one good SKU in every call, which must arrive.
func TestWhatEBayRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("X", 51)
	cases := map[string]struct {
		rules ebaytest.Rules
		know  ebaytest.Item
		sku   string
		give  int64
		want  string
	}{
		"zero without the out-of-stock option": {
			rules: ebaytest.Rules{NoZero: true}, know: ebaytest.Item{Offers: []ebaytest.Offer{{}}}, sku: "A", want: "Rejected ZeroRefused",
		},
		"revised too often": {
			rules: ebaytest.Rules{MaxRevisions: 250}, know: ebaytest.Item{Offers: []ebaytest.Offer{{Revisions: 250}}}, sku: "A", give: 5, want: "Throttled RevisionLimit",
		},
		"a SKU that is too long": {know: ebaytest.Item{}, sku: long, give: 5, want: "Unmapped UnknownSKU"},
		"no SKU":                 {know: ebaytest.Item{}, give: 5, want: "Unmapped UnknownSKU"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.Apply(tc.rules)
			s.Set("A", tc.know)
			s.Know("GOOD")
			if diff := cmp.Diff(map[int]string{1: tc.want}, contract.Pushed(t, s, consolidated(item("GOOD", 5), item(tc.sku, tc.give)))); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if it, _ := s.Item("GOOD"); it.Quantity == nil || *it.Quantity != 5 {
				t.Errorf("the good SKU has %+v", it)
			}
		})
	}
}

// TestRefusedRead is an eBay that refuses to read all items because of one that it does not know.
func TestRefusedRead(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Know("A")
	calls := 0
	s.Answer(ebaytest.ItemsPath, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls++; calls == 2 { // the first SKU alone
			s.Answer(ebaytest.ItemsPath, nil)
			s.ServeHTTP(w, r)
			return
		}
		ebaytest.Refused(http.StatusBadRequest, ebaytest.Fault{ErrorID: 25702, Domain: "API_INVENTORY", Category: "REQUEST", Message: "SKU B is not available in the system"}).ServeHTTP(w, r)
	}))
	if diff := cmp.Diff(map[int]string{1: "Unmapped UnknownSKU"}, contract.Pushed(t, s, consolidated(item("A", 1), item("B", 2)))); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestLostOffers is an answer that tells a part of the offers only: quantities must not be set by it.
func TestLostOffers(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Know("A")
	s.Answer(ebaytest.OffersPath, fakeserver.Text(`{"total":2,"offers":[{"offerId":"1","sku":"A","status":"PUBLISHED","format":"FIXED_PRICE"}]}`))
	if diff := cmp.Diff(map[int]string{0: "Retry InvalidAnswer"}, contract.Pushed(t, s, consolidated(item("A", 1)))); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if slices.ContainsFunc(s.Calls(), func(r string) bool { return strings.Contains(r, "update") }) {
		t.Errorf("requests %q, want no update", s.Calls())
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	answer := func(stock, offers string) {
		s.Answer(ebaytest.ItemsPath, fakeserver.Text(`{"responses":[{"sku":"A","statusCode":200,"inventoryItem":{"availability":{"shipToLocationAvailability":`+stock+`}}}]}`))
		s.Answer(ebaytest.OffersPath, fakeserver.Text(`{"offers":[`+offers+`]}`))
	}
	offer := func(q string) string {
		return `{"offerId":"1","sku":"A","status":"PUBLISHED","format":"FIXED_PRICE","availableQuantity":` + q + `}`
	}
	located := `{"quantity":9,"availabilityDistributions":[{"merchantLocationKey":"WH1","quantity":4}]}`
	reader := s.Connector.(channel.Reader)
	cases := []struct {
		name, stock, offers string
		batch               channel.Batch
		want                int64
	}{
		{"the total", `{"quantity":9}`, offer("9"), consolidated(item("A", 0)), 9},
		{"an offer that is lower", `{"quantity":9}`, offer("3"), consolidated(item("A", 0)), 3},
		{"an offer that is higher does not show", `{"quantity":9}`, offer("30"), consolidated(item("A", 0)), 9},
		{"not offered", `{"quantity":9}`, ``, consolidated(item("A", 0)), 9},
		{"never set", `{}`, ``, consolidated(item("A", 0)), 0},
		{"negative", `{"quantity":-2}`, offer("5"), consolidated(item("A", 0)), -2},
		{"a fraction", `{"quantity":2.5}`, ``, consolidated(item("A", 0)), 3}, // more than 2
		{"an offer without a quantity", `{"quantity":9}`, `{"offerId":"1","sku":"A","status":"PUBLISHED"}`, consolidated(item("A", 0)), 0},
		{"a location", located, ``, byLocation(contract.At("WH1", "A", 0)), 4},
		{"a location without stock", located, ``, byLocation(contract.At("WH2", "A", 0)), 0},
	}
	for _, tc := range cases {
		answer(tc.stock, tc.offers)
		got, err := reader.Read(t.Context(), tc.batch)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		if diff := cmp.Diff(map[int]int64{0: tc.want}, got.Quantities); diff != "" || len(got.Failures) > 0 {
			t.Errorf("%s: %v (-want +got):\n%s", tc.name, got.Failures, diff)
		}
	}
}
