package amazon_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
)

// last returns the last call of an operation.
func (s *shop) last(t *testing.T, operation string) amazontest.Call {
	t.Helper()
	calls := s.Calls()
	for i := len(calls) - 1; i >= 0; i-- {
		if calls[i].Operation == operation {
			return calls[i]
		}
	}
	t.Fatalf("%s was not called, but %v", operation, s.operations())
	return amazontest.Call{}
}

func TestPatchOnTheWire(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change   func(*inventoryv1alpha1.AmazonChannel)
		mode     inventoryv1alpha1.ChannelMode
		sku      string
		wantPath string
		wantBody string
	}{
		"location-wise": {
			mode: inventoryv1alpha1.LocationWise, sku: "TEE-RED-M", wantPath: "/listings/2021-08-01/items/A1SELLER/TEE-RED-M",
			wantBody: `{"productType":"PRODUCT","patches":[{"op":"merge","path":"/attributes/fulfillment_availability","value":[{"fulfillment_channel_code":"WD-1","quantity":17}]}]}`,
		},
		"consolidated": {
			mode: inventoryv1alpha1.Consolidated, sku: "TEE-RED-M", wantPath: "/listings/2021-08-01/items/A1SELLER/TEE-RED-M",
			wantBody: `{"productType":"PRODUCT","patches":[{"op":"merge","path":"/attributes/fulfillment_availability","value":[{"fulfillment_channel_code":"DEFAULT","quantity":17}]}]}`,
		},
		"another channel and type, awkward SKU": {
			mode: inventoryv1alpha1.Consolidated, sku: `größe/4 2%&?#`, wantPath: "/listings/2021-08-01/items/A1SELLER/gr%C3%B6%C3%9Fe%2F4%202%25&%3F%23",
			change: func(a *inventoryv1alpha1.AmazonChannel) {
				a.ConsolidatedLocation, a.ProductType = "STORES", "LUGGAGE"
			},
			wantBody: `{"productType":"LUGGAGE","patches":[{"op":"merge","path":"/attributes/fulfillment_availability","value":[{"fulfillment_channel_code":"STORES","quantity":17}]}]}`,
		},
		"the listing's own type": {
			mode: inventoryv1alpha1.Consolidated, sku: "A", wantPath: "/listings/2021-08-01/items/A1SELLER/A",
			change:   func(a *inventoryv1alpha1.AmazonChannel) { a.ProductType = "FromListing" },
			wantBody: `{"productType":"SHIRT","patches":[{"op":"merge","path":"/attributes/fulfillment_availability","value":[{"fulfillment_channel_code":"DEFAULT","quantity":17}]}]}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(a *inventoryv1alpha1.AmazonChannel) {
				a.MarketplaceIDs = append(a.MarketplaceIDs, "A13V1IB3VIYZZH")
				if tc.change != nil {
					tc.change(a)
				}
			})
			s.know(tc.sku)
			b := batch(item(tc.sku, 17))
			b.Mode = tc.mode
			if result, err := s.Push(t.Context(), b); err != nil || len(result.Failures) > 0 {
				t.Fatalf("Push = %+v, %v", result, err)
			}
			call := s.last(t, "patchListingsItem")
			if diff := cmp.Diff(tc.wantPath, call.Path); diff != "" {
				t.Errorf("path (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.wantBody, string(call.Body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if got := call.Query.Get("marketplaceIds"); got != "A1PA6795UKMFR9,A13V1IB3VIYZZH" {
				t.Errorf("marketplaces %q", got)
			}
			if _, err := time.Parse("20060102T150405Z", call.Header.Get("x-amz-date")); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestLocationsOfASKUShareAPatch and leave what else the listing has as it is.
func TestLocationsOfASKUShareAPatch(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.know("A", "B")
	s.Set("DEFAULT", "A", 3)
	if got := s.push(t, at("L1", "A", 1), at("L1", "B", 2), at("L2", "A", 4)); len(got) > 0 {
		t.Fatalf("failures %v", got)
	}
	if got := s.count("patchListingsItem"); got != 2 {
		t.Errorf("%d patches for two SKUs", got)
	}
	l, _ := s.Listing("A")
	if diff := cmp.Diff(map[string]int64{"DEFAULT": 3, "L1": 1, "L2": 4}, l.Quantities); diff != "" {
		t.Errorf("quantities of A (-want +got):\n%s", diff)
	}
}

// TestUnknownSKU checks that no listing is made of a SKU that there is not, unless that is asked for.
func TestUnknownSKU(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		unknown        inventoryv1alpha1.AmazonUnknownSKUs
		want           map[string]string
		wantListing    bool
		wantOperations []string
	}{
		"refuse": {"", map[string]string{"NEW": "Unmapped UnknownSKU"}, false, []string{"searchListingsItems", "patchListingsItem"}},
		"create": {inventoryv1alpha1.CreateUnknownSKUs, map[string]string{}, true, []string{"patchListingsItem", "patchListingsItem"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(a *inventoryv1alpha1.AmazonChannel) { a.UnknownSKUs = tc.unknown })
			s.know("A")
			if diff := cmp.Diff(tc.want, s.push(t, items("A", "NEW")...)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if _, made := s.Listing("NEW"); made != tc.wantListing {
				t.Errorf("a listing was made: %v", made)
			}
			if diff := cmp.Diff(tc.wantOperations, s.operations()); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCommas checks that SKUs with a comma are not searched for: Amazon would look for their parts.
func TestCommas(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.know("A,B", "C")
	if diff := cmp.Diff(map[string]string{"X,C": "Unmapped UnknownSKU"}, s.push(t, items("A,B", "X,C", "C")...)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	want := []string{"getListingsItem", "getListingsItem", "searchListingsItems", "patchListingsItem", "patchListingsItem"}
	if diff := cmp.Diff(want, s.operations()); diff != "" {
		t.Errorf("operations (-want +got):\n%s", diff)
	}
}

// TestListingsThatAmazonFulfills are left alone, unless the seller fulfills them too.
func TestListingsThatAmazonFulfills(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.know("FBA", "BOTH")
	s.Set("AMAZON_EU", "FBA", 90)
	s.Set("AMAZON_EU", "BOTH", 90)
	s.Set("DEFAULT", "BOTH", 1)
	if diff := cmp.Diff(map[string]string{"FBA": "Unmapped FulfilledByAmazon"}, s.push(t, items("FBA", "BOTH")...)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	l, _ := s.Listing("FBA")
	if diff := cmp.Diff(map[string]int64{"AMAZON_EU": 90}, l.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
}

// TestInvalid has Amazon refuse one of three with status 200.
func TestInvalid(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.know("A", "B", "C")
	s.Refuse("B")
	b := batch(items("A", "B", "C")...)
	result, err := s.Push(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"B": "Rejected InvalidListing"}, failures(b, result.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got, want := result.Failures[1].Message, "90000900: The attributes are invalid. (fulfillment_availability)"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

// TestStopMidway has the second of three patches fail as a call: what is known of the first counts.
func TestStopMidway(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status   int
		want     string
		wantWait time.Duration
	}{
		"throttled":    {http.StatusTooManyRequests, "Throttled Throttled", 200 * time.Millisecond},
		"broken":       {http.StatusServiceUnavailable, "Retry Status503", 0},
		"no role":      {http.StatusForbidden, "Retry Unauthorized", 0}, // the next call stops the channel
		"refused item": {http.StatusBadRequest, "Rejected Status400", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/B") {
					refusal(tc.status, "SomeCode", "").ServeHTTP(w, r)
					return
				}
				server.ServeHTTP(w, r)
			}, nil)
			s.know("A", "B", "C")
			b := batch(items("A", "B", "C")...)
			result, err := s.Push(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"B": tc.want, "C": tc.want}
			if tc.status == http.StatusBadRequest { // it is about the SKU: the others go on
				delete(want, "C")
			}
			if diff := cmp.Diff(want, failures(b, result.Failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if got := result.Failures[1].RetryAfter; got != tc.wantWait {
				t.Errorf("pause %v, want %v", got, tc.wantWait)
			}
		})
	}
}

// TestStopAtOnce has the first call fail: that is a failure of the whole.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, func(a *inventoryv1alpha1.AmazonChannel) { a.UnknownSKUs = inventoryv1alpha1.CreateUnknownSKUs })
	s.Answer(refusal(http.StatusForbidden, "Unauthorized", ""))
	_, err := s.Push(t.Context(), batch(items("A", "B")...))
	wantError(t, err, channel.Unauthorized, "Unauthorized")
}

// TestRates checks that calls keep to the rate of the model, and to another that Amazon grants.
func TestRates(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		granted  string
		least    time.Duration // that ten patches take
		atMost   time.Duration
		wantWait time.Duration // for the next one, where Amazon refuses an eleventh
	}{
		"of the model":  {"", 900 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond}, // five at once, then five a second
		"less":          {"0.5", 8 * time.Second, 12 * time.Second, 2 * time.Second},
		"more":          {"50", 0, time.Second, 20 * time.Millisecond},
		"no number":     {"much", 900 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
		"none at all":   {"0", 900 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
		"not a number":  {"NaN", 900 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
		"without limit": {"Inf", 900 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refuse atomic.Bool
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method != http.MethodPatch:
					server.ServeHTTP(w, r)
				case refuse.Load():
					refusal(http.StatusTooManyRequests, "QuotaExceeded", "").ServeHTTP(w, r)
				default:
					w.Header().Set("x-amzn-RateLimit-Limit", tc.granted)
					_, _ = w.Write([]byte(`{"status":"ACCEPTED"}`))
				}
			}, func(a *inventoryv1alpha1.AmazonChannel) { a.UnknownSKUs = inventoryv1alpha1.CreateUnknownSKUs })
			if got := s.push(t, items("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")...); len(got) > 0 {
				t.Fatalf("failures %v", got)
			}
			if got := s.clock.skip(); got < tc.least || got > tc.atMost {
				t.Errorf("waited for %v, want %v to %v", got, tc.least, tc.atMost)
			}
			refuse.Store(true)
			_, err := s.Push(t.Context(), batch(item("A", 1)))
			if e := wantError(t, err, channel.Throttled, "Throttled"); e.RetryAfter != tc.wantWait {
				t.Errorf("pause %v, want %v", e.RetryAfter, tc.wantWait)
			}
		})
	}
}

// skip is how long waits would have taken.
func (c *hastyClock) skip() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skipped
}

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
	b := batch(at("L1", "A", 9), at("L2", "A", 9), at("L3", "A", 9), at("L1", "NONE", 9), at("L1", "FBA", 9), at("L1", "NEW", 9), at("L1", "TWICE", 9))
	readings, err := s.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 3, 1: 0, 2: 0, 3: 0}, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	want := map[string]string{"FBA": "Unmapped FulfilledByAmazon", "NEW": "Unmapped UnknownSKU", "TWICE": "Unmapped AmbiguousSKU"}
	if diff := cmp.Diff(want, failures(b, readings.Failures)); diff != "" {
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
		quantity string
		want     map[int]int64
		failure  map[string]string
	}{
		"negative":   {`-3`, map[int]int64{0: -3}, map[string]string{}},
		"fractional": {`4.5`, map[int]int64{}, map[string]string{"A": "Retry InvalidQuantity"}},
		"huge":       {`1e30`, map[int]int64{}, map[string]string{"A": "Retry InvalidQuantity"}},
		"text":       {`"7"`, map[int]int64{0: 7}, map[string]string{}},
		"null":       {`null`, map[int]int64{0: 0}, map[string]string{}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == amazontest.TokenPath {
					server.ServeHTTP(w, r)
					return
				}
				text(`{"items":[{"sku":"a"},{"sku":"A","fulfillmentAvailability":[{"fulfillmentChannelCode":"WD-1","quantity":`+tc.quantity+`}]}]}`).ServeHTTP(w, r)
			}, nil)
			b := batch(item("A", 1))
			readings, err := s.Read(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, readings.Quantities); diff != "" {
				t.Errorf("quantities (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.failure, failures(b, readings.Failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
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
			text(`{"items":[{"sku":"B","fulfillmentAvailability":[{"fulfillmentChannelCode":"WD-1","quantity":2}]}]}`).ServeHTTP(w, r)
		default:
			text(`{"items":[{"sku":"A"}],"pagination":{"nextToken":"next"}}`).ServeHTTP(w, r)
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
