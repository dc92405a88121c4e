package shopifytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	testingclock "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/channel/shopify/shopifytest"
)

const (
	keyed = `mutation($input: InventorySetQuantitiesInput!, $key: String!) {
		inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { code field } } }`
	unkeyed = `mutation($input: InventorySetQuantitiesInput!) { inventorySetQuantities(input: $input) { userErrors { code field } } }`
)

func newShop() (*shopifytest.Shop, *testingclock.FakeClock) {
	c := testingclock.NewFakeClock(time.Unix(1_800_000_000, 0))
	s := shopifytest.New(c)
	s.AddLocation("North")
	for _, sku := range []string{"A", "B"} {
		s.AddItem(shopifytest.Item{SKU: sku}, s.LocationNamed("North"))
	}
	return s, c
}

// call makes a call and returns its status and answer without the cost.
func call(t *testing.T, s *shopifytest.Shop, version, query, variables string) (int, string) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": json.RawMessage(variables)})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/admin/api/"+version+"/graphql.json", strings.NewReader(string(body)))
	r.Header.Set("X-Shopify-Access-Token", shopifytest.Token)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	text, _, _ := strings.Cut(strings.TrimSpace(w.Body.String()), `,"extensions":{"cost"`)
	return w.Code, text
}

// row is a quantity of the item of that number, with further fields.
func row(item, quantity int, more string) string {
	return fmt.Sprintf(`{"inventoryItemId":"gid://shopify/InventoryItem/%d","locationId":"gid://shopify/Location/22000","quantity":%d%s}`, 11_000+item, quantity, more)
}

func set(key, more string, rows ...string) string {
	return fmt.Sprintf(`{"key":%q,"input":{"name":"available","reason":"correction"%s,"quantities":[%s]}}`, key, more, strings.Join(rows, ","))
}

// TestRules are what the schema cannot say, or says from a version on.
func TestRules(t *testing.T) {
	t.Parallel()
	const null = `,"changeFromQuantity":null`
	many := make([]string, 251)
	for i := range many {
		many[i] = row(i, 1, null)
	}
	const done = `{"data":{"inventorySetQuantities":{"userErrors":[]}}`
	userError := func(code, field string) string {
		return fmt.Sprintf(`{"data":{"inventorySetQuantities":{"userErrors":[{"code":%q,"field":[%s]}]}}`, code, field)
	}
	for name, tc := range map[string]struct {
		version, query, variables string
		want                      string // the answer begins with it, or holds it
	}{
		"set":                         {"2026-04", keyed, set("k", "", row(0, 1, null)), done},
		"no key":                      {"2026-04", unkeyed, set("", "", row(0, 1, null)), `"The @idempotent directive is required for this mutation but was not provided.","extensions":{"code":"BAD_REQUEST"}`},
		"no key needed yet":           {"2026-01", unkeyed, set("", `,"ignoreCompareQuantity":true`, row(0, 1, "")), done},
		"no such directive yet":       {"2025-10", keyed, set("k", "", row(0, 1, "")), `"code":"undefinedField"`},
		"changeFromQuantity left out": {"2026-07", keyed, set("k", "", row(0, 1, null), row(1, 1, "")), `"code":"INVALID_FIELD_ARGUMENTS"`},
		"changeFromQuantity is right": {"2026-07", keyed, set("k", "", row(0, 1, `,"changeFromQuantity":0`)), done},
		"changeFromQuantity is stale": {"2026-07", keyed, set("k", "", row(0, 1, `,"changeFromQuantity":9`)), userError("CHANGE_FROM_QUANTITY_STALE", `"input","quantities","0","changeFromQuantity"`)},
		"compareQuantity left out":    {"2025-10", unkeyed, set("", "", row(0, 1, "")), userError("COMPARE_QUANTITY_REQUIRED", `"input","quantities","0","compareQuantity"`)},
		"compareQuantity is stale":    {"2025-10", unkeyed, set("", "", row(0, 1, `,"compareQuantity":9`)), userError("COMPARE_QUANTITY_STALE", `"input","quantities","0","compareQuantity"`)},
		"compareQuantity is gone":     {"2026-04", keyed, set("k", "", row(0, 1, `,"compareQuantity":0`)), `"code":"INVALID_VARIABLE"`},
		"ignoreCompareQuantity too":   {"2026-04", keyed, set("k", `,"ignoreCompareQuantity":true`, row(0, 1, null)), `"code":"INVALID_VARIABLE"`},
		"251 rows":                    {"2026-04", keyed, set("k", "", many...), `"code":"MAX_INPUT_SIZE_EXCEEDED"`},
		"one pair twice":              {"2026-04", keyed, set("k", "", row(0, 1, null), row(0, 2, null)), userError("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", `"input","quantities","1"`)},
		"no such item":                {"2026-04", keyed, set("k", "", row(0, 1, null), row(7, 1, null)), userError("INVALID_INVENTORY_ITEM", `"input","quantities","1","inventoryItemId"`)},
		"negative":                    {"2026-04", keyed, set("k", "", row(0, -1, null)), userError("INVALID_QUANTITY_NEGATIVE", `"input","quantities","0","quantity"`)},
		"too much":                    {"2026-04", keyed, set("k", "", row(0, 1_000_000_001, null)), userError("INVALID_QUANTITY_TOO_HIGH", `"input","quantities","0","quantity"`)},
		"more than an Int":            {"2026-04", keyed, set("k", "", row(0, 1<<31, null)), `"code":"INVALID_VARIABLE"`},
		"another reason":              {"2026-04", keyed, strings.Replace(set("k", "", row(0, 1, null)), "correction", "because", 1), `"code":"INVALID_REASON"`},
		"another name":                {"2026-04", keyed, strings.Replace(set("k", "", row(0, 1, null)), "available", "committed", 1), `"code":"INVALID_NAME"`},
		"reference without a scheme":  {"2026-04", keyed, set("k", `,"referenceDocumentUri":"x"`, row(0, 1, null)), `"code":"INVALID_REFERENCE_DOCUMENT"`},
		"unknown field":               {"2026-04", `{ shop { name } }`, `{}`, `"code":"undefinedField"`},
		"variable is missing":         {"2026-04", keyed, `{"key":"k"}`, `"code":"INVALID_VARIABLE"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newShop()
			status, got := call(t, s, tc.version, tc.query, tc.variables)
			if status != http.StatusOK || !strings.Contains(got, tc.want) {
				t.Errorf("%d %s, want %s", status, got, tc.want)
			}
			level, _ := s.Level("gid://shopify/InventoryItem/11000", "gid://shopify/Location/22000")
			if want := tc.want == done; (level.Set == 1) != want {
				t.Errorf("set %d times: a call is done as a whole or not at all", level.Set)
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	const null = `,"changeFromQuantity":null`
	s, _ := newShop()
	for i, step := range []struct{ variables, want string }{
		{set("k", "", row(0, 1, null)), `"userErrors":[]`},
		{set("other", "", row(0, 2, null)), `"userErrors":[]`},
		{set("k", "", row(0, 1, null)), `"userErrors":[]`}, // a repetition changes nothing
		{set("k", "", row(0, 3, null)), `IDEMPOTENCY_KEY_PARAMETER_MISMATCH`},
		{set("bad", "", row(7, 1, null)), `INVALID_INVENTORY_ITEM`},
		{set("bad", "", row(7, 1, null)), `IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED`},
	} {
		if _, got := call(t, s, "2026-07", keyed, step.variables); !strings.Contains(got, step.want) {
			t.Errorf("step %d: %s, want %s", i, got, step.want)
		}
	}
	if level, _ := s.Level("gid://shopify/InventoryItem/11000", "gid://shopify/Location/22000"); level.OnHand != 2 {
		t.Errorf("on hand %d, want the 2 of the second call", level.OnHand)
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	s, c := newShop()
	const query = `{ inventoryItems(first: 5, query: "sku:\"A\"") { nodes { id } } }`
	s.Drain(5.5)
	if _, got := call(t, s, "2026-07", query, `{}`); !strings.Contains(got, "THROTTLED") {
		t.Errorf("%s, want it throttled: it may cost 6 points", got)
	}
	c.Step(5 * time.Millisecond)
	if _, got := call(t, s, "2026-07", query, `{}`); !strings.Contains(got, "11000") {
		t.Errorf("%s, want the item: half a point has come back", got)
	}
	if _, got := call(t, s, "2026-07", query, `{}`); !strings.Contains(got, "THROTTLED") {
		t.Errorf("%s, want it throttled: 4 points are left, as one item was found", got)
	}
}

// TestSelection returns no more than is asked.
func TestSelection(t *testing.T) {
	t.Parallel()
	s, _ := newShop()
	const query = `query($ids: [ID!]!) { list: nodes(ids: $ids) { ... on InventoryItem { sku inventoryLevel(locationId: "gid://shopify/Location/22000") { quantities(names: ["on_hand"]) { quantity } } } } }`
	_, got := call(t, s, "2026-07", query, `{"ids":["gid://shopify/InventoryItem/11001","gid://shopify/InventoryItem/1"]}`)
	want := `{"data":{"list":[{"inventoryLevel":{"quantities":[{"quantity":0}]},"sku":"B"},null]}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	s, _ := newShop()
	for name, tc := range map[string]struct {
		method, path, token string
		want                int
	}{
		"token":       {http.MethodPost, "/admin/api/2026-07/graphql.json", shopifytest.Token, 200},
		"other token": {http.MethodPost, "/admin/api/2026-07/graphql.json", shopifytest.Token + "s", 401},
		"no token":    {http.MethodPost, "/admin/api/2026-07/graphql.json", "", 401},
		"version":     {http.MethodPost, "/admin/api/2024-07/graphql.json", shopifytest.Token, 404},
		"path":        {http.MethodPost, "/graphql.json", shopifytest.Token, 404},
		"method":      {http.MethodGet, "/admin/api/2026-07/graphql.json", shopifytest.Token, 404},
		"no grant":    {http.MethodPost, "/admin/oauth/access_token", "", 400},
	} {
		r := httptest.NewRequest(tc.method, tc.path, strings.NewReader(`{"query":"{ currentAppInstallation { accessScopes { handle } } }"}`))
		r.Header.Set("X-Shopify-Access-Token", tc.token)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, tc.want)
		}
	}
}
