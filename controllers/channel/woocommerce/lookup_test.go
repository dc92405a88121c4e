package woocommerce_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/woocommerce/woocommercetest"
)

// lookups returns the parameters of the look-ups so far.
func (s *shop) lookups() []string {
	var out []string
	for _, call := range s.Calls() {
		if call.Method == http.MethodGet {
			out = append(out, call.SKUs)
		}
	}
	return out
}

func TestExactMatchesOnly(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, sku := range []string{"abc", "ABC", "A", "B", "A,B"} {
		s.simple(sku)
	}
	want := map[string]string{"ABC": "1/true", "Abc": "Unmapped/UnknownSKU", "A,B": "3/true", "A": "4/true", "B,A": "Unmapped/UnknownSKU"}
	if diff := cmp.Diff(want, s.outcomes(t, batch("ABC", "Abc", "A,B", "A", "B,A"))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if got := s.Products("abc")[0]; got.Managed {
		t.Errorf("abc was pushed: %+v", got)
	}
	if diff := cmp.Diff([]string{"ABC,Abc", "A,B", "A", "B,A"}, s.lookups()); diff != "" {
		t.Errorf("look-ups (-want +got):\n%s", diff)
	}
}

// TestSKUOnSeveralProducts finds a product and a variation of another with one SKU.
func TestSKUOnSeveralProducts(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	parent := s.Add(woocommercetest.Product{Type: woocommercetest.Variable})
	s.Add(woocommercetest.Product{Type: woocommercetest.Variation, Parent: parent, SKU: "A"})
	s.simple("A")
	if got := s.outcomes(t, batch("A"))["A"]; got != "Unmapped/AmbiguousSKU" {
		t.Errorf("%s, want AmbiguousSKU", got)
	}
}

// TestAddressesAreBounded looks up SKUs that would not fit into one address.
func TestAddressesAreBounded(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var skus []string
	for i := range 100 {
		sku := fmt.Sprintf("%s-%d", strings.Repeat("ü", 50), i)
		skus = append(skus, sku)
		s.simple(sku)
	}
	for sku, got := range s.outcomes(t, batch(skus...)) {
		if !strings.HasSuffix(got, "/true") {
			t.Errorf("%s: %s", sku, got)
		}
	}
	lookups := s.lookups()
	if len(lookups) != 8 { // each SKU takes about 300 bytes as it is sent
		t.Errorf("%d look-ups, want 8", len(lookups))
	}
	for _, skus := range lookups {
		if n := len(url.QueryEscape(skus)); n > 4<<10 {
			t.Errorf("a look-up of %d bytes", n)
		}
	}
}

// TestPages has more matches than a page holds, because many products differ by case only.
func TestPages(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for range 250 {
		s.simple("a")
	}
	s.simple("A")
	if got := s.outcomes(t, batch("A"))["A"]; got != "1/true" {
		t.Errorf("%s, want 1", got)
	}
	if got := len(s.lookups()); got != 3 {
		t.Errorf("%d look-ups, want 3", got)
	}
}

// TestShopWithoutSKUs ignores the parameter, and answers with everything.
func TestShopWithoutSKUs(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for i := range 2000 {
		s.simple(strconv.Itoa(i))
	}
	s.UseSKUs(false)
	_, err := s.Push(t.Context(), batch("A"))
	contract.WantError(t, err, channel.Retry, "InvalidAnswer")
	if got := len(s.Calls()); got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	parent := s.Add(woocommercetest.Product{Type: woocommercetest.Variable, Managed: true, Quantity: 9})
	for _, p := range []woocommercetest.Product{
		{Type: woocommercetest.Simple, SKU: "MANAGED", Managed: true, Quantity: 4},
		{Type: woocommercetest.Simple, SKU: "SOLD-OUT", Managed: true},
		{Type: woocommercetest.Simple, SKU: "BACKORDERED", Managed: true, Quantity: -2},
		{Type: woocommercetest.Simple, SKU: "FREE"},
		{Type: woocommercetest.Simple, SKU: "CLOSED", OutOfStock: true},
		{Type: woocommercetest.Variation, Parent: parent, SKU: "OWN", Managed: true, Quantity: 3},
		{Type: woocommercetest.Variation, Parent: parent, SKU: "INHERITED"},
		{Type: woocommercetest.Simple, SKU: "TWICE"},
		{Type: woocommercetest.Simple, SKU: "TWICE"},
	} {
		s.Add(p)
	}
	b := batch("MANAGED", "SOLD-OUT", "BACKORDERED", "FREE", "CLOSED", "OWN", "INHERITED", "TWICE", "NONE")
	readings, err := s.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for i, it := range b.Items {
		quantity, ok := readings.Quantities[i]
		if failure := readings.Failures[i]; failure != nil {
			got[it.SKU] = string(failure.Class) + "/" + string(failure.Reason)
		} else if ok {
			got[it.SKU] = strconv.FormatInt(quantity, 10)
		}
	}
	want := map[string]string{
		"MANAGED": "4", "SOLD-OUT": "0", "BACKORDERED": "-2", "FREE": "2147483648", "CLOSED": "0", "OWN": "3", "INHERITED": "2147483648",
		"TWICE": "Unmapped/AmbiguousSKU", "NONE": "Unmapped/UnknownSKU",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("readings (-want +got):\n%s", diff)
	}
	for _, call := range s.Calls() {
		if call.Method != http.MethodGet {
			t.Errorf("call %+v", call)
		}
	}
}
