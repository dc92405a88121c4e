package shopify

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	type classified struct {
		Class      channel.Class
		Reason     string
		RetryAfter time.Duration
	}
	const throttled = `{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"extensions":{"cost":`
	cases := map[string]struct {
		body string
		want classified
	}{
		"throttled": {
			throttled + `{"requestedQueryCost":752,"actualQueryCost":null,"throttleStatus":{"maximumAvailable":1000.0,"currentlyAvailable":701,"restoreRate":50.0}}}}`,
			classified{channel.Throttled, "Throttled", 2 * time.Second}, // 51 points at 50 a second
		},
		"throttled, points are there": {
			throttled + `{"requestedQueryCost":7,"throttleStatus":{"currentlyAvailable":900,"restoreRate":50}}}}`,
			classified{channel.Throttled, "Throttled", 0},
		},
		"throttled for ever":     {throttled + `{"requestedQueryCost":1e300,"throttleStatus":{"currentlyAvailable":0,"restoreRate":1e-9}}}}`, classified{channel.Throttled, "Throttled", time.Hour}},
		"throttled, no rate":     {throttled + `{"requestedQueryCost":7,"throttleStatus":{"currentlyAvailable":0,"restoreRate":0}}}}`, classified{channel.Throttled, "Throttled", 0}},
		"throttled, odd figures": {throttled + `{"requestedQueryCost":"7"}}}`, classified{channel.Throttled, "Throttled", 0}},
		"throttled, no figures":  {`{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}`, classified{channel.Throttled, "Throttled", 0}},
		"no scope":               {`{"errors":[{"message":"Access denied","extensions":{"code":"ACCESS_DENIED"}}]}`, classified{channel.Unauthorized, "AccessDenied", 0}},
		"too dear":               {`{"errors":[{"message":"cost","extensions":{"code":"MAX_COST_EXCEEDED"}}]}`, classified{channel.Terminal, "CallTooLarge", 0}},
		"too long":               {`{"errors":[{"message":"size","extensions":{"code":"MAX_INPUT_SIZE_EXCEEDED"}}]}`, classified{channel.Terminal, "CallTooLarge", 0}},
		"no key":                 {`{"errors":[{"message":"The @idempotent directive is required","extensions":{"code":"BAD_REQUEST"}}]}`, classified{channel.Terminal, "InvalidQuery", 0}},
		"no changeFromQuantity":  {`{"errors":[{"message":"must include","extensions":{"code":"INVALID_FIELD_ARGUMENTS"}}],"data":{"inventorySetQuantities":null}}`, classified{channel.Terminal, "InvalidQuery", 0}},
		"unknown variable":       {`{"errors":[{"message":"Field is not defined","extensions":{"code":"INVALID_VARIABLE","problems":[]}}]}`, classified{channel.Terminal, "InvalidQuery", 0}},
		"unknown field":          {`{"errors":[{"message":"Field 'x' doesn't exist","extensions":{"code":"undefinedField"}}]}`, classified{channel.Terminal, "InvalidQuery", 0}},
		"second error counts":    {`{"errors":[{"message":"?"},{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}`, classified{channel.Throttled, "Throttled", 0}},
		"broken":                 {`{"errors":[{"message":"Internal error","extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`, classified{channel.Retry, "GraphQLError", 0}},
		"shop is closed":         {`{"errors":[{"message":"shop","extensions":{"code":"SHOP_INACTIVE"}}]}`, classified{channel.Retry, "GraphQLError", 0}},
		"no code":                {`{"errors":"Not Found"}`, classified{channel.Retry, "GraphQLError", 0}},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := classify(graphql.Parse(&channel.Response{Body: []byte(tc.body)}))
			if diff := cmp.Diff(tc.want, classified{e.Class, string(e.Reason), e.RetryAfter}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCamelCase(t *testing.T) {
	t.Parallel()
	const refused = channel.ReasonRefusedByChannel
	for code, want := range map[string]channel.Reason{
		"NON_MUTABLE_INVENTORY_ITEM": "NonMutableInventoryItem", "A": "A", "HTTP_2_ONLY": "Http2Only",
		"": refused, "_": refused, "lower": refused, "A B": refused, "1A": refused, "Ä": refused, "A\n": refused,
		strings.Repeat("A", 65): refused,
	} {
		if got := camelCase(code); got != want {
			t.Errorf("%q: %s, want %s", code, got, want)
		}
	}
}

func TestRefusalIndex(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		refusal refusal
		rows    int
		want    int
		wantOK  bool
	}{
		"row":             {refusal{Field: []string{"input", "quantities", "3"}}, 4, 3, true},
		"field of a row":  {refusal{Field: []string{"input", "quantities", "0", "locationId"}}, 4, 0, true},
		"no such row":     {refusal{Field: []string{"input", "quantities", "4"}}, 4, 4, false},
		"below the rows":  {refusal{Field: []string{"input", "quantities", "-1"}}, 4, -1, false},
		"no number":       {refusal{Field: []string{"input", "quantities", "x"}}, 4, 0, false},
		"all rows":        {refusal{Field: []string{"input", "quantities"}}, 4, 0, false},
		"the call":        {refusal{Field: []string{"input"}}, 4, 0, false},
		"nothing":         {refusal{}, 4, 0, false},
		"nothing, of one": {refusal{Code: "NEW_CODE"}, 1, 0, true},
		"reason, of one":  {refusal{Code: codeInvalidReason}, 1, 0, false},
		"busy, of one":    {refusal{Code: codeConcurrent}, 1, 0, false},
	}
	for name, tc := range cases {
		if got, ok := tc.refusal.index(tc.rows); ok != tc.wantOK || ok && got != tc.want {
			t.Errorf("%s: %d, %v, want %d, %v", name, got, ok, tc.want, tc.wantOK)
		}
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	if got, want := search([]string{"A-1", `6" \ OR *`}), `sku:"A-1" OR sku:"6\" \\ OR *"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// FuzzAnswers checks that no answer makes a decoder panic or breaks an operation's promise.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"data":{"inventorySetQuantities":{"userErrors":[]}}}`, `{"data":{"inventorySetQuantities":null}}`,
		`{"data":{"inventorySetQuantities":{"userErrors":[{"code":null,"field":["input","quantities","0","x"],"message":"no"}]}}}`,
		`{"data":{"inventorySetQuantities":{"userErrors":[{"code":"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED","field":null}]}}}`,
		`{"data":{"inventoryActivate":{"userErrors":[]}}}`, `{"data":{"nodes":[null,{"id":"1","sku":"A","inventoryLevel":{"quantities":[{"name":"available","quantity":-3}]}}]}}`,
		`{"data":{"inventoryItems":{"nodes":[{"id":"1","sku":null,"tracked":true},{"id":"2","sku":"A"}],"pageInfo":{"hasNextPage":false}}}}`,
		`{"data":{"locations":{"nodes":[{"id":"1","name":"L"}],"pageInfo":{"hasNextPage":true}}}}`,
		`{"errors":[{"extensions":{"code":"THROTTLED"}}],"extensions":{"cost":{}}}`, `{"data":{}}`, `[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		c := fuzzed(t, body)
		failures := map[int]*channel.Error{}
		targets := []resolve.Target[item, string]{
			{Index: 5, Item: channel.Item{SKU: "A"}, Found: item{id: "1"}}, {Index: 7, Item: channel.Item{SKU: "B"}, Found: item{id: "2"}},
		}
		rows := []row{{Target: targets[0]}, {Target: targets[1]}}
		if err := c.set(t.Context(), "b", rows, failures); err != nil {
			presentable(t, body, channel.AsError(err))
		} else if !json.Valid(body) {
			t.Errorf("%q is taken for success", body)
		}
		for i, failure := range failures {
			if i != 5 && i != 7 {
				t.Errorf("%q: failure of item %d", body, i)
			}
			presentable(t, body, failure)
		}
		readings := channel.Readings{Quantities: map[int]int64{}, Failures: map[int]*channel.Error{}}
		if err := c.read(t.Context(), "l", targets, readings); err == nil && len(readings.Quantities)+len(readings.Failures) != 2 {
			t.Errorf("%q: read %+v of 2 items", body, readings)
		}
		if found, err := c.searchItems(t.Context(), []string{"A"}); err == nil {
			for sku := range found {
				if sku != "A" {
					t.Errorf("%q: found %q", body, sku)
				}
			}
		}
		if _, err := c.lookUpLocations(t.Context(), []string{"L"}); err != nil {
			presentable(t, body, channel.AsError(err))
		}
		_ = c.Probe(t.Context())
	})
}

// fuzzed is a connector whose calls are all answered the same.
func fuzzed(t *testing.T, body []byte) *connector {
	t.Helper()
	built, err := New(channel.Config{
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Shopify: &inventoryv1alpha1.ShopifyChannel{
			URL: "http://shop.example.com", APIVersion: "2026-07",
			QuantityName: inventoryv1alpha1.ShopifyAvailable, Unstocked: inventoryv1alpha1.ShopifyActivate,
		}}},
		Credentials: map[string][]byte{"accessToken": []byte("token")}, Clock: clock.RealClock{},
	})
	if err != nil {
		t.Fatal(err)
	}
	c := built.(*connector)
	c.api.Do = func(context.Context, channel.Request) (*channel.Response, error) {
		return &channel.Response{Status: 200, Body: body}, nil
	}
	return c
}

func presentable(t *testing.T, body []byte, e *channel.Error) {
	t.Helper()
	if e.Class == "" || e.Reason == "" || e.Message == "" || len(e.Reason) > maxReason {
		t.Errorf("%q: error %+v", body, e)
	}
}
