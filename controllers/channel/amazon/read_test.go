package amazon_test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// TestApplied follows a quantity that is accepted until the listing shows it.
func TestApplied(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		confirm inventoryv1alpha1.AmazonConfirmation
		frozen  bool
		want    map[string]string
	}{
		"accepted, applied":       {"", false, map[string]string{}},
		"accepted, never applied": {"", true, map[string]string{}},
		"followed, applied":       {inventoryv1alpha1.ConfirmApplied, false, map[string]string{}},
		"followed, never applied": {inventoryv1alpha1.ConfirmApplied, true, map[string]string{"A": "Unconfirmed NotApplied", "B": "Unconfirmed NotApplied"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(a *inventoryv1alpha1.AmazonChannel) { a.Confirm = tc.confirm })
			s.know("A", "B")
			s.Freeze(tc.frozen)
			if diff := cmp.Diff(tc.want, s.push(t, items("A", "B")...)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if waited := s.clock.skip(); len(tc.want) > 0 && waited < 5*time.Minute {
				t.Errorf("gave up after %v", waited)
			}
		})
	}
}

// TestAppliedLate has the listing show the quantity at the third look, and keeps a refused one out of that.
func TestAppliedLate(t *testing.T) {
	t.Parallel()
	var looks atomic.Int64
	s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			if looks.Add(1) == 4 { // the first was the look-up
				server.Set("WD-1", "A", 5)
			}
		}
		server.ServeHTTP(w, r)
	}, func(a *inventoryv1alpha1.AmazonChannel) { a.Confirm = inventoryv1alpha1.ConfirmApplied })
	s.know("A", "B")
	s.Refuse("B")
	s.Freeze(true)
	if diff := cmp.Diff(map[string]string{"B": "Rejected InvalidListing"}, s.push(t, items("A", "B")...)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got := looks.Load(); got != 4 {
		t.Errorf("%d looks, want 4", got)
	}
}

func TestReadListings(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.know("A", "NONE", "FBA", "TWICE")
	s.Set("L1", "A", 3)
	s.Set("L2", "A", 0)
	s.Set("AMAZON_EU", "FBA", 90)
	s.Duplicate("TWICE")
	b := batch(contract.At("L1", "A", 9), contract.At("L2", "A", 9), contract.At("L3", "A", 9), contract.At("L1", "NONE", 9), contract.At("L1", "FBA", 9), contract.At("L1", "NEW", 9), contract.At("L1", "TWICE", 9))
	readings, err := s.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 3, 1: 0, 2: 0, 3: 0}, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	want := map[string]string{"FBA": "Unmapped FulfilledByAmazon", "NEW": "Unmapped UnknownSKU", "TWICE": "Unmapped AmbiguousSKU"}
	if diff := cmp.Diff(want, contract.ReasonsBySKU(b, readings.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got := s.count("searchListingsItems"); got != 1 {
		t.Errorf("%d searches for five SKUs", got)
	}
}

// TestOddReadings has Amazon answer what its model does not allow.
func TestOddReadings(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		quantity  string
		want      map[int]int64
		wantError bool
	}{
		"negative":   {`-3`, map[int]int64{0: -3}, false},
		"fractional": {`4.5`, map[int]int64{0: 5}, false}, // rather too much than too little
		"huge":       {`1e30`, nil, true},
		"text":       {`"7"`, map[int]int64{0: 7}, false},
		"no number":  {`"many"`, nil, true},
		"null":       {`null`, map[int]int64{0: 0}, false},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == amazontest.TokenPath {
					server.ServeHTTP(w, r)
					return
				}
				fakeserver.Text(`{"items":[{"sku":"a"},{"sku":"A","fulfillmentAvailability":[{"fulfillmentChannelCode":"WD-1","quantity":`+tc.quantity+`}]}]}`).ServeHTTP(w, r)
			}, nil)
			b := batch(item("A", 1))
			readings, err := s.Read(t.Context(), b)
			if tc.wantError {
				wantError(t, err, channel.Retry, "InvalidAnswer")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, readings.Quantities); diff != "" {
				t.Errorf("quantities (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPagesOfASearch are read to the end: what is on the second is no unknown SKU.
func TestPagesOfASearch(t *testing.T) {
	t.Parallel()
	s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == amazontest.TokenPath:
			server.ServeHTTP(w, r)
		case r.URL.Query().Get("pageToken") == "next":
			fakeserver.Text(`{"items":[{"sku":"B","fulfillmentAvailability":[{"fulfillmentChannelCode":"WD-1","quantity":2}]}]}`).ServeHTTP(w, r)
		default:
			fakeserver.Text(`{"items":[{"sku":"A"}],"pagination":{"nextToken":"next"}}`).ServeHTTP(w, r)
		}
	}, nil)
	readings, err := s.Read(t.Context(), batch(items("A", "B")...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 0, 1: 2}, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
}

// TestFindsOfOtherSearches has Amazon answer a search with listings that were not asked for: they are no
// second listing of a SKU that another search asks for.
func TestFindsOfOtherSearches(t *testing.T) {
	t.Parallel()
	s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == amazontest.TokenPath {
			server.ServeHTTP(w, r)
			return
		}
		fakeserver.Text(`{"items":[{"sku":"0"},{"sku":"20"}]}`).ServeHTTP(w, r)
	}, nil)
	var all []channel.Item
	for i := range 21 {
		all = append(all, item(strconv.Itoa(i), 1))
	}
	readings, err := s.Read(t.Context(), batch(all...))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 0, 20: 0}, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
}
