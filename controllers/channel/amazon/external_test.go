package amazon_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

// inventoryCall is what the tests read of a batchInventory call.
type inventoryCall struct {
	Requests []struct {
		Method string `json:"method"`
		URI    string `json:"uri"`
		Body   struct {
			Quantity              *int64             `json:"quantity"`
			ClientSequenceNumber  int64              `json:"clientSequenceNumber"`
			MarketplaceAttributes *map[string]string `json:"marketplaceAttributes"`
		} `json:"body"`
	} `json:"requests"`
}

func (s *shop) inventoryCall(t *testing.T) inventoryCall {
	t.Helper()
	var out inventoryCall
	if err := json.Unmarshal(s.last(t, "batchInventory").Body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestInventoryOnTheWire(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change   func(*inventoryv1alpha1.AmazonChannel)
		mode     inventoryv1alpha1.ChannelMode
		wantURIs []string
		want     *map[string]string
	}{
		"location-wise": {
			mode: inventoryv1alpha1.LocationWise,
			wantURIs: []string{
				"/inventory/update?locationId=EX+SB&skuId=gr%C3%B6%C3%9Fe%2F4%202%25%26%3F%2B",
				"/inventory/update?locationId=L2&skuId=A",
			},
		},
		"consolidated": {
			mode: inventoryv1alpha1.Consolidated,
			wantURIs: []string{
				"/inventory/update?locationId=DEFAULT&skuId=gr%C3%B6%C3%9Fe%2F4%202%25%26%3F%2B",
				"/inventory/update?locationId=DEFAULT&skuId=A",
			},
		},
		"of one program": {
			mode: inventoryv1alpha1.Consolidated,
			change: func(a *inventoryv1alpha1.AmazonChannel) {
				a.FulfillmentChannel, a.ConsolidatedLocation = "MFN", "EXSB"
			},
			wantURIs: []string{
				"/inventory/update?locationId=EXSB&skuId=gr%C3%B6%C3%9Fe%2F4%202%25%26%3F%2B",
				"/inventory/update?locationId=EXSB&skuId=A",
			},
			want: &map[string]string{"marketplaceId": "A1PA6795UKMFR9", "channelName": "MFN"},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(a *inventoryv1alpha1.AmazonChannel) {
				byExternalFulfillment(a)
				if tc.change != nil {
					tc.change(a)
				}
			})
			b := batch(contract.At("EX SB", "größe/4 2%&?+", 0), contract.At("L2", "A", 3))
			b.Mode = tc.mode
			began := s.clock.Now().UnixMilli()
			if result, err := s.Push(t.Context(), b); err != nil || len(result.Failures) > 0 {
				t.Fatalf("Push = %+v, %v", result, err)
			}
			call := s.inventoryCall(t)
			if len(call.Requests) != 2 {
				t.Fatalf("%d requests", len(call.Requests))
			}
			for i, r := range call.Requests {
				if diff := cmp.Diff(strings.Replace(tc.wantURIs[i], "EX+SB", "EX%20SB", 1), r.URI); diff != "" {
					t.Errorf("URI (-want +got):\n%s", diff)
				}
				if r.Method != http.MethodPost || r.Body.Quantity == nil || *r.Body.Quantity != b.Items[i].Quantity || r.Body.ClientSequenceNumber < began {
					t.Errorf("request %d is %+v", i, r)
				}
				if diff := cmp.Diff(tc.want, r.Body.MarketplaceAttributes); diff != "" {
					t.Errorf("attributes (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestSequence checks that numbers grow where the clock does not, and pass one that Amazon has from a
// process whose clock was ahead.
func TestSequence(t *testing.T) {
	t.Parallel()
	s := open(t, byExternalFulfillment).still(t)
	var last int64
	for range 3 {
		if got := s.push(t, item("A", 1)); len(got) > 0 {
			t.Fatalf("failures %v", got)
		}
		stock, _ := s.Inventory(amazontest.LocationSKU{LocationID: "WD-1", SKU: "A"})
		if stock.Sequence <= last {
			t.Errorf("number %d after %d", stock.Sequence, last)
		}
		last = stock.Sequence
	}
	ahead := s.clock.Now().Add(time.Hour).UnixMilli()
	s.SetInventory(amazontest.LocationSKU{LocationID: "WD-1", SKU: "A"}, amazontest.Stock{Quantity: 7, Sequence: ahead})
	if diff := cmp.Diff(map[string]string{"A": "Retry StaleSequence"}, s.push(t, item("A", 2), item("B", 2))); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got := s.push(t, item("A", 2)); len(got) > 0 {
		t.Errorf("failures %v of the repetition", got)
	}
	if stock, _ := s.Inventory(amazontest.LocationSKU{LocationID: "WD-1", SKU: "A"}); stock.Quantity != 2 || stock.Sequence != ahead+1 {
		t.Errorf("stock %+v, want 2 by %d", stock, ahead+1)
	}
}

func TestReadInventory(t *testing.T) {
	t.Parallel()
	s := open(t, byExternalFulfillment)
	s.SetInventory(amazontest.LocationSKU{LocationID: "WD-1", SKU: "A"}, amazontest.Stock{Quantity: 20, Reserved: 5})
	s.SetInventory(amazontest.LocationSKU{LocationID: "WD-1", SKU: "B"}, amazontest.Stock{})
	b := batch(items("A", "B", "NEW")...)
	readings, err := s.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 20, 1: 0}, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"NEW": "Unmapped UnknownSKU"}, contract.ReasonsBySKU(b, readings.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	call := s.inventoryCall(t)
	if got := call.Requests[0]; got.URI != "/inventory/fetch?locationId=WD-1&skuId=A" || got.Body.Quantity != nil || got.Body.ClientSequenceNumber != 0 {
		t.Errorf("request %+v", got)
	}
}

// TestTooManyRequests has Amazon refuse a batch that spec.batchSize made too large: its halves are tried.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	s := openBehind(t, (*amazontest.Server).ServeHTTP, byExternalFulfillment)
	_, err := s.Push(t.Context(), batch(items("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")...))
	if message := wantError(t, err, channel.Rejected, "Status400"); !strings.Contains(message, "BATCH_SIZE_EXCEED") {
		t.Errorf("message %q", message)
	}
}

// TestProbes checks what is asked, and that it changes nothing.
func TestProbes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*inventoryv1alpha1.AmazonChannel)
		want   []string
	}{
		"listings":             {nil, []string{"searchListingsItems"}},
		"feeds":                {byFeeds(1), []string{"searchListingsItems"}},
		"external fulfillment": {byExternalFulfillment, []string{"batchInventory"}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, tc.change)
			for i := range 2 {
				if err := s.Probe(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := s.TokensIssued(); got != i+1 {
					t.Errorf("%d tokens after probe %d: revoked credentials would not be noticed", got, i+1)
				}
			}
			if diff := cmp.Diff(append(tc.want, tc.want...), s.operations()); diff != "" {
				t.Errorf("operations (-want +got):\n%s", diff)
			}
			if _, told := s.Inventory(amazontest.LocationSKU{LocationID: "DEFAULT", SKU: "tallyman-probe"}); told {
				t.Error("the probe has set a quantity")
			}
			s.Answer("", refusal(http.StatusBadRequest, "InvalidInput", ""))
			wantError(t, s.Probe(t.Context()), channel.Retry, "Status400")
		})
	}
}
