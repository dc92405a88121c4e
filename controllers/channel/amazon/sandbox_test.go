package amazon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// pair is a request and its answer in Amazon's static sandbox, which a model has for an operation.
type pair struct {
	operation operation
	status    int
	index     int // of the pairs with this status
}

// sandbox returns the answers of all pairs of the operations that the connector calls.
func sandbox(t *testing.T) map[pair]json.RawMessage {
	t.Helper()
	out := map[pair]json.RawMessage{}
	files, err := filepath.Glob("testdata/models/*_*.json")
	if err != nil || len(files) != 3 {
		t.Fatalf("models %v, %v", files, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// Beside operations, a path may have parameters, which are a list.
		var model struct {
			Paths map[string]map[string]json.RawMessage `json:"paths"`
		}
		if err := json.Unmarshal(content, &model); err != nil {
			t.Fatal(err)
		}
		for _, methods := range model.Paths {
			for _, raw := range methods {
				addPairs(raw, out)
			}
		}
	}
	return out
}

func addPairs(raw json.RawMessage, out map[pair]json.RawMessage) {
	var op struct {
		ID        operation `json:"operationId"`
		Responses map[string]struct {
			Sandbox struct {
				Static []struct {
					Response json.RawMessage `json:"response"`
				} `json:"static"`
			} `json:"x-amzn-api-sandbox"`
		} `json:"responses"`
	}
	if json.Unmarshal(raw, &op) != nil {
		return
	}
	if _, called := plans[op.ID]; !called {
		return
	}
	for code, response := range op.Responses {
		status, _ := strconv.Atoi(code)
		for i, static := range response.Sandbox.Static {
			out[pair{op.ID, status, i}] = static.Response
		}
	}
}

// harness is what the connector has, before a server that answers one pair to everything.
type harness struct {
	*listings
	*external
}

// open makes a harness.
func open(t *testing.T, status int, answer []byte) harness {
	t.Helper()
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/token" {
			_, _ = w.Write([]byte(`{"access_token": "t0ken", "expires_in": 3600}`))
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write(answer)
	}))
	cfg := channel.Config{
		Clock: clock.RealClock{},
		Credentials: map[string][]byte{
			"clientId": []byte("client"), "clientSecret": []byte("s3cret"), "refreshToken": []byte("r3fresh"),
		},
		Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Amazon: &inventoryv1alpha1.AmazonChannel{
			Region: "NA", SellerID: "SellerId", MarketplaceIDs: []inventoryv1alpha1.AmazonMarketplaceID{"ATVPDKIKX0DER"},
			Endpoint: inventoryv1alpha1.HTTPURL(url), TokenURL: inventoryv1alpha1.HTTPURL(url + "/token"),
			Method: inventoryv1alpha1.AmazonFeeds,
		}}},
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Channel.Spec.Amazon.Method = inventoryv1alpha1.AmazonExternalFulfillment
	e, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return harness{c.(*listings), e.(*external)}
}

// errorOf describes an error by its class and reason.
func errorOf(err error) string {
	e := channel.AsError(err)
	return string(e.Class) + " " + string(e.Reason)
}

// TestSandbox replays every pair of Amazon's static sandbox for the operations that the connector calls.
func TestSandbox(t *testing.T) {
	t.Parallel()
	sku := []*listing{{sku: "GM-ZDPI-9B4E", productType: "PRODUCT", items: []int{0}, quantities: []channelQuantity{{"DEFAULT", 7}}}}
	patched := func(ctx context.Context, s harness) string {
		refusal, err := s.patch(ctx, sku[0])
		switch {
		case err != nil:
			return errorOf(err)
		case refusal != nil:
			return errorOf(refusal) + ": " + refusal.Message
		}
		return "confirmed"
	}
	found := func(find func(context.Context, harness, map[string][]*item) error) func(context.Context, harness) string {
		return func(ctx context.Context, s harness) string {
			out := map[string][]*item{}
			if err := find(ctx, s, out); err != nil {
				return errorOf(err)
			}
			all := out[sku[0].sku]
			if len(all) != 1 {
				return fmt.Sprint(len(all), " listings")
			}
			return fmt.Sprint(all[0].quantity("DEFAULT").Units, " ", all[0].productType(), " ", bySeller(all[0].byAmazonAlone()) == nil)
		}
	}
	got := found(func(ctx context.Context, s harness, out map[string][]*item) error {
		return s.listings.api.findOne(ctx, sku[0].sku, out)
	})
	searched := found(func(ctx context.Context, s harness, out map[string][]*item) error {
		return s.listings.api.search(ctx, []string{sku[0].sku}, out)
	})
	submitted := func(ctx context.Context, s harness) string {
		_, err := s.feeds.submit(ctx, "key", sku)
		return errorOf(err) + ": " + channel.AsError(err).Message
	}
	made := func(ctx context.Context, s harness) string {
		answer, err := s.listings.api.call(ctx, createFeed, http.MethodPost, feedsPath, nil, feedRequest{feedType, []string{"ATVPDKIKX0DER"}, "id"})
		if err != nil {
			return errorOf(channel.BlameNoItem(err))
		}
		f, err := readFeed(s.listings.api.http, answer)
		return fmt.Sprint(f, err)
	}
	looked := func(ctx context.Context, s harness) string {
		f, err := s.feeds.look(ctx, "feedId1")
		if err != nil {
			return errorOf(channel.BlameNoItem(err))
		}
		return fmt.Sprint(f.ID, " ", f.Status, " ", f.ended())
	}
	asked := func(ctx context.Context, s harness) string {
		if err := s.feeds.askUnfinished(ctx); err != nil {
			return errorOf(channel.BlameNoItem(err))
		}
		ids, more := s.feeds.pending.open()
		return fmt.Sprint(ids, more)
	}
	reported := func(ctx context.Context, s harness) string {
		err := s.feeds.settle(ctx, feed{ID: "1", Status: "DONE", Report: "2"}, sku, newOutcomes(map[int]*channel.Error{}))
		return errorOf(channel.BlameNoItem(err))
	}
	pushed := func(ctx context.Context, s harness) string {
		result, err := s.external.Push(ctx, channel.Batch{Items: []channel.Item{
			{SKU: "efptestsku1", Quantity: 15, LocationCode: "EXSB"}, {SKU: "efptestsku2", Quantity: 15, LocationCode: "EXSB"},
		}})
		if err != nil {
			return errorOf(err)
		}
		return fmt.Sprint(len(result.Failures), " ", errorOf(result.Failures[1]))
	}
	cases := map[pair]struct {
		drive func(context.Context, harness) string
		want  string
	}{
		{patchListingsItem, 200, 0}: {patched, "confirmed"},
		{patchListingsItem, 200, 1}: {patched, "Unconfirmed NotConfirmed: the patch has status VALID"},
		{patchListingsItem, 200, 2}: {patched, "Rejected InvalidListing: 90000900: The attributes are invalid. (fake_attribute)"},
		{patchListingsItem, 400, 0}: {patched, `Rejected Status400: 400 Bad Request: {"errors":[{"code":"BAD_REQUEST","message":"Invalid input","details":"Invalid input"}]}`},
		{getListingsItem, 200, 0}:   {got, "100 LUGGAGE true"},
		{getListingsItem, 400, 0}:   {got, "Rejected Status400"},
		// It answers the same page with a next one for ever.
		{searchListingsItems, 200, 0}: {searched, "Retry InvalidAnswer"},
		{searchListingsItems, 400, 0}: {searched, "Rejected Status400"},
		// Its documents are not in S3.
		{createFeedDocument, 201, 0}: {submitted, "Terminal ForeignDocument: Amazon keeps feed documents at https://d34o8swod1owfl.cloudfront.net, which spec.amazon.documentOrigins does not allow"},
		{createFeedDocument, 400, 0}: {submitted, `Rejected Status400: 400 Bad Request: {"errors":[{"code":"400","message":"Invalid input","details":"Invalid input"}]}`},
		{createFeed, 202, 0}:         {made, "{3485934  } <nil>"},
		{createFeed, 400, 0}:         {made, "Retry Status400"},
		{getFeed, 200, 0}:            {looked, "FeedId1 CANCELLED true"},
		{getFeed, 400, 0}:            {looked, "Retry Status400"},
		{getFeeds, 200, 0}:           {asked, "[FeedId1] true"}, // there is a further page
		{getFeeds, 400, 0}:           {asked, "Retry Status400"},
		{getFeedDocument, 200, 0}:    {reported, "Terminal ForeignDocument"},
		{getFeedDocument, 400, 0}:    {reported, "Retry Status400"},
		{batchInventory, 207, 0}:     {pushed, "1 Unmapped UnknownSKU"},
		{batchInventory, 400, 0}:     {pushed, "Rejected Status400"},
	}
	pairs := sandbox(t)
	if diff := cmp.Diff(sets.KeySet(pairs), sets.KeySet(cases), cmp.AllowUnexported(pair{})); diff != "" {
		t.Fatalf("the pairs of the sandbox, and of the test (-want +got):\n%s", diff)
	}
	for p, tc := range cases {
		t.Run(fmt.Sprint(p.operation, p.status, p.index), func(t *testing.T) {
			t.Parallel()
			var compact strings.Builder
			if err := json.NewEncoder(&compact).Encode(pairs[p]); err != nil {
				t.Fatal(err)
			}
			got := tc.drive(t.Context(), open(t, p.status, []byte(compact.String())))
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
