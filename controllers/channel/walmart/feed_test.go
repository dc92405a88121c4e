package walmart_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/walmart/walmarttest"
)

// TestFeed waits for a feed, and tells what became of each SKU in it.
func TestFeed(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]channel.Batch{
		"consolidated":  consolidated(item("A", 1), item("B", 2), item("C", 3), item("D", 4), item("E", 5)),
		"location-wise": byNode(item("A", 1), item("B", 2), item("C", 3), item("D", 4), item("E", 5)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, threshold(5)).know("A", "B", "C", "D")
			s.Apply(walmarttest.Rules{Looks: 4, Hidden: true, ItemError: map[string]string{"B": "DATA_ERROR", "C": "SYSTEM_ERROR", "D": "TIMEOUT_ERROR"}})
			result, err := s.pushLong(t, b)
			if err != nil {
				t.Fatalf("Push: %v", err)
			}
			want := map[int]string{1: "Rejected ErrInt0001", 2: "Retry SystemError", 3: "Retry TimeoutError", 4: "Unmapped UnknownSKU"}
			if diff := cmp.Diff(want, contract.Reasons(result.Failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if len(s.Stock()) != 1 {
				t.Errorf("stock %v, want that of A", s.Stock())
			}
		})
	}
}

// TestFeedRefused is a feed of which Walmart has used nothing.
func TestFeedRefused(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]channel.Class{"DATA_ERROR": channel.Rejected, "SYSTEM_ERROR": channel.Retry} {
		s := open(t, threshold(1)).know("A")
		s.Apply(walmarttest.Rules{FeedError: kind})
		_, err := s.Push(t.Context(), consolidated(item("A", 1)))
		contract.WantError(t, err, want, "FeedRefused")
		s.Apply(walmarttest.Rules{})
		s.wants(t, "put right", consolidated(item("A", 1)), map[int]string{})
	}
}

// TestSlowFeed is one that takes longer than a push can wait. What it holds must not be overtaken, nor
// sent twice; what it does not hold goes on.
func TestSlowFeed(t *testing.T) {
	t.Parallel()
	const late = "Throttled FeedPending"
	s := open(t, threshold(2)).know("A", "B", "C")
	s.Apply(walmarttest.Rules{Looks: 1_000_000})
	began := s.clock.Now()
	result, err := s.pushLong(t, consolidated(item("A", 1), item("B", 2)))
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	if diff := cmp.Diff(map[int]string{0: late, 1: late}, contract.Reasons(result.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if waited := s.clock.Since(began); waited < 12*time.Minute || waited > 14*time.Minute {
		t.Errorf("waited %v, want 12 minutes", waited)
	}
	if pause := result.Failures[0].RetryAfter; pause <= 0 {
		t.Errorf("pause %v", pause)
	}
	s.wants(t, "the same, one changed, one new", consolidated(item("A", 1), item("B", 9), item("C", 3)), map[int]string{0: late, 1: late})
	s.EndFeeds()
	s.wants(t, "after its end", consolidated(item("A", 1), item("B", 9)), map[int]string{})
	want := map[walmarttest.NodeSKU]int64{{SKU: "A"}: 1, {SKU: "B"}: 9, {SKU: "C"}: 3}
	if diff := cmp.Diff(want, s.Stock()); diff != "" {
		t.Errorf("stock (-want +got):\n%s", diff)
	}
	wantChanges := []string{
		`POST /v3/feeds?feedType=inventory {"InventoryHeader":{"version":"1.4"},"Inventory":[{"sku":"A","quantity":{"unit":"EACH","amount":1}},{"sku":"B","quantity":{"unit":"EACH","amount":2}}]}`,
		`PUT /v3/inventory?sku=C {"sku":"C","quantity":{"unit":"EACH","amount":3}}`,
		`PUT /v3/inventory?sku=B {"sku":"B","quantity":{"unit":"EACH","amount":9}}`,
	}
	if diff := cmp.Diff(wantChanges, s.changes()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// TestConsolidatedByAnotherLocation has the change of another location cause the next push: it is the
// same quantity all the same.
func TestConsolidatedByAnotherLocation(t *testing.T) {
	t.Parallel()
	s := open(t, threshold(1)).know("A")
	s.Apply(walmarttest.Rules{Looks: 1_000_000})
	if _, err := s.pushLong(t, consolidated(contract.At("WD-1", "A", 1))); err != nil {
		t.Fatalf("Push: %v", err)
	}
	s.EndFeeds()
	s.wants(t, "after its end", consolidated(contract.At("WD-2", "A", 1)), map[int]string{})
	if got := s.changes(); len(got) != 1 {
		t.Errorf("requests %q, want the feed alone", got)
	}
}

// TestStuckItem is a feed that stays in progress because of one item.
func TestStuckItem(t *testing.T) {
	t.Parallel()
	s := open(t, threshold(2)).know("A", "B")
	s.Apply(walmarttest.Rules{Looks: 1, Stuck: []string{"B"}})
	result, err := s.pushLong(t, byNode(item("A", 1), item("B", 2)))
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	if diff := cmp.Diff(map[int]string{1: "Throttled FeedPending"}, contract.Reasons(result.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	s.wants(t, "A is repaired", byNode(item("A", 1)), map[int]string{})
	if got := s.changes(); len(got) != 2 {
		t.Errorf("requests %q, want A to be sent again though the feed has set it", got)
	}
	s.wants(t, "A is not held", byNode(item("A", 7), item("B", 2)), map[int]string{1: "Throttled FeedPending"})
	s.clock.Step(2 * time.Hour)
	s.wants(t, "after two hours", byNode(item("B", 2)), map[int]string{})
	want := map[walmarttest.NodeSKU]int64{{Node: "N1", SKU: "A"}: 7, {Node: "N1", SKU: "B"}: 2}
	if diff := cmp.Diff(want, s.Stock()); diff != "" {
		t.Errorf("stock (-want +got):\n%s", diff)
	}
}

// TestLostFeed is a feed that Walmart has taken, and whose identifier was lost with the connection.
func TestLostFeed(t *testing.T) {
	t.Parallel()
	s := open(t, threshold(1)).know("A")
	s.Apply(walmarttest.Rules{Looks: 2})
	s.LoseAnswers(true)
	_, err := s.Push(t.Context(), consolidated(item("A", 1)))
	contract.WantError(t, err, channel.Retry, "ConnectionFailed")
	s.LoseAnswers(false)
	_, err = s.Push(t.Context(), consolidated(item("A", 2)))
	contract.WantError(t, err, channel.Throttled, "FeedPending")
	if got := s.changes(); len(got) != 1 {
		t.Errorf("requests %q, want the lost feed alone", got)
	}
	s.Apply(walmarttest.Rules{})
	s.wants(t, "after its end", consolidated(item("A", 2)), map[int]string{})
	if got, _ := s.Quantity("", "A"); got != 2 {
		t.Errorf("quantity %d, want the newer one", got)
	}
}

// TestFeedsOfBefore are those that a connector finds when it begins.
func TestFeedsOfBefore(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		kind  string
		age   time.Duration
		looks int
		waits bool
	}{
		"under way":              {kind: "inventory", looks: 2, waits: true},
		"of several nodes":       {kind: "MP_INVENTORY", age: time.Hour, looks: 2, waits: true},
		"ended":                  {kind: "inventory"},
		"ends at the first look": {kind: "inventory", looks: 1},
		"of prices":              {kind: "price", looks: 2},
		"stuck for hours":        {kind: "inventory", age: 3 * time.Hour, looks: 2},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil).know("A")
			s.AddFeed(tc.kind, s.clock.Now().Add(-tc.age), tc.looks)
			_, err := s.Push(t.Context(), consolidated(item("A", 1)))
			if !tc.waits {
				if err != nil {
					t.Errorf("Push: %v", err)
				}
				return
			}
			contract.WantError(t, err, channel.Throttled, "FeedPending")
			s.EndFeeds()
			s.wants(t, "after its end", consolidated(item("A", 1)), map[int]string{})
		})
	}
}

// TestRestartDuringAFeed loses what the connector knew of its feed.
func TestRestartDuringAFeed(t *testing.T) {
	t.Parallel()
	s := open(t, threshold(1)).know("A")
	s.Apply(walmarttest.Rules{Looks: 1_000_000})
	if _, err := s.pushLong(t, consolidated(item("A", 1))); err != nil {
		t.Fatalf("Push: %v", err)
	}
	s.restart(t)
	_, err := s.Push(t.Context(), consolidated(item("A", 2)))
	contract.WantError(t, err, channel.Throttled, "FeedPending")
	s.EndFeeds()
	s.Apply(walmarttest.Rules{})
	s.wants(t, "after its end", consolidated(item("A", 2)), map[int]string{})
	if got, _ := s.Quantity("", "A"); got != 2 {
		t.Errorf("quantity %d, want the newer one", got)
	}
}

// TestLongFeedIsReadInPages confirms as many SKUs as a push can have.
func TestLongFeedIsReadInPages(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *channel.Config) { c.Channel.Spec.BatchSize = 2500 })
	b := consolidated()
	for i := range 2500 {
		sku := "SKU-" + string(rune('A'+i/100)) + string(rune('A'+i%100))
		s.Know(sku)
		b.Items = append(b.Items, item(sku, int64(i)))
	}
	s.wants(t, "push", b, map[int]string{})
}
