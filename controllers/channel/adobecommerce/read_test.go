package adobecommerce_test

import (
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce/adobecommercetest"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

func TestRead(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for sku, stock := range map[string]adobecommercetest.Stock{
		"FOUR": {Quantity: 4, Status: 1}, "PART": {Quantity: 1.5, Status: 1}, "BELOW": {Quantity: -2, Status: 1}, "ZERO": {Status: 1},
		"OUT": {Quantity: 9}, "BELOW-OUT": {Quantity: -3},
	} {
		s.sell(sku)
		s.SetStock(adobecommercetest.SourceSKU{SKU: sku, Source: "WD-1"}, stock)
		s.SetStock(adobecommercetest.SourceSKU{SKU: sku, Source: "WD-2"}, adobecommercetest.Stock{Quantity: 99, Status: 1})
	}
	s.sell("UNASSIGNED")
	s.Add(adobecommercetest.Product{SKU: "PARENT", Type: "configurable"})
	s.SetStock(adobecommercetest.SourceSKU{SKU: "ORPHAN", Source: "WD-1"}, adobecommercetest.Stock{Quantity: 5, Status: 1})
	s.SetStock(adobecommercetest.SourceSKU{SKU: "four", Source: "WD-1"}, adobecommercetest.Stock{Quantity: 44, Status: 1})
	b := batch("FOUR", "PART", "BELOW", "ZERO", "OUT", "BELOW-OUT", "UNASSIGNED", "PARENT", "ORPHAN", "FOUR")
	b.Items[9].LocationCode = "WD-9"
	readings, err := s.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 4, 1: 2, 2: -2, 3: 0, 4: 0, 5: -3, 6: 0}, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	reasons := map[int]string{}
	for i, failure := range readings.Failures {
		reasons[i] = string(failure.Class) + "/" + string(failure.Reason)
	}
	want := map[int]string{7: "Unmapped/StockNotManaged", 8: "Unmapped/UnknownSKU", 9: "Unmapped/UnknownSource"}
	if diff := cmp.Diff(want, reasons); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got := s.saves(); len(got) != 0 {
		t.Errorf("calls that store: %v", got)
	}
}

// TestReadPages has more rows than a page, as the database finds SKUs in lower case too.
func TestReadPages(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var skus []string
	for i := range 90 {
		skus = append(skus, "P-"+strconv.Itoa(i))
		s.SetStock(adobecommercetest.SourceSKU{SKU: skus[i], Source: "WD-1"}, adobecommercetest.Stock{Quantity: float64(i), Status: 1})
		s.SetStock(adobecommercetest.SourceSKU{SKU: "p-" + strconv.Itoa(i), Source: "WD-1"}, adobecommercetest.Stock{Quantity: 1000, Status: 1})
	}
	s.sell(skus...)
	readings, err := s.Read(t.Context(), batch(skus...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range skus {
		if readings.Quantities[i] != int64(i) {
			t.Errorf("%s: %d, want %d", skus[i], readings.Quantities[i], i)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*channel.Config)
		reason string
	}{
		"no configuration":         {func(c *channel.Config) { c.Channel.Spec.AdobeCommerce = nil }, "InvalidSpec"},
		"sum without a source":     {func(c *channel.Config) { c.Channel.Spec.Mode = inventoryv1alpha1.Consolidated }, "InvalidSpec"},
		"one source for locations": {func(c *channel.Config) { c.Channel.Spec.AdobeCommerce.Source = "main" }, "InvalidSpec"},
		"no Secret":                {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials"},
		"bad certificate":          {func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("https://shop.example.com")
			tc.change(&cfg)
			_, err := adobecommerce.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.reason)
		})
	}
}

// TestProbe wants each right that the connector needs, and changes nothing.
func TestProbe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*channel.Config)
		denied string
		fails  bool
	}{
		"all rights":                  {nil, "", false},
		"all rights, bulk":            {bulk, "", false},
		"products":                    {nil, adobecommercetest.Products, true},
		"sources":                     {nil, adobecommercetest.Sources, true},
		"source items":                {nil, adobecommercetest.Save, true},
		"bulks, which are not needed": {nil, adobecommercetest.Bulks, false},
		"bulks, which are followed":   {bulk, adobecommercetest.Bulks, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, tc.change)
			s.Deny(tc.denied)
			err := s.Probe(t.Context())
			if !tc.fails {
				if err != nil {
					t.Errorf("Probe: %v", err)
				}
				return
			}
			contract.WantError(t, err, channel.Unauthorized, "Unauthorized")
			if want := "401 Unauthorized: The consumer isn't authorized to access " + tc.denied + "."; channel.AsError(err).Message != want {
				t.Errorf("message %q, want %q", channel.AsError(err).Message, want)
			}
			if len(s.Stock()) != 0 {
				t.Errorf("stock %v", s.Stock())
			}
		})
	}
	s := open(t, nil)
	s.AnswerBy(func(call adobecommercetest.Call) http.Handler {
		if call.Method == http.MethodPost {
			return adobecommercetest.Error(503, "Service Temporarily Unavailable")
		}
		return nil
	})
	contract.WantError(t, s.Probe(t.Context()), channel.Retry, "Status503")
}
