package amazon_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

// last returns the last call of an operation.
func (s *shop) last(t *testing.T, operation string) amazontest.Call {
	t.Helper()
	for _, call := range slices.Backward(s.Calls()) {
		if call.Operation == operation {
			return call
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
	if got := s.push(t, contract.At("L1", "A", 1), contract.At("L1", "B", 2), contract.At("L2", "A", 4)); len(got) > 0 {
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
	if diff := cmp.Diff(map[string]string{"B": "Rejected InvalidListing"}, contract.ReasonsBySKU(b, result.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got, want := result.Failures[1].Message, "90000900: The attributes are invalid. (fulfillment_availability)"; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}
