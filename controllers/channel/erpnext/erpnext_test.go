package erpnext_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/erpnext"
	"tallyman.dev/tallyman/controllers/channel/erpnext/erpnexttest"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

const stores = "Stores - A"

// shop is a site and the connector that reaches it.
type shop struct {
	*erpnexttest.Site
	channel.Reader
	requests chan string // paths
}

// open makes a site with the items A to F in the warehouse of stores.
func open(t *testing.T, change func(*channel.Config)) *shop {
	t.Helper()
	s := &shop{Site: erpnexttest.New(), requests: make(chan string, 1000)}
	for _, name := range []string{"A", "B", "C", "D", "E", "F"} {
		s.PutItem(name, erpnexttest.Item{})
	}
	s.PutWarehouse(stores, erpnexttest.Warehouse{Company: erpnexttest.Company})
	s.PutWarehouse(mainWarehouse, erpnexttest.Warehouse{Company: erpnexttest.Company})
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests <- r.URL.Path
		s.ServeHTTP(w, r)
	}))
	cfg := configFor(url+"/", inventoryv1alpha1.LocationWise)
	if change != nil {
		change(&cfg)
	}
	connector, err := erpnext.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	s.Reader = connector.(channel.Reader)
	return s
}

func batch(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.LocationWise, Items: items, IdempotencyKey: "key"}
}

func item(sku string, quantity int64) channel.Item {
	return channel.Item{SKU: sku, Quantity: quantity, LocationCode: stores, LocationQuantity: quantity}
}

// wantPush pushes, and wants the class and reason of failures by index.
func (s *shop) wantPush(t *testing.T, b channel.Batch, want map[int]string) channel.Result {
	t.Helper()
	result, err := s.Push(t.Context(), b)
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	if want == nil {
		want = map[int]string{}
	}
	if diff := cmp.Diff(want, contract.Reasons(result.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	return result
}

// wantStock compares the stock of items in the warehouse of stores.
func (s *shop) wantStock(t *testing.T, want map[string]float64) {
	t.Helper()
	for name, quantity := range want {
		if got, _ := s.Quantity(erpnexttest.Shelf{Item: name, Warehouse: stores}); got != quantity {
			t.Errorf("%s: %v in stock, want %v", name, got, quantity)
		}
	}
}

// TestDocument compares what is booked.
func TestDocument(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *channel.Config) {
		c.Channel.Spec.ERPNext.ExpenseAccount, c.Channel.Spec.ERPNext.CostCenter = "Stock Adjustment - A", "Main - A"
	})
	s.wantPush(t, batch(item("A", 17), channel.Item{SKU: "B", Quantity: 3, LocationCode: mainWarehouse}), nil)
	want := []erpnexttest.Document{{
		Purpose: "Stock Reconciliation", Company: "Acme", ExpenseAccount: "Stock Adjustment - A", CostCenter: "Main - A", Docstatus: 1,
		Items: []erpnexttest.DocumentRow{{ItemCode: "A", Warehouse: stores, Qty: 17}, {ItemCode: "B", Warehouse: mainWarehouse, Qty: 3}},
	}}
	if diff := cmp.Diff(want, s.Documents()); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

// TestNothingToDo: a document whose rows change nothing fails, which is a success.
func TestNothingToDo(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.wantPush(t, batch(item("A", 0), item("B", 0)), nil)
	s.wantPush(t, batch(item("A", 5), item("B", 0)), nil)
	s.wantPush(t, batch(item("A", 5)), nil)
	if got := len(s.Documents()); got != 1 {
		t.Errorf("%d documents, want 1", got)
	}
	s.wantStock(t, map[string]float64{"A": 5})
}

// TestRowsThatAreRefused: the site leaves out rows that change nothing, and numbers the others anew.
func TestRowsThatAreRefused(t *testing.T) {
	t.Parallel()
	const rejected = "Rejected ValidationError"
	cases := map[string]struct {
		items map[string]erpnexttest.Item
		stock map[string]float64
		want  map[int]string
		words string // of the failures
	}{
		"one":           {items: map[string]erpnexttest.Item{"B": {Refused: "no &amp; <b>never</b>"}}, want: map[int]string{1: rejected}, words: "no & never"},
		"several":       {items: map[string]erpnexttest.Item{"A": {Refused: "no"}, "F": {Refused: "no"}}, want: map[int]string{0: rejected, 5: rejected}},
		"numbers moved": {items: map[string]erpnexttest.Item{"D": {Refused: "no"}}, stock: map[string]float64{"A": 1, "B": 1}, want: map[int]string{3: rejected}},
		"no rate":       {items: map[string]erpnexttest.Item{"C": {Worthless: true}}, want: map[int]string{2: rejected}, words: "Valuation Rate required"},
		"no rate, several": {
			items: map[string]erpnexttest.Item{"C": {Worthless: true}, "E": {Worthless: true}}, stock: map[string]float64{"A": 1},
			want: map[int]string{2: rejected, 4: rejected},
		},
		"all": {
			items: map[string]erpnexttest.Item{"A": {Refused: "no"}, "B": {Refused: "no"}, "C": {Refused: "no"}, "D": {Refused: "no"}, "E": {Refused: "no"}, "F": {Refused: "no"}},
			want:  map[int]string{0: rejected, 1: rejected, 2: rejected, 3: rejected, 4: rejected, 5: rejected},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			for name, it := range tc.items {
				s.PutItem(name, it)
			}
			for name, quantity := range tc.stock {
				s.SetQuantity(erpnexttest.Shelf{Item: name, Warehouse: stores}, quantity)
			}
			b := batch(item("A", 1), item("B", 1), item("C", 1), item("D", 1), item("E", 1), item("F", 1))
			result := s.wantPush(t, b, tc.want)
			want := map[string]float64{}
			for i, it := range b.Items {
				want[it.SKU] = 1
				if failure := result.Failures[i]; failure != nil {
					want[it.SKU] = 0
					if !strings.Contains(failure.Message, tc.words) || strings.Contains(failure.Message, "<") {
						t.Errorf("%s: message %q, want %q in it, without markup", it.SKU, failure.Message, tc.words)
					}
				}
			}
			s.wantStock(t, want)
		})
	}
}

// TestUnfitItems: of items with batches, the site would book what it has already.
func TestUnfitItems(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for name, it := range map[string]erpnexttest.Item{
		"A": {Serial: true}, "B": {Batch: true}, "C": {NoStock: true}, "D": {Template: true}, "E": {Disabled: true},
	} {
		s.PutItem(name, it)
	}
	const unfit = "Rejected UnfitItem"
	b := batch(item("A", 1), item("B", 1), item("C", 1), item("D", 1), item("E", 1), item("F", 1))
	s.wantPush(t, b, map[int]string{0: unfit, 1: unfit, 2: unfit, 3: unfit, 4: unfit})
	s.wantStock(t, map[string]float64{"A": 0, "B": 0, "C": 0, "D": 0, "E": 0, "F": 1})
}

// TestNamesThatAreLookedUp: the database compares without regard to case.
func TestNamesThatAreLookedUp(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.PutItem("tee-red", erpnexttest.Item{})
	s.PutWarehouse("All - A", erpnexttest.Warehouse{Company: erpnexttest.Company, Group: true})
	s.PutWarehouse("Closed - A", erpnexttest.Warehouse{Company: erpnexttest.Company, Disabled: true})
	s.PutWarehouse("Stores - B", erpnexttest.Warehouse{Company: "Other"})
	at := func(location string) channel.Item { return channel.Item{SKU: "A", Quantity: 1, LocationCode: location} }
	const sku, warehouse = "Unmapped UnknownSKU", "Unmapped UnknownWarehouse"
	s.wantPush(t, batch(
		item("TEE-RED", 1), item("tee-red", 2), item("NONE", 1), at("STORES - A"), at("All - A"), at("Closed - A"), at("Stores - B"), at("nowhere"),
	), map[int]string{0: sku, 2: sku, 3: warehouse, 4: warehouse, 5: warehouse, 6: warehouse, 7: warehouse})
	s.wantStock(t, map[string]float64{"tee-red": 2})
}

// TestLongLookUp: the site lists 20 documents unless told otherwise.
func TestLongLookUp(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var items []channel.Item
	for i := range erpnext.BatchSize {
		name := fmt.Sprintf("ITEM-%d", i)
		s.PutItem(name, erpnexttest.Item{})
		items = append(items, item(name, int64(i)))
	}
	s.wantPush(t, batch(items...), nil)
	readings, err := s.Read(t.Context(), batch(items...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range items {
		if got := readings.Quantities[i]; got != int64(i) {
			t.Errorf("%s: read %d, want %d", items[i].SKU, got, i)
		}
	}
}

// TestItemIsRenamed under what is remembered of it.
func TestItemIsRenamed(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.wantPush(t, batch(item("A", 1), item("B", 1)), nil)
	s.RenameItem("A", "Z")
	s.wantPush(t, batch(item("A", 2), item("B", 2)), map[int]string{0: "Unmapped UnknownSKU"})
	s.wantStock(t, map[string]float64{"Z": 1, "B": 2})
	s.PutItem("A", erpnexttest.Item{})
	s.wantPush(t, batch(item("A", 3), item("Z", 4)), nil)
	s.wantStock(t, map[string]float64{"A": 3, "Z": 4})
}

func TestConsolidated(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *channel.Config) { c.Channel.Spec.Mode = inventoryv1alpha1.Consolidated })
	b := batch(channel.Item{SKU: "A", Quantity: 41, LocationCode: "nowhere", LocationQuantity: 17})
	b.Mode = inventoryv1alpha1.Consolidated
	s.wantPush(t, b, nil)
	if got, _ := s.Quantity(erpnexttest.Shelf{Item: "A", Warehouse: mainWarehouse}); got != 41 {
		t.Errorf("%v in stock, want 41", got)
	}
}

// TestDraft: a document that only waits for somebody to submit it is no success.
func TestDraft(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Draft(true)
	_, err := s.Push(t.Context(), batch(item("A", 1)))
	contract.WantError(t, err, channel.Retry, "NotSubmitted")
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for name, quantity := range map[string]float64{"A": 7, "B": -3, "C": 4.25, "D": 2.9999999999, "E": 1e17} {
		s.SetQuantity(erpnexttest.Shelf{Item: name, Warehouse: stores}, quantity)
		s.SetQuantity(erpnexttest.Shelf{Item: name, Warehouse: mainWarehouse}, 1000)
	}
	got, err := s.Read(t.Context(), batch(
		item("A", 0), item("B", 0), item("C", 0), item("D", 0), item("E", 0), item("F", 0), item("NONE", 0),
		channel.Item{SKU: "A", LocationCode: mainWarehouse},
	))
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	if diff := cmp.Diff(map[int]int64{0: 7, 1: -3, 2: 5, 3: 3, 5: 0, 7: 1000}, got.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int]string{4: "Retry InvalidAnswer", 6: "Unmapped UnknownSKU"}, contract.Reasons(got.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	if err := s.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	other := open(t, func(c *channel.Config) { c.Channel.Spec.ERPNext.Company = "Nobody" })
	contract.WantError(t, other.Probe(t.Context()), channel.Retry, "UnknownCompany")
	_, err := other.Push(t.Context(), batch(item("A", 1)))
	if err != nil {
		t.Errorf("Push: %v, want failures of single SKUs", err)
	}
}

// TestAnswers is about how calls fail as a whole.
func TestAnswers(t *testing.T) {
	t.Parallel()
	fault := func(kind, message string) string {
		return fmt.Sprintf(`{"exc_type":%q,"exception":"frappe.exceptions.%s: %s","exc":"[\"Traceback\"]"}`, kind, kind, message)
	}
	cases := map[string]struct {
		status int
		body   string
		class  channel.Class
		reason string
	}{
		"not valid, no row":          {417, fault("ValidationError", "no"), channel.Rejected, "ValidationError"},
		"not valid, not said why":    {417, `{}`, channel.Rejected, "Invalid"},
		"no such document":           {404, fault("DoesNotExistError", "Item X not found"), channel.Rejected, "DoesNotExistError"},
		"negative stock":             {417, fault("NegativeStockError", "3 units of Item X needed"), channel.Rejected, "NegativeStockError"},
		"a class with an odd name":   {417, fault("odd name", "no"), channel.Rejected, "Invalid"},
		"no such account":            {417, fault("LinkValidationError", "Could not find Expense Account: X"), channel.Retry, "LinkValidationError"},
		"no fiscal year":             {417, fault("FiscalYearError", "Date is not in any Fiscal Year"), channel.Retry, "FiscalYearError"},
		"frozen":                     {417, fault("StockFreezeError", "frozen up to 2026-01-01"), channel.Retry, "StockFreezeError"},
		"changed meanwhile":          {409, fault("TimestampMismatchError", "modified"), channel.Retry, "TimestampMismatchError"},
		"name taken":                 {409, fault("DuplicateEntryError", "MAT-RECO-1"), channel.Retry, "DuplicateEntryError"},
		"locked":                     {417, fault("DocumentLockedError", "locked"), channel.Retry, "DocumentLockedError"},
		"deadlock":                   {508, fault("QueryDeadlockError", "deadlock"), channel.Retry, "Status508"},
		"a bug":                      {500, fault("AttributeError", "NoneType"), channel.Retry, "Status500"},
		"upkeep":                     {503, fault("SessionStopped", "updating"), channel.Retry, "Status503"},
		"no such site":               {404, "Not Found", channel.Retry, "Status404"},
		"no right":                   {403, fault("PermissionError", "no permission"), channel.Unauthorized, "Unauthorized"},
		"unknown token":              {401, fault("AuthenticationError", "no"), channel.Unauthorized, "Unauthorized"},
		"rate of the site":           {429, "Too Many Requests", channel.Throttled, "Throttled"},
		"rate of a method":           {417, fault("RateLimitExceededError", "too many"), channel.Throttled, "Throttled"},
		"too long for a proxy":       {413, "<html>", channel.Rejected, "Status413"},
		"a page":                     {200, "<html>login</html>", channel.Retry, "InvalidAnswer"},
		"no list":                    {200, `{"message":null}`, channel.Retry, "InvalidAnswer"},
		"another shape":              {200, `{"message":{"name":"A"}}`, channel.Retry, "InvalidAnswer"},
		"nothing at all":             {200, ``, channel.Retry, "InvalidAnswer"},
		"a number where text is due": {200, `{"message":[{"name":1}]}`, channel.Retry, "InvalidAnswer"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.Answer("", fakeserver.Status(tc.status, tc.body))
			_, err := s.Push(t.Context(), batch(item("A", 1), item("B", 1)))
			contract.WantError(t, err, tc.class, tc.reason)
			if e := channel.AsError(err); e.Message == "" || strings.Contains(e.Message, "Traceback") {
				t.Errorf("message %q, want the site's words without its traceback", e.Message)
			}
		})
	}
}

// TestThrottled reads the pause of the site's own limit.
func TestThrottled(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Answer("", fakeserver.Status(http.StatusTooManyRequests, "Too Many Requests", "Retry-After", "1234"))
	_, err := s.Push(t.Context(), batch(item("A", 1)))
	if e := channel.AsError(err); e == nil || e.RetryAfter != 1234*time.Second {
		t.Errorf("%v, want a pause of 1234s", err)
	}
}

// TestUnmappedCostsNoDocument: where nothing is left to book, nothing is.
func TestUnmappedCostsNoDocument(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.wantPush(t, batch(item("NONE", 1)), map[int]string{0: "Unmapped UnknownSKU"})
	for len(s.requests) > 0 {
		if path := <-s.requests; strings.Contains(path, "Reconciliation") {
			t.Errorf("request to %s", path)
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*channel.Config)
		reason string
	}{
		"no configuration": {func(c *channel.Config) { c.Channel.Spec.ERPNext = nil }, "InvalidSpec"},
		"no warehouse for sums": {func(c *channel.Config) {
			c.Channel.Spec.Mode, c.Channel.Spec.ERPNext.Warehouse = inventoryv1alpha1.Consolidated, ""
		}, "InvalidSpec"},
		"no Secret":   {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials"},
		"no secret":   {func(c *channel.Config) { delete(c.Credentials, "apiSecret") }, "InvalidCredentials"},
		"blank key":   {func(c *channel.Config) { c.Credentials["apiKey"] = []byte(" \n") }, "InvalidCredentials"},
		"no header":   {func(c *channel.Config) { c.Credentials["apiKey"] = []byte("s3\x00cret") }, "InvalidCredentials"},
		"certificate": {func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("http://127.0.0.1:1", inventoryv1alpha1.LocationWise)
			tc.change(&cfg)
			_, err := erpnext.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.reason)
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	if diff := cmp.Diff(channel.Limits{BatchSize: 100, MaxParallel: 1, Patience: channel.MaxPatience}, s.Limits()); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	s = open(t, func(c *channel.Config) { c.Channel.Spec.BatchSize = 7 })
	if got := s.Limits().BatchSize; got != 7 {
		t.Errorf("batches of %d, want 7", got)
	}
}

// TestNameBehindASKUChanges: what was remembered fails once, and is looked up again.
func TestNameBehindASKUChanges(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *channel.Config) { c.Channel.Spec.ERPNext.SKUField = skuField })
	s.PutItem("ITEM-1", erpnexttest.Item{Fields: map[string]string{skuField: "tee"}})
	s.wantPush(t, batch(item("tee", 1)), nil)
	s.RenameItem("ITEM-1", "ITEM-2")
	s.wantPush(t, batch(item("tee", 2)), map[int]string{0: "Unmapped UnknownSKU"})
	s.wantPush(t, batch(item("tee", 3)), nil)
	s.wantStock(t, map[string]float64{"ITEM-2": 3})
}
