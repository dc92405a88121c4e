package tryton_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/tryton"
	"tallyman.dev/tallyman/controllers/channel/tryton/trytontest"
)

func jsonOf(value any) []byte {
	raw, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return raw
}

// start builds a connector to a fake database. Change may change the Channel first.
func start(t *testing.T, change func(*channel.Config)) (*trytontest.Server, channel.Reader) {
	t.Helper()
	fake := trytontest.New(username, password)
	url := fakeserver.Start(t, fake)
	cfg := config(url, inventoryv1alpha1.LocationWise)
	if change != nil {
		change(&cfg)
	}
	c, err := tryton.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return fake, c.(channel.Reader)
}

func batch(quantity int64, location string, skus ...string) channel.Batch {
	b := channel.Batch{Mode: inventoryv1alpha1.LocationWise, IdempotencyKey: "key-1"}
	for _, sku := range skus {
		b.Items = append(b.Items, channel.Item{SKU: sku, Quantity: quantity, LocationCode: location})
	}
	return b
}

// pushes pushes, and wants these failures by SKU.
func pushes(t *testing.T, c channel.Connector, b channel.Batch, want map[string]string) {
	t.Helper()
	result, err := c.Push(t.Context(), b)
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	if want == nil {
		want = map[string]string{}
	}
	if diff := cmp.Diff(want, contract.ReasonsBySKU(b, result.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func at(product int64) trytontest.LocationProduct {
	return trytontest.LocationProduct{LocationID: trytontest.StorageID, ProductID: product}
}

func TestProducts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		products []trytontest.Product
		want     string // "" for confirmed
	}{
		"goods":                               {products: []trytontest.Product{{}}},
		"none":                                {want: "Unmapped UnknownSKU"},
		"two":                                 {products: []trytontest.Product{{}, {}}, want: "Unmapped AmbiguousSKU"},
		"deactivated":                         {products: []trytontest.Product{{Inactive: true}}, want: "Unmapped InactiveProduct"},
		"two deactivated":                     {products: []trytontest.Product{{Inactive: true}, {Inactive: true}}, want: "Unmapped InactiveProduct"},
		"active, with a deactivated namesake": {products: []trytontest.Product{{Inactive: true}, {}}},
		"service":                             {products: []trytontest.Product{{Type: "service"}}, want: "Unmapped NotGoods"},
		"counted by lots":                     {products: []trytontest.Product{{Lots: true}}, want: "Unconfirmed StockMoved"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, nil)
			ids := []int64{}
			for _, p := range tc.products {
				p.Code = "SKU"
				ids = append(ids, fake.AddProduct(p))
				fake.SetStock(at(ids[len(ids)-1]), 5)
			}
			good := fake.AddProduct(trytontest.Product{Code: "GOOD"})
			want := map[string]string{}
			if tc.want != "" {
				want["SKU"] = tc.want
			}
			pushes(t, c, batch(9, "STO", "SKU", "GOOD"), want)
			if got, _ := fake.Stock(at(good)); got != 9 {
				t.Errorf("the good SKU has %v, want 9", got)
			}
			var changed int
			for _, id := range ids {
				if got, _ := fake.Stock(at(id)); got != 5 {
					changed++
				}
			}
			if changed > 0 != (tc.want == "") {
				t.Errorf("%d products were changed", changed)
			}
		})
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		key      inventoryv1alpha1.TrytonLocationKey
		location string
		want     string
	}{
		"by code":             {location: "STO"},
		"by name":             {key: inventoryv1alpha1.TrytonLocationName, location: "Storage Zone"},
		"by id":               {key: inventoryv1alpha1.TrytonLocationID, location: "3"},
		"warehouse":           {location: "WH"}, // stands for its storage zone
		"unknown":             {location: "NONE", want: "Unmapped UnknownLocation"},
		"name for a code":     {location: "Storage Zone", want: "Unmapped UnknownLocation"},
		"no id":               {key: inventoryv1alpha1.TrytonLocationID, location: "STO", want: "Unmapped UnknownLocation"},
		"two":                 {location: "TWICE", want: "Unmapped AmbiguousLocation"},
		"deactivated":         {location: "OLD", want: "Unmapped UnknownLocation"},
		"view":                {location: "VIEW", want: "Unmapped InvalidLocation"},
		"no lost-and-found":   {location: "LOOSE", want: "Unmapped InvalidLocation"},
		"no storage location": {location: "EMPTY", want: "Unmapped InvalidLocation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, func(cfg *channel.Config) { cfg.Channel.Spec.Tryton.LocationKey = tc.key })
			for _, l := range []trytontest.Location{
				{Code: "TWICE", LostFound: 4},
				{Code: "TWICE", LostFound: 4},
				{Code: "OLD", LostFound: 4, Inactive: true},
				{Code: "VIEW", Type: "view", LostFound: 4},
				{Code: "LOOSE"},
				{Code: "EMPTY", Type: "warehouse", LostFound: 4},
			} {
				fake.AddLocation(l)
			}
			id := fake.AddProduct(trytontest.Product{Code: "A"})
			want := map[string]string{}
			if tc.want != "" {
				want["A"] = tc.want
			}
			pushes(t, c, batch(9, tc.location, "A"), want)
			if got, _ := fake.Stock(at(id)); (got == 9) != (tc.want == "") {
				t.Errorf("the storage zone has %v", got)
			}
		})
	}
}

// TestNothingToCount pushes what is there already.
func TestNothingToCount(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	fake.SetStock(at(fake.AddProduct(trytontest.Product{Code: "A"})), 4)
	fake.AddProduct(trytontest.Product{Code: "B"})
	pushes(t, c, batch(4, "STO", "A"), nil)
	if got := fake.Documents(); len(got) != 0 {
		t.Errorf("documents %+v, want none", got)
	}
	pushes(t, c, batch(4, "STO", "A", "B"), nil)
	got := fake.Documents()
	if len(got) != 1 || len(got[0].Lines) != 1 || got[0].State != "done" || got[0].Number != "tallyman key-1" || got[0].Company != 1 {
		t.Errorf("documents %+v, want one with a line for B", got)
	}
}

// TestStockMovesMeanwhile ships goods after they were read: what would be set then is wrong.
func TestStockMovesMeanwhile(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	a, b := fake.AddProduct(trytontest.Product{Code: "A"}), fake.AddProduct(trytontest.Product{Code: "B"})
	for name, tc := range map[string]struct {
		moved []int64
		want  map[string]string
	}{
		"one of two": {moved: []int64{a}, want: map[string]string{"A": "Unconfirmed StockMoved"}},
		"all":        {moved: []int64{a, b}, want: map[string]string{"A": "Unconfirmed StockMoved", "B": "Unconfirmed StockMoved"}},
		"none":       {},
	} {
		fake.SetStock(at(a), 10)
		fake.SetStock(at(b), 10)
		before := len(fake.Documents())
		fake.OnCall(func(method string) {
			for _, id := range tc.moved {
				if method == "model.stock.inventory.create" {
					fake.SetStock(at(id), 8)
				}
			}
		})
		pushes(t, c, batch(20, "STO", "A", "B"), tc.want)
		fake.OnCall(nil)
		for _, id := range []int64{a, b} {
			want := 20.0
			for _, m := range tc.moved {
				if m == id {
					want = 8
				}
			}
			if got, _ := fake.Stock(at(id)); got != want {
				t.Errorf("%s: product %d has %v, want %v", name, id, got, want)
			}
		}
		created := len(fake.Documents()) - before
		if wantCreated := min(1, 2-len(tc.moved)); created != wantCreated {
			t.Errorf("%s: %d documents are left, want %d", name, created, wantCreated)
		}
	}
}

// TestCodesChange renames the product between each look-up and the read that follows.
func TestCodesChange(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	id := fake.AddProduct(trytontest.Product{Code: "A"})
	searches := 0
	fake.OnCall(func(method string) {
		if method != "model.product.product.search_read" {
			return
		}
		from, to := "B", "A"
		if searches++; searches%2 == 0 {
			from, to = "A", "B"
		}
		fake.ChangeProducts(from, func(p *trytontest.Product) { p.Code = to })
	})
	pushes(t, c, batch(9, "STO", "A"), map[string]string{"A": "Unconfirmed CodeChanged"})
	if got, _ := fake.Stock(at(id)); got != 0 || searches != 4 {
		t.Errorf("stock %v after %d searches, want none after 4", got, searches)
	}
}

// TestDraftsAreDropped finds what earlier pushes have left, and nothing that is somebody else's.
func TestDraftsAreDropped(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	fake.AddProduct(trytontest.Product{Code: "A"})
	kept := []int64{
		fake.AddDocument(trytontest.Document{Number: "7", State: "draft", Location: trytontest.StorageID}),
		fake.AddDocument(trytontest.Document{Number: "tallyman done", State: "done", Location: trytontest.StorageID}),
		fake.AddDocument(trytontest.Document{Number: "tallyman elsewhere", State: "draft", Location: 99}),
	}
	fake.AddDocument(trytontest.Document{Number: "tallyman crashed", State: "draft", Location: trytontest.StorageID})
	pushes(t, c, batch(0, "STO", "A"), nil) // even if there is nothing to count
	var got []int64
	for _, d := range fake.Documents() {
		got = append(got, d.ID)
	}
	if diff := cmp.Diff(kept, got); diff != "" {
		t.Errorf("documents (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		method, deny string
		class        channel.Class
		reason       string
	}{
		"create":                    {method: "model.stock.inventory.create", class: channel.Rejected, reason: "UserError"},
		"confirm":                   {method: "model.stock.inventory.confirm", class: channel.Rejected, reason: "UserError"},
		"look-up":                   {method: "model.product.product.search_read", class: channel.Retry, reason: "UserError"},
		"location":                  {method: "model.stock.location.search_read", class: channel.Retry, reason: "UserError"},
		"drafts":                    {method: "model.stock.inventory.search_read", class: channel.Retry, reason: "UserError"},
		"for want of a right":       {deny: "stock.inventory", class: channel.Unauthorized, reason: "AccessDenied"},
		"for want of another right": {deny: "product.product", class: channel.Retry, reason: "UserError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, nil)
			fake.AddProduct(trytontest.Product{Code: "A"})
			if err := c.Probe(t.Context()); err != nil { // the session begins with all rights
				t.Fatal(err)
			}
			fake.Refuse(tc.method, "no")
			fake.Deny(tc.deny)
			contract.WantPushError(t, c, batch(1, "STO", "A"), tc.class, tc.reason)
			if got := fake.Documents(); len(got) != 0 {
				t.Errorf("documents %+v are left", got)
			}
			fake.Refuse(tc.method, "")
			fake.Deny("")
			pushes(t, c, batch(1, "STO", "A"), nil)
		})
	}
}

func TestSession(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	fake.AddProduct(trytontest.Product{Code: "A"})
	logins := func() int { return strings.Count(strings.Join(fake.Calls(), " "), "common.db.login") }
	pushes(t, c, batch(1, "STO", "A"), nil)
	pushes(t, c, batch(2, "STO", "A"), nil)
	if got := logins(); got != 1 {
		t.Errorf("%d logins, want one for all", got)
	}
	fake.EndSessions()
	pushes(t, c, batch(3, "STO", "A"), nil)
	if got := logins(); got != 2 {
		t.Errorf("%d logins, want one more", got)
	}
	fake.SetPassword("another one")
	contract.WantPushError(t, c, batch(4, "STO", "A"), channel.Unauthorized, "Unauthorized")
}

func TestLoginChecks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*trytontest.Server)
		spec   int64
		class  channel.Class
		reason string
	}{
		"no company":             {change: func(s *trytontest.Server) { s.SetCompany(0) }, class: channel.Terminal, reason: "NoCompany"},
		"no rights":              {change: func(s *trytontest.Server) { s.Deny("stock.inventory") }, class: channel.Unauthorized, reason: "AccessDenied"},
		"no rights on locations": {change: func(s *trytontest.Server) { s.Deny("stock.location") }, class: channel.Unauthorized, reason: "AccessDenied"},
		"another company":        {change: func(*trytontest.Server) {}, spec: 2, class: channel.Rejected, reason: "UserError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, func(cfg *channel.Config) { cfg.Channel.Spec.Tryton.CompanyID = tc.spec })
			fake.AddProduct(trytontest.Product{Code: "A"})
			tc.change(fake)
			contract.WantPushError(t, c, batch(1, "STO", "A"), tc.class, tc.reason)
		})
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	for sku, quantity := range map[string]float64{"MINUS": -3, "PART": 2.25, "MANY": 1<<31 - 1, "NONE": 0, "ABSURD": 1e300} {
		fake.SetStock(at(fake.AddProduct(trytontest.Product{Code: sku})), quantity)
	}
	b := batch(99, "STO", "MINUS", "PART", "MANY", "NONE", "UNKNOWN", "ABSURD")
	got, err := c.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: -3, 1: 3, 2: 1<<31 - 1, 3: 0, 5: 1 << 53}, got.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"UNKNOWN": "Unmapped UnknownSKU"}, contract.ReasonsBySKU(b, got.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	got, err = c.Read(t.Context(), batch(0, "NOWHERE", "MANY"))
	if err != nil || len(got.Quantities) != 0 || got.Failures[0] == nil || got.Failures[0].Reason != "UnknownLocation" {
		t.Errorf("at an unknown location: %+v, %v", got, err)
	}
}

func TestNegativeStockIsPutRight(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	id := fake.AddProduct(trytontest.Product{Code: "A"})
	fake.SetStock(at(id), -3)
	pushes(t, c, batch(0, "STO", "A"), nil)
	if got, _ := fake.Stock(at(id)); got != 0 {
		t.Errorf("stock %v, want 0", got)
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*channel.Config)
		want   string
	}{
		"no config": {func(c *channel.Config) { c.Channel.Spec.Tryton = nil }, "InvalidSpec"},
		"no place for sums": {func(c *channel.Config) {
			c.Channel.Spec.Mode, c.Channel.Spec.Tryton.Location = "Consolidated", ""
		}, "InvalidSpec"},
		"no credentials":         {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials"},
		"no password":            {func(c *channel.Config) { delete(c.Credentials, "password") }, "InvalidCredentials"},
		"colon in the user name": {func(c *channel.Config) { c.Credentials["username"] = []byte("a:b") }, "InvalidCredentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config("http://erp.example.com", inventoryv1alpha1.LocationWise)
			tc.change(&cfg)
			_, err := tryton.New(cfg)
			if e := channel.AsError(err); e == nil || e.Class != channel.Terminal || string(e.Reason) != tc.want {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
}

func TestSeveralLocations(t *testing.T) {
	t.Parallel()
	_, c := start(t, nil)
	b := batch(1, "STO", "A", "B")
	b.Items[1].LocationCode = "WH"
	contract.WantPushError(t, c, b, channel.Terminal, "InvalidBatch")
}
