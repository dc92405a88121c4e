package woocommerce_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/woocommerce"
	"tallyman.dev/tallyman/controllers/channel/woocommerce/woocommercetest"
)

// shop is a shop and the connector that reaches it.
type shop struct {
	*woocommercetest.Shop
	channel.Reader
}

func open(t *testing.T, change func(*channel.Config)) *shop {
	t.Helper()
	s := &shop{Shop: woocommercetest.New(testKey, testSecret)}
	url := fakeserver.Start(t, s)
	cfg := configFor(url)
	if change != nil {
		change(&cfg)
	}
	s.Reader = contract.BuildReader(t, woocommerce.New, cfg)
	return s
}

func (s *shop) simple(sku string) int64 {
	return s.Add(woocommercetest.Product{Type: woocommercetest.Simple, SKU: sku})
}

// batch has quantities 1, 2, 3 and so on.
func batch(skus ...string) channel.Batch {
	b := channel.Batch{Mode: inventoryv1alpha1.Consolidated, IdempotencyKey: "job-0"}
	for i, sku := range skus {
		b.Items = append(b.Items, channel.Item{SKU: sku, Quantity: int64(i + 1), LocationCode: "WD-1"})
	}
	return b
}

// outcomes pushes, and returns what became of each SKU: Class/Reason, or the quantity that the shop has.
func (s *shop) outcomes(t *testing.T, b channel.Batch) map[string]string {
	t.Helper()
	result, err := s.Push(t.Context(), b)
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	out := map[string]string{}
	for i, it := range b.Items {
		if failure := result.Failures[i]; failure != nil {
			out[it.SKU] = string(failure.Class) + "/" + string(failure.Reason)
			continue
		}
		p := s.Products(it.SKU)[0]
		out[it.SKU] = fmt.Sprintf("%d/%v", p.Quantity, p.Managed)
	}
	return out
}

// TestWire compares what is sent with WooCommerce's documentation.
func TestWire(t *testing.T) {
	t.Parallel()
	var got []string
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := new(strings.Builder)
		_, _ = fmt.Fprint(body, r.Method, " ", r.URL.Path, " ", r.URL.Query().Get("sku"), " ")
		if r.Method == http.MethodPost {
			raw := make([]byte, r.ContentLength)
			_, _ = r.Body.Read(raw)
			body.Write(raw)
		}
		got = append(got, body.String())
		w.Header().Set("X-WP-TotalPages", "1")
		_, _ = w.Write([]byte(map[string]string{
			"/store/wp-json/wc/v3/products":                    `[{"id":7,"parent_id":99,"type":"simple","sku":"A"},{"id":8,"parent_id":5,"type":"variation","sku":"B"}]`,
			"/store/wp-json/wc/v3/products/batch":              `{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":1}]}`,
			"/store/wp-json/wc/v3/products/5/variations/batch": `{"update":[{"id":8,"sku":"B","manage_stock":true,"stock_quantity":2}]}`,
		}[r.URL.Path]))
	}))
	result, err := contract.BuildReader(t, woocommerce.New, configFor(url+"/store/")).Push(t.Context(), batch("A", "B"))
	if err != nil || len(result.Failures) > 0 {
		t.Fatalf("Push: %+v, %v", result, err)
	}
	const fields = `"_fields":["update.0.id","update.0.sku","update.0.manage_stock","update.0.stock_quantity","update.0.error"]}`
	want := []string{
		"GET /store/wp-json/wc/v3/products A,B ",
		`POST /store/wp-json/wc/v3/products/batch  {"update":[{"id":7,"manage_stock":true,"stock_quantity":1}],` + fields,
		`POST /store/wp-json/wc/v3/products/5/variations/batch  {"update":[{"id":8,"manage_stock":true,"stock_quantity":2}],` + fields,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestProductsThatKeepNoStock are answered with success, and drop the quantity.
func TestProductsThatKeepNoStock(t *testing.T) {
	t.Parallel()
	const dropped = "Unmapped/StockNotManaged"
	add := func(s *shop) {
		parent := s.Add(woocommercetest.Product{Type: woocommercetest.Variable, SKU: "PARENT", Managed: true, Quantity: 50})
		s.Add(woocommercetest.Product{Type: woocommercetest.Variation, Parent: parent, SKU: "VARIATION"})
		s.Add(woocommercetest.Product{Type: woocommercetest.Grouped, SKU: "GROUP"})
		s.Add(woocommercetest.Product{Type: woocommercetest.External, SKU: "ELSEWHERE"})
		s.simple("UNMANAGED")
	}
	for name, tc := range map[string]struct {
		off  bool
		want map[string]string
	}{
		"a shop that does":     {false, map[string]string{"VARIATION": "1/true", "GROUP": dropped, "ELSEWHERE": dropped, "UNMANAGED": "4/true"}},
		"a shop that does not": {true, map[string]string{"VARIATION": dropped, "GROUP": dropped, "ELSEWHERE": dropped, "UNMANAGED": dropped}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			add(s)
			s.KeepStock(!tc.off)
			if diff := cmp.Diff(tc.want, s.outcomes(t, batch("VARIATION", "GROUP", "ELSEWHERE", "UNMANAGED"))); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if got := s.Products("PARENT")[0]; got.Quantity != 50 {
				t.Errorf("the parent has %d, want 50", got.Quantity)
			}
		})
	}
}

// TestErrorsInASuccess are about one product each.
func TestErrorsInASuccess(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for sku, why := range map[string]woocommercetest.Refusal{
		"FINE": {}, "BAD": {Code: "product_locked", Message: "Locked.", Status: 400}, "BROKEN": {Code: "db_update_error", Status: 500},
		"NO-STATUS": {Code: "product_unhappy"}, "LEAK": {Code: "product_locked", Message: strings.Repeat("x", 275) + testSecret, Status: 400},
	} {
		s.simple(sku)
		s.Refuse(sku, why)
	}
	b := batch("BAD", "FINE", "BROKEN", "NO-STATUS", "LEAK")
	want := map[string]string{
		"BAD": "Rejected/RefusedByChannel", "FINE": "2/true", "BROKEN": "Unconfirmed/RefusedByChannel",
		"NO-STATUS": "Unconfirmed/RefusedByChannel", "LEAK": "Rejected/RefusedByChannel",
	}
	if diff := cmp.Diff(want, s.outcomes(t, b)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	result, err := s.Push(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Failures[0].Message; got != "product_locked: Locked." {
		t.Errorf("message %q", got)
	}
	if got := result.Failures[4].Message; strings.Contains(got, testSecret[:4]) {
		t.Errorf("message %q shows a part of the secret", got)
	}
}

// TestOutdatedProducts deletes and renames products that are remembered: the SKU is looked up again by
// the next try.
func TestOutdatedProducts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change      func(s *shop, id int64)
		want, again string
	}{
		"deleted": {func(s *shop, id int64) { s.Remove(id) }, "Unconfirmed/ProductGone", "Unmapped/UnknownSKU"},
		"made a variation": {func(s *shop, id int64) {
			parent := s.Add(woocommercetest.Product{Type: woocommercetest.Variable})
			s.Edit(id, func(p *woocommercetest.Product) { p.Type, p.Parent = woocommercetest.Variation, parent })
		}, "Unconfirmed/ProductGone", "1/true"},
		"renamed": {func(s *shop, _ int64) { s.Rename("A", "B") }, "Unconfirmed/RenamedSKU", "Unmapped/UnknownSKU"},
		"replaced": {func(s *shop, id int64) {
			s.Remove(id)
			s.simple("A")
		}, "Unconfirmed/ProductGone", "1/true"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			id := s.simple("A")
			if got := s.outcomes(t, batch("A"))["A"]; got != "1/true" {
				t.Fatalf("at first %s", got)
			}
			tc.change(s, id)
			if got := s.outcomes(t, batch("A"))["A"]; got != tc.want {
				t.Errorf("after the change %s, want %s", got, tc.want)
			}
			if got := s.outcomes(t, batch("A"))["A"]; got != tc.again {
				t.Errorf("after that %s, want %s", got, tc.again)
			}
		})
	}
}

// TestCalls wants the variations of a product in one call, and no call above the limit.
func TestCalls(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *channel.Config) { c.Channel.Spec.BatchSize = 3 })
	var skus []string
	for i := range 4 {
		s.simple(fmt.Sprintf("P-%d", i))
		skus = append(skus, fmt.Sprintf("P-%d", i))
	}
	for _, parent := range []string{"X", "Y"} {
		id := s.Add(woocommercetest.Product{Type: woocommercetest.Variable, SKU: parent})
		for i := range 2 {
			s.Add(woocommercetest.Product{Type: woocommercetest.Variation, Parent: id, SKU: fmt.Sprintf("%s-%d", parent, i)})
		}
	}
	skus = append(skus, "X-0", "Y-0", "X-1", "Y-1")
	s.outcomes(t, batch(skus...))
	got := map[string][]int{}
	for _, call := range s.Calls() {
		if call.Method == http.MethodPost {
			got[call.Path] = append(got[call.Path], len(call.Updates))
		}
	}
	want := map[string][]int{"/products/batch": {3, 1}, "/products/105/variations/batch": {2}, "/products/108/variations/batch": {2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestLongAnswers has products of which a hundred are longer than an answer may be.
func TestLongAnswers(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Pad(100 << 10)
	var skus []string
	for i := range 100 {
		skus = append(skus, fmt.Sprintf("P-%d", i))
		s.simple(skus[i])
	}
	for sku, got := range s.outcomes(t, batch(skus...)) {
		if !strings.HasSuffix(got, "/true") {
			t.Errorf("%s: %s", sku, got)
		}
	}
}

// TestTooManyItems is the whole call's failure, which the lane bisects.
func TestTooManyItems(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.SetLimit(1)
	s.simple("A")
	s.simple("B")
	_, err := s.Push(t.Context(), batch("A", "B"))
	contract.WantError(t, err, channel.Rejected, "Status413")
}
