package woocommerce

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func newConnector(t testing.TB) *connector {
	t.Helper()
	c, err := New(channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
			Mode:        inventoryv1alpha1.Consolidated,
			WooCommerce: &inventoryv1alpha1.WooCommerceChannel{URL: "https://shop.example.com"},
		}},
		Credentials: map[string][]byte{keyName: []byte("ck_1"), secretName: []byte("cs_1")},
		Clock:       clock.RealClock{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.(*connector)
}

// outcomeOf is what an answer says of product 7 with SKU A, that was set to 5.
func (c *connector) outcomeOf(body string) (string, error) {
	echoes, err := c.echoes(&channel.Response{Status: 200, Body: []byte(body)})
	if err != nil {
		return "", err
	}
	failure := echoes[7].unconfirmed(channel.Item{SKU: "A", Quantity: 5})
	if failure == nil {
		return "", nil
	}
	return string(failure.Class) + "/" + string(failure.Reason), nil
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	c := newConnector(t)
	const invalid = "invalid"
	for body, want := range map[string]string{
		`{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":5}]}`:          "",
		`{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":"5"}]}`:        "",
		`{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":5.0}]}`:        "",
		`{"update":[{"id":8},{"id":7,"sku":"A","manage_stock":true,"stock_quantity":5}]}`: "",
		`{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":4.5}]}`:        "Unconfirmed/NotApplied",
		`{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":4}]}`:          "Unconfirmed/NotApplied",
		`{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":null}]}`:       "Unconfirmed/NotApplied",
		`{"update":[{"id":7,"sku":"A","manage_stock":false,"stock_quantity":5}]}`:         "Unmapped/StockNotManaged",
		`{"update":[{"id":7,"sku":"A","manage_stock":"parent","stock_quantity":5}]}`:      "Unmapped/StockNotManaged",
		`{"update":[{"id":7,"sku":"A"}]}`:                                                 "Unmapped/StockNotManaged",
		`{"update":[{"id":7,"sku":"a","manage_stock":true,"stock_quantity":5}]}`:          "Unconfirmed/RenamedSKU",
		`{"update":[{"id":8,"sku":"A","manage_stock":true,"stock_quantity":5}]}`:          "Unconfirmed/NotConfirmed",
		`{"update":[]}`: "Unconfirmed/NotConfirmed",
		`{"update":[{"id":7,"error":{"code":"product_locked","message":"No.","data":{"status":400}}}]}`:       "Rejected/RefusedByChannel",
		`{"update":[{"id":7,"error":{"code":"db_error","message":"No.","data":{"status":500}}}]}`:             "Unconfirmed/RefusedByChannel",
		`{"update":[{"id":7,"error":{"code":"odd","message":"No.","data":[]}}]}`:                              "Unconfirmed/RefusedByChannel",
		`{"update":[{"id":7,"error":{"code":"odd","message":"","data":null}}]}`:                               "Unconfirmed/RefusedByChannel",
		`{"update":[{"id":7,"error":{}}]}`:                                                                    "Unconfirmed/RefusedByChannel",
		`{"update":[{"id":7,"error":{"code":"woocommerce_rest_product_variation_invalid_id","message":""}}]}`: "Unconfirmed/ProductGone",
		`[]`: invalid, `{}`: invalid, `{"update":null}`: invalid, `null`: invalid, ``: invalid, `{"update":[{"id":7`: invalid,
		`<b>Warning</b>{"update":[]}`: invalid, `{"update":[7]}`: invalid, `{"update":[{"id":7,"stock_quantity":"many"}]}`: invalid,
	} {
		got, err := c.outcomeOf(body)
		if err != nil {
			if e := channel.AsError(err); e.Class != channel.Retry || e.Reason != "InvalidAnswer" {
				t.Errorf("%s: %v", body, err)
			}
			got = invalid
		}
		if got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// FuzzEchoes checks that no answer makes the decoder panic, or is a success without saying so.
func FuzzEchoes(f *testing.F) {
	for _, seed := range []string{
		`{"update":[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":5}]}`, `{"update":[{"id":7,"error":{"code":"x","data":[]}}]}`,
		`{"update":[{"id":7,"sku":"A","manage_stock":"parent","stock_quantity":"5.5"}]}`, `{}`, `[`,
	} {
		f.Add(seed)
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body string) {
		got, err := c.outcomeOf(body)
		if err == nil && got == "" && !strings.Contains(body, "5") {
			t.Errorf("%q is taken for success", body)
		}
	})
}

// FuzzRows checks that no answer to a look-up makes the decoder panic, and that only what was asked for is
// found.
func FuzzRows(f *testing.F) {
	for _, seed := range []string{
		`[{"id":7,"parent_id":5,"type":"variation","sku":"A","manage_stock":"parent","stock_quantity":null,"stock_status":"instock"}]`,
		`[{"id":7,"sku":"A","manage_stock":true,"stock_quantity":-1.5}]`, `[{"id":7},{"id":7}]`, `{}`, `[null]`,
	} {
		f.Add(seed)
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body string) {
		found := map[string][]*row{}
		answer := &channel.Response{Body: []byte(body), Header: http.Header{"X-Wp-Totalpages": {"1"}}}
		_, err := c.readPage(answer, []string{"A"}, map[int64]bool{}, found)
		if len(found) > 1 || len(found) == 1 && found["A"] == nil || err != nil && len(found) > 0 {
			t.Errorf("%q: found %v, %v", body, found, err)
		}
		for _, r := range found["A"] {
			_ = r.sells()
			if p := r.product(); p.parent != 0 && r.Type != "variation" {
				t.Errorf("%q: %+v", body, p)
			}
		}
	})
}

// TestShiftedPages has a row twice, as happens when a product is created between two pages.
func TestShiftedPages(t *testing.T) {
	t.Parallel()
	c := newConnector(t)
	found, seen := map[string][]*row{}, map[int64]bool{}
	for _, body := range []string{`[{"id":7,"sku":"A"},{"id":8,"sku":"a"}]`, `[{"id":7,"sku":"A"},{"id":9,"sku":"B"}]`} {
		answer := &channel.Response{Body: []byte(body), Header: http.Header{"X-Wp-Totalpages": {"2"}}}
		if pages, err := c.readPage(answer, []string{"A", "B"}, seen, found); err != nil || pages != 2 {
			t.Fatalf("%d pages, %v", pages, err)
		}
	}
	if len(found) != 2 || len(found["A"]) != 1 || len(found["B"]) != 1 {
		t.Errorf("found %+v", found)
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2000)
	for name, tc := range map[string]struct {
		skus []string
		want [][]string
	}{
		"none":      {nil, nil},
		"few":       {[]string{"A", "B"}, [][]string{{"A", "B"}}},
		"commas":    {[]string{"A,1", "B,1", "C", "D", "E,1", "F"}, [][]string{{"A,1"}, {"B,1"}, {"C", "D"}, {"E,1"}, {"F"}}},
		"long ones": {[]string{long, long, long, "A"}, [][]string{{long, long}, {long, "A"}}},
	} {
		if diff := cmp.Diff(tc.want, queries(tc.skus)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// FuzzSetting checks that only a shop that says so is told that it keeps no stock.
func FuzzSetting(f *testing.F) {
	for _, seed := range []string{`{"id":"woocommerce_manage_stock","value":"no"}`, `{"value":"yes"}`, `{"value":["no"]}`, `null`, `no`} {
		f.Add(seed)
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body string) {
		if c.keepsNoStock(&channel.Response{Status: http.StatusOK, Body: []byte(body)}) && !strings.Contains(strings.ToLower(body), "value") {
			t.Errorf("%q is taken for a shop without stock", body)
		}
	})
}
