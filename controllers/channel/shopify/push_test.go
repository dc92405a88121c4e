package shopify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
	"tallyman.dev/tallyman/controllers/channel/shopify"
	"tallyman.dev/tallyman/controllers/channel/shopify/shopifytest"
)

// set is the mutation that sets quantities.
const set = "inventorySetQuantities"

// TestBadRowsBlockNoOther has a call of six with four bad rows, of which the shop tells one at a time or all.
func TestBadRowsBlockNoOther(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		terse     bool
		wantSends int
	}{"all errors at once": {false, 2}, "one error at a time": {true, 5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.shop.Terse(tc.terse)
			f.stock("FIRST", "LAST")
			f.shop.AddItem(shopifytest.Item{SKU: "BUNDLE", Bundle: true}, f.north)
			f.shop.AddItem(shopifytest.Item{SKU: "UNSTOCKED"}, f.south)
			f.shop.AddItem(shopifytest.Item{SKU: "NOT-THERE-NOR-WANTED"})
			gone := f.shop.AddItem(shopifytest.Item{SKU: "GONE"}, f.north)
			f.shop.Change(gone, func(it *shopifytest.Item) { it.Deleted = true }) // the search still finds it
			got := f.push(
				at("North", "FIRST", 1), at("North", "BUNDLE", 2), at("North", "UNSTOCKED", 3),
				at("North", "NOT-THERE-NOR-WANTED", 0), at("North", "GONE", 4), at("North", "LAST", 5),
			)
			f.wantFailures(got, map[string]string{
				"BUNDLE@North":    "Rejected/NonMutableInventoryItem",
				"UNSTOCKED@North": "Unmapped/ItemNotStockedAtLocation",
				"GONE@North":      "Retry/StaleItem",
			})
			if first, last := f.available("FIRST", f.north), f.available("LAST", f.north); first != 1 || last != 5 {
				t.Errorf("available %d and %d, want 1 and 5", first, last)
			}
			keys := f.keys()
			if len(keys) != tc.wantSends {
				t.Errorf("sent %d times, want %d", len(keys), tc.wantSends)
			}
			seen := map[string]bool{}
			for _, key := range keys {
				if seen[key] {
					t.Errorf("the key %s was used for other rows before", key)
				}
				seen[key] = true
			}
		})
	}
}

func TestRowsThatAreAllBad(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.shop.AddItem(shopifytest.Item{SKU: "BUNDLE", Bundle: true}, f.north)
	f.wantFailures(f.push(at("North", "BUNDLE", 2), at("North", "GONE", 1)), map[string]string{
		"BUNDLE@North": "Rejected/NonMutableInventoryItem", "GONE@North": "Unmapped/UnknownSKU",
	})
	f.wantFailures(f.push(at("North", "GONE", 1)), map[string]string{"GONE@North": "Unmapped/UnknownSKU"})
	if got := len(f.keys()); got != 1 {
		t.Errorf("sent %d times, want 1: what is left of both calls is nothing", got)
	}
}

// TestErrorsWithoutEnd refuses the call as a whole, so that its halves are tried alone.
func TestErrorsWithoutEnd(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.shop.Terse(true)
	var items []channel.Item
	for i := range 20 {
		sku := fmt.Sprintf("BUNDLE-%d", i)
		f.shop.AddItem(shopifytest.Item{SKU: sku, Bundle: true}, f.north)
		items = append(items, at("North", sku, 1))
	}
	f.wantError(channel.Rejected, "TooManyErrors", items...)
}

func TestUnstocked(t *testing.T) {
	t.Parallel()
	activate := func(c *channel.Config) { c.Channel.Spec.Shopify.Unstocked = inventoryv1alpha1.ShopifyActivate }
	t.Run("activate", func(t *testing.T) {
		t.Parallel()
		f := start(t, activate)
		f.stock("A")
		f.shop.AddItem(shopifytest.Item{SKU: "NEW"})
		f.shop.AddItem(shopifytest.Item{SKU: "ZERO"})
		f.wantFailures(f.push(at("North", "A", 1), at("North", "NEW", 2), at("North", "ZERO", 0)), map[string]string{})
		if got, zero := f.available("NEW", f.north), f.available("ZERO", f.north); got != 2 || zero != -1 {
			t.Errorf("available %d and %d, want 2, and an item that is stocked for nothing", got, zero)
		}
	})
	t.Run("activate in vain", func(t *testing.T) {
		t.Parallel()
		f := start(t, activate)
		f.shop.AddItem(shopifytest.Item{SKU: "NEW"}, f.south)
		again := shopifytest.NewUserError("ITEM_NOT_STOCKED_AT_LOCATION", "no", "input", "quantities", "0")
		activated := shopifytest.NewUserError("", "it cannot be stocked there", "locationId")
		f.shop.RefuseNext(set, again)
		f.shop.RefuseNext("inventoryActivate", activated)
		f.wantFailures(f.push(at("North", "NEW", 2)), map[string]string{"NEW@North": "Unmapped/ActivationFailed"})
	})
	t.Run("activated, and refused again", func(t *testing.T) {
		t.Parallel()
		f := start(t, activate)
		f.shop.AddItem(shopifytest.Item{SKU: "NEW"}, f.north)
		again := shopifytest.NewUserError("ITEM_NOT_STOCKED_AT_LOCATION", "no", "input", "quantities", "0")
		f.shop.RefuseNext(set, again, again, again)
		f.wantFailures(f.push(at("North", "NEW", 2)), map[string]string{"NEW@North": "Unmapped/ItemNotStockedAtLocation"})
		if got := len(f.sent("inventoryActivate")); got != 1 {
			t.Errorf("activated %d times, want once", got)
		}
	})
}

func TestErrorsOfTheCall(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		refusal    shopifytest.UserError
		wantClass  channel.Class
		wantReason string
	}{
		"reason":         {shopifytest.NewUserError("INVALID_REASON", "The specified reason is invalid.", "input", "reason"), channel.Terminal, "InvalidReason"},
		"reference":      {shopifytest.NewUserError("INVALID_REFERENCE_DOCUMENT", "invalid"), channel.Terminal, "InvalidReferenceDocument"},
		"under way":      {shopifytest.NewUserError("IDEMPOTENCY_CONCURRENT_REQUEST", "in progress"), channel.Retry, "IdempotencyConcurrentRequest"},
		"one of the two": {shopifytest.NewUserError("NON_MUTABLE_INVENTORY_ITEM", "bundle", "input"), channel.Rejected, "NonMutableInventoryItem"},
		"new code":       {shopifytest.NewUserError("SOMETHING_ELSE", "else", "input"), channel.Rejected, "SomethingElse"},
		"no code":        {shopifytest.UserError{Message: "no"}, channel.Rejected, "RefusedByChannel"},
		"no words":       {shopifytest.UserError{}, channel.Rejected, "RefusedByChannel"},
		"own token":      {shopifytest.NewUserError("X", shopifytest.Token), channel.Rejected, "X"},
		"strange row":    {shopifytest.NewUserError("X", "x", "input", "quantities", "2"), channel.Rejected, "X"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t)
			f.stock("A", "B")
			f.shop.RefuseNext(set, tc.refusal)
			e := f.failure(tc.wantClass, tc.wantReason, at("North", "A", 1), at("North", "B", 2))
			if e.Message == "" || strings.Contains(e.Message, shopifytest.Token) {
				t.Errorf("message %q", e.Message)
			}
		})
	}
}

// TestErrorOfASingleRow is about the row, even if Shopify does not say which.
func TestErrorOfASingleRow(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stock("A")
	f.shop.RefuseNext(set, shopifytest.NewUserError("NON_MUTABLE_INVENTORY_ITEM", "bundle", "input"))
	f.wantFailures(f.push(at("North", "A", 1)), map[string]string{"A@North": "Rejected/NonMutableInventoryItem"})
}

func TestKeysOfRepetitions(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stock("A")
	f.push(at("North", "A", 1))
	f.push(at("North", "A", 1))
	keys := f.keys()
	if keys[0] != keys[1] {
		t.Errorf("a repetition has the key %s, want %s", keys[1], keys[0])
	}
	if level, _ := f.shop.Level(f.shop.WithSKU("A")[0], f.north); level.Set != 1 {
		t.Errorf("set %d times, want once: the repetition is recognised", level.Set)
	}
	f.push(at("North", "A", 2))
	if keys = f.keys(); keys[2] == keys[0] {
		t.Error("another quantity has the same key")
	}
}

// TestKeysThatFailed repeats a call that failed: Shopify wants another key then.
func TestKeysThatFailed(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"} {
		f := start(t)
		f.stock("A")
		f.shop.RefuseNext(set, shopifytest.NewUserError(code, "Retry with a new idempotency key."), shopifytest.NewUserError(code, "again"))
		f.wantFailures(f.push(at("North", "A", 1)), map[string]string{})
		if keys := f.keys(); len(keys) != 3 || keys[0] == keys[1] || keys[1] == keys[2] {
			t.Errorf("%s: keys %v, want three", code, keys)
		}
		if got := f.available("A", f.north); got != 1 {
			t.Errorf("%s: available %d, want 1", code, got)
		}
	}
	f := start(t)
	f.shop.AddItem(shopifytest.Item{SKU: "BUNDLE", Bundle: true}, f.north)
	for range 2 {
		f.wantFailures(f.push(at("North", "BUNDLE", 1)), map[string]string{"BUNDLE@North": "Rejected/NonMutableInventoryItem"})
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stock("A", "B")
	number := strings.TrimPrefix(f.south, "gid://shopify/Location/")
	f.shop.AddLocation("Twin")
	f.shop.AddLocation("Twin")
	f.wantFailures(f.push(at("North", "A", 1), at(number, "A", 2), at(f.south, "B", 3)), map[string]string{})
	if a, b, c := f.available("A", f.north), f.available("A", f.south), f.available("B", f.south); a != 1 || b != 2 || c != 3 {
		t.Errorf("available %d, %d, %d, want 1, 2, 3", a, b, c)
	}
	f.wantFailures(f.push(
		at("north", "A", 1), at("Twin", "A", 2), at("gid://shopify/Location/7", "A", 3), at("North", "B", 4),
		at("South", "A", 5), at(number, "A", 6), at("gid://shopify/Product/1", "B", 7),
	), map[string]string{
		"A@north": "Unmapped/UnknownLocation", "A@Twin": "Unmapped/AmbiguousLocation",
		"A@gid://shopify/Location/7": "Unmapped/UnknownLocation",
		"A@South":                    "Unmapped/AmbiguousLocation", "A@" + number: "Unmapped/AmbiguousLocation",
		"B@gid://shopify/Product/1": "Unmapped/UnknownLocation",
	})
	if a, b := f.available("A", f.south), f.available("B", f.north); a != 2 || b != 4 {
		t.Errorf("available %d and %d, want 2, as two codes for one location are none, and 4", a, b)
	}
}

// TestClosedLocation had its id remembered: another location has the name by now.
func TestClosedLocation(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *channel.Config) { c.Channel.Spec.Shopify.Unstocked = inventoryv1alpha1.ShopifyActivate })
	f.stock("A")
	f.push(at("North", "A", 1))
	f.shop.CloseLocation(f.north)
	opened := f.shop.AddLocation("North")
	f.wantFailures(f.push(at("North", "A", 2)), map[string]string{"A@North": "Unmapped/UnknownLocation"})
	f.wantFailures(f.push(at("North", "A", 2)), map[string]string{})
	if got := f.available("A", opened); got != 2 {
		t.Errorf("available %d, want 2", got)
	}
}

func TestManyLocations(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stock("A")
	f.shop.Page(1)
	f.wantFailures(f.push(at("South", "A", 2)), map[string]string{})
	if got := len(f.sent("locations")); got != 2 {
		t.Errorf("%d calls, want 2 pages", got)
	}
}

func TestConsolidated(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *channel.Config) {
		c.Channel.Spec.Mode, c.Channel.Spec.Shopify.Location = inventoryv1alpha1.Consolidated, "South"
	})
	f.stock("A")
	f.wantFailures(f.push(at("whatever caused it", "A", 9)), map[string]string{})
	if north, south := f.available("A", f.north), f.available("A", f.south); north != 0 || south != 9 {
		t.Errorf("available %d and %d, want 9 at South alone", north, south)
	}
}

func TestQuantities(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stock("MOST", "MORE", "HUGE", "LESS")
	f.wantFailures(f.push(
		at("North", "MOST", 1_000_000_000), at("North", "MORE", 1_000_000_001), at("North", "HUGE", 1<<40), at("North", "LESS", -1),
	), map[string]string{
		"MORE@North": "Rejected/InvalidQuantity", "HUGE@North": "Rejected/InvalidQuantity", "LESS@North": "Rejected/InvalidQuantity",
	})
	if got := f.available("MOST", f.north); got != 1_000_000_000 {
		t.Errorf("available %d", got)
	}
}

// TestSearchIsFuzzy surrounds SKUs with others that Shopify's search finds for them.
func TestSearchIsFuzzy(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.shop.Page(2)
	f.stock("TEE", "TEE-RED", "tee-red", "TEE RED M", "TEE-RED-M", `TEE"RED\M`, "OR", "sku:TEE")
	want := map[string]int64{"TEE": 1, "TEE-RED": 2, "TEE-RED-M": 3, `TEE"RED\M`: 4, "OR": 5, "sku:TEE": 6}
	var items []channel.Item
	for sku, quantity := range want {
		items = append(items, at("North", sku, quantity))
	}
	f.wantFailures(f.push(append(items, at("North", "RED", 7))...), map[string]string{"RED@North": "Unmapped/UnknownSKU"})
	got := map[string]int64{}
	for sku := range want {
		got[sku] = f.available(sku, f.north)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if other := f.available("tee-red", f.north) + f.available("TEE RED M", f.north); other != 0 {
		t.Errorf("%d lie at items that resemble others", other)
	}
}

// TestSearchWithoutEnd takes part of an answer for none of it.
func TestSearchWithoutEnd(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.shop.Page(1)
	for i := range 25 {
		f.stock(fmt.Sprintf("A-%d", i))
	}
	f.stock("A")
	f.wantError(channel.Rejected, "TooManyMatches", at("North", "A", 1))
}

func TestUntracked(t *testing.T) {
	t.Parallel()
	f := start(t)
	id := f.shop.AddItem(shopifytest.Item{SKU: "A", Untracked: true}, f.north)
	f.wantFailures(f.push(at("North", "A", 1)), map[string]string{"A@North": "Unmapped/NotTracked"})
	f.shop.Change(id, func(it *shopifytest.Item) { it.Untracked = false })
	f.wantFailures(f.push(at("North", "A", 1)), map[string]string{})
}

// TestDeletedItem had its id remembered: another item has the SKU by now.
func TestDeletedItem(t *testing.T) {
	t.Parallel()
	f := start(t)
	old := f.shop.AddItem(shopifytest.Item{SKU: "A"}, f.north)
	f.push(at("North", "A", 1))
	f.shop.Change(old, func(it *shopifytest.Item) { it.Deleted, it.SKU = true, "" })
	f.stock("A")
	f.wantFailures(f.push(at("North", "A", 2)), map[string]string{"A@North": "Retry/StaleItem"})
	f.wantFailures(f.push(at("North", "A", 2)), map[string]string{})
	if got := f.available("A", f.north); got != 2 {
		t.Errorf("available %d, want 2", got)
	}
}

// TestLookUpsAreShared pushes 120 new SKUs, and then again.
func TestLookUpsAreShared(t *testing.T) {
	t.Parallel()
	f := start(t)
	var items []channel.Item
	for i := range 120 {
		sku := fmt.Sprintf("SKU-%d", i)
		f.stock(sku)
		items = append(items, at("North", sku, 1))
	}
	f.push(items...)
	f.push(items...)
	if got := len(f.sent("inventoryItems")); got != 3 {
		t.Errorf("%d searches, want 3 of 50 SKUs each, and none for what is known", got)
	}
	if got := len(f.sent("locations")); got != 1 {
		t.Errorf("%d lists of locations, want 1", got)
	}
	f.clock.Step(resolve.FoundTTL + time.Second)
	f.push(items...)
	if got := len(f.sent("inventoryItems")); got != 6 {
		t.Errorf("%d searches, want 3 more", got)
	}
}

// TestBatchTooLarge says what to do about spec.batchSize, and parks no SKU.
func TestBatchTooLarge(t *testing.T) {
	t.Parallel()
	f := start(t)
	var items []channel.Item
	for i := range 251 {
		sku := fmt.Sprintf("SKU-%d", i)
		f.stock(sku)
		items = append(items, at("North", sku, 1))
	}
	e := f.failure(channel.Terminal, "CallTooLarge", items...)
	if !strings.Contains(e.Message, "250") {
		t.Errorf("message %q", e.Message)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	f := start(t)
	var items []channel.Item
	want := map[int]int64{}
	const many = 345 // more than a query may read
	for i := range many {
		sku := fmt.Sprintf("SKU-%d", i)
		f.stock(sku)
		items = append(items, at("North", sku, int64(i)))
		want[i] = int64(i)
	}
	for some := range slices.Chunk(items, shopify.BatchSize) {
		f.push(some...)
	}
	oversold := f.shop.AddItem(shopifytest.Item{SKU: "OVERSOLD"}, f.south)
	f.shop.Sell(oversold, f.south, 3)
	f.shop.AddItem(shopifytest.Item{SKU: "ELSEWHERE"}, f.south)
	f.shop.AddItem(shopifytest.Item{SKU: "ENDLESS", Untracked: true}, f.south)
	for _, id := range f.shop.WithSKU("SKU-7") {
		f.shop.Change(id, func(it *shopifytest.Item) { it.SKU = "RENAMED" })
	}
	for _, id := range f.shop.WithSKU("SKU-8") {
		f.shop.Change(id, func(it *shopifytest.Item) { it.SKU, it.Deleted = "", true })
	}
	delete(want, 7)
	delete(want, 8)
	items = append(items, at("South", "OVERSOLD", 0), at("North", "ELSEWHERE", 0), at("Nowhere", "SKU-1", 0), at("North", "GONE", 0), at("South", "ENDLESS", 0))
	want[many], want[many+1] = -3, 0
	readings, err := f.conn.Read(t.Context(), f.batch(items...))
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if diff := cmp.Diff(want, readings.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	f.wantFailures(reasons(items, readings.Failures), map[string]string{
		"SKU-7@North": "Retry/StaleItem", "SKU-8@North": "Retry/StaleItem", "SKU-1@Nowhere": "Unmapped/UnknownLocation",
		"GONE@North": "Unmapped/UnknownSKU", "ENDLESS@South": "Unmapped/NotTracked",
	})
	f.wantFailures(f.push(at("North", "SKU-7", 1)), map[string]string{"SKU-7@North": "Unmapped/UnknownSKU"})
}
