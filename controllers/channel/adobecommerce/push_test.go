package adobecommerce_test

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce/adobecommercetest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// shop is a shop and the connector that reaches it.
type shop struct {
	*adobecommercetest.Shop
	channel.Reader
}

// open makes a shop with the sources WD-1 and WD-2.
func open(t *testing.T, change func(*channel.Config)) *shop {
	t.Helper()
	s := &shop{Shop: adobecommercetest.New(testToken)}
	s.AddSource("WD-1", "WD-2")
	url := fakeserver.Start(t, s)
	cfg := configFor(url)
	if change != nil {
		change(&cfg)
	}
	s.Reader = contract.BuildReader(t, adobecommerce.New, cfg)
	return s
}

// sell adds simple products.
func (s *shop) sell(skus ...string) {
	for _, sku := range skus {
		s.Add(adobecommercetest.Product{SKU: sku})
	}
}

// batch has quantities 1, 2, 3 and so on at WD-1.
func batch(skus ...string) channel.Batch {
	b := channel.Batch{Mode: inventoryv1alpha1.LocationWise, IdempotencyKey: "job-0"}
	for i, sku := range skus {
		b.Items = append(b.Items, channel.Item{SKU: sku, Quantity: int64(i + 1), LocationCode: "WD-1"})
	}
	return b
}

// outcomes pushes, and returns what became of each SKU: Class/Reason, or the quantity and status that the
// shop has.
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
		stock, ok := s.StockAt(adobecommercetest.SourceSKU{SKU: it.SKU, Source: it.LocationCode})
		out[it.SKU] = "confirmed in vain"
		if ok {
			out[it.SKU] = fmt.Sprintf("%v/%d", stock.Quantity, stock.Status)
		}
	}
	return out
}

// saves returns how many quantities each call had that stores or queues them.
func (s *shop) saves() []int {
	var out []int
	for _, call := range s.Calls() {
		if call.Method == http.MethodPost {
			out = append(out, len(call.Items))
		}
	}
	return out
}

// TestWire compares what is sent with the documentation of the API.
func TestWire(t *testing.T) {
	t.Parallel()
	const items = `{"sourceItems":[{"sku":"A","source_code":"WD-1","quantity":0,"status":0}]}`
	for name, tc := range map[string]struct {
		change func(*inventoryv1alpha1.AdobeCommerceChannel)
		want   string
	}{
		"sync": {func(*inventoryv1alpha1.AdobeCommerceChannel) {}, "POST /store/rest/all/V1/inventory/source-items " + items},
		"bulk": {
			func(a *inventoryv1alpha1.AdobeCommerceChannel) { a.Delivery = "Bulk" },
			"POST /store/rest/all/async/bulk/V1/inventory/source-items [" + items + "]",
		},
		"store view": {
			func(a *inventoryv1alpha1.AdobeCommerceChannel) { a.StoreView = "de_1" },
			"POST /store/rest/de_1/V1/inventory/source-items " + items,
		},
		"backorders": {
			func(a *inventoryv1alpha1.AdobeCommerceChannel) { a.StatusAtZero = "InStock" },
			"POST /store/rest/all/V1/inventory/source-items " + strings.Replace(items, `"status":0`, `"status":1`, 1),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 10)
			s := adobecommercetest.New(testToken)
			s.Add(adobecommercetest.Product{SKU: "A"})
			s.AddSource("WD-1")
			url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					body, _ := io.ReadAll(r.Body)
					got <- fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body)
					r.Body = io.NopCloser(strings.NewReader(string(body)))
				}
				s.ServeHTTP(w, r)
			}))
			cfg := configFor(url + "/store/")
			tc.change(cfg.Channel.Spec.AdobeCommerce)
			b := batch("A")
			b.Items[0].Quantity = 0
			if result, err := contract.BuildReader(t, adobecommerce.New, cfg).Push(t.Context(), b); err != nil || len(result.Failures) > 0 {
				t.Fatalf("Push: %+v, %v", result, err)
			}
			if diff := cmp.Diff(tc.want, <-got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhatCannotBeStored must not be sent: the shop takes SKUs of no product.
func TestWhatCannotBeStored(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{"Sync", "Bulk"} {
		t.Run(delivery, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(c *channel.Config) { c.Channel.Spec.AdobeCommerce.Delivery = delivery })
			s.sell("A", "abc", "ELSEWHERE", "with,comma")
			for _, kind := range []string{"configurable", "bundle", "grouped", "virtual", "downloadable"} {
				s.Add(adobecommercetest.Product{SKU: kind, Type: kind})
			}
			b := batch("A", "NONE", "ABC", "ELSEWHERE", "configurable", "bundle", "grouped", "virtual", "downloadable", "with,comma")
			b.Items[3].LocationCode = "wd-1"
			want := map[string]string{
				"A": "1/1", "NONE": "Unmapped/UnknownSKU", "ABC": "Unmapped/UnknownSKU", "ELSEWHERE": "Unmapped/UnknownSource",
				"configurable": "Unmapped/StockNotManaged", "bundle": "Unmapped/StockNotManaged", "grouped": "Unmapped/StockNotManaged",
				"virtual": "8/1", "downloadable": "9/1", "with,comma": "10/1",
			}
			if diff := cmp.Diff(want, s.outcomes(t, b)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if got := len(s.Stock()); got != 4 {
				t.Errorf("%d quantities in the shop: %v, want 4", got, s.Stock())
			}
		})
	}
}

// TestNothingToStore makes no call that stores.
func TestNothingToStore(t *testing.T) {
	t.Parallel()
	for _, delivery := range []string{"Sync", "Bulk"} {
		s := open(t, func(c *channel.Config) { c.Channel.Spec.AdobeCommerce.Delivery = delivery })
		s.outcomes(t, batch("NONE"))
		if got := s.saves(); len(got) != 0 {
			t.Errorf("%s: calls with %v quantities, want none", delivery, got)
		}
	}
}

// TestSeveralLocations share a call, each with its own quantity of a SKU.
func TestSeveralLocations(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.sell("A")
	b := batch("A", "A")
	b.Items[1].LocationCode = "WD-2"
	if result, err := s.Push(t.Context(), b); err != nil || len(result.Failures) > 0 {
		t.Fatalf("Push: %+v, %v", result, err)
	}
	want := map[adobecommercetest.SourceSKU]adobecommercetest.Stock{{SKU: "A", Source: "WD-1"}: {Quantity: 1, Status: 1}, {SKU: "A", Source: "WD-2"}: {Quantity: 2, Status: 1}}
	if diff := cmp.Diff(want, s.Stock()); diff != "" {
		t.Errorf("stock (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{2}, s.saves()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestInputLimit is learned from the shop's refusal, and kept.
func TestInputLimit(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var skus []string
	for i := range 50 {
		skus = append(skus, "P-"+strconv.Itoa(i))
	}
	s.sell(skus...)
	s.LimitInput(20)
	for sku, got := range s.outcomes(t, batch(skus...)) {
		if !strings.HasSuffix(got, "/1") {
			t.Errorf("%s: %s", sku, got)
		}
	}
	s.outcomes(t, batch(skus[:30]...))
	if diff := cmp.Diff([]int{50, 20, 20, 10, 20, 10}, s.saves()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestAllOrNothing fails the call for one bad item, without saying which: the lane bisects.
func TestAllOrNothing(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.sell("A", "BAD")
	s.Refuse("BAD")
	_, err := s.Push(t.Context(), batch("A", "BAD"))
	contract.WantError(t, err, channel.Rejected, "Status400")
	if !strings.Contains(err.Error(), `400 Bad Request: Validation Failed: "sku" is not wanted.`) {
		t.Errorf("error %v", err)
	}
	_, err = s.Push(t.Context(), batch("BAD"))
	contract.WantError(t, err, channel.Rejected, "Status400")
}

// TestCouldNotSave is what the shop says of bad items and of bad moments.
func TestCouldNotSave(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.sell("A", "B")
	s.AnswerBy(func(call adobecommercetest.Call) http.Handler {
		if slices.ContainsFunc(call.Items, func(it adobecommercetest.SourceItem) bool { return it.SKU == "B" }) {
			return adobecommercetest.Error(http.StatusBadRequest, "Could not save Source Item")
		}
		return nil
	})
	_, err := s.Push(t.Context(), batch("A", "B"))
	contract.WantError(t, err, channel.Rejected, "Status400")
	if got := s.outcomes(t, batch("B"))["B"]; got != "Unconfirmed/CouldNotSave" {
		t.Errorf("alone %s, want CouldNotSave", got)
	}
}

// TestRenamed does not write over the quantity of a product under its old SKU.
func TestRenamed(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.sell("OLD")
	s.outcomes(t, batch("OLD"))
	s.Rename("OLD", "NEW")
	want := map[string]string{"OLD": "Unmapped/UnknownSKU", "NEW": "2/1"}
	if diff := cmp.Diff(want, s.outcomes(t, batch("OLD", "NEW"))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// TestStatuses are those of the shop and of what stands before it.
func TestStatuses(t *testing.T) {
	t.Parallel()
	html := func(status int) http.Handler { return fakeserver.Status(status, "<html>") }
	for name, tc := range map[string]struct {
		answer http.Handler
		class  channel.Class
		reason string
	}{
		"no right":                       {adobecommercetest.Error(401, "The consumer isn't authorized to access %resources."), channel.Unauthorized, "Unauthorized"},
		"forbidden by the shop":          {adobecommercetest.Error(403, "No."), channel.Unauthorized, "Unauthorized"},
		"firewall":                       {html(403), channel.Retry, "BlockedByHost"},
		"throttled":                      {html(429), channel.Throttled, "Throttled"},
		"maintenance":                    {html(503), channel.Retry, "Status503"},
		"gateway without patience":       {html(504), channel.Retry, string(channel.ReasonTimeout)},
		"other gateway without patience": {html(524), channel.Retry, string(channel.ReasonTimeout)},
		"no such route":                  {adobecommercetest.Error(404, "Request does not match any route."), channel.Retry, "Status404"},
		"error":                          {adobecommercetest.Error(500, "Internal Error."), channel.Retry, "Status500"},
		"page":                           {http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }), channel.Retry, "InvalidAnswer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.sell("A")
			s.AnswerBy(func(call adobecommercetest.Call) http.Handler {
				if call.Method == http.MethodPost {
					return tc.answer
				}
				return nil
			})
			_, err := s.Push(t.Context(), batch("A"))
			contract.WantError(t, err, tc.class, tc.reason)
			if tc.reason != "InvalidAnswer" { // the probe only wants to be let in
				contract.WantError(t, s.Probe(t.Context()), tc.class, tc.reason)
			}
		})
	}
}
