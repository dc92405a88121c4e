package tryton_test

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/tryton"
)

// TestReal runs the contract, and the traps of Tryton, against the real server.
func TestReal(t *testing.T) {
	t.Parallel()
	s := startReal(t)
	t.Run("contract", func(t *testing.T) {
		t.Parallel()
		contract.Run(t, contract.Subject{
			Factory: tryton.New, Modes: modes[:1], // the modes differ in the location only
			Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
				return s.with(t).channel(mode, elsewhere)
			},
		})
	})
	for name, run := range map[string]func(*testing.T, realServer){
		"products":  realProducts,
		"locations": realLocations,
		"sum":       realSum,
		"documents": realDocuments,
		"sessions":  realSessions,
		"rights":    realRights,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, s.with(t))
		})
	}
}

// connect builds a connector that is given Tryton's own names.
func (s realServer) connect(t *testing.T, change func(*channel.Config)) (channel.Reader, string) {
	t.Helper()
	p, cfg := s.channel(inventoryv1alpha1.LocationWise, "")
	if change != nil {
		change(&cfg)
	}
	c, err := tryton.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c.(channel.Reader), p.prefix
}

func realProducts(t *testing.T, s realServer) {
	c, prefix := s.connect(t, nil)
	at := s.find("stock.location", []any{"code", "=", prefix + "WD-1"})[0]
	good := s.addProduct(prefix+"GOOD", nil)
	s.addProduct(prefix+"SERVICE", map[string]any{"type": "service"})
	s.addProduct(prefix+"CONSUMABLE", map[string]any{"consumable": true})
	s.write("product.product", s.addProduct(prefix+"OLD", nil), map[string]any{"active": false})
	s.write("product.product", s.addProduct(prefix+"AGAIN", nil), map[string]any{"active": false})
	s.addProduct(prefix+"AGAIN", nil)
	kilogram := s.find("product.uom", []any{"symbol", "=", "kg"})[0]
	s.count(at, 2.25, s.addProduct(prefix+"FLOUR", map[string]any{"default_uom": kilogram}))

	b := batch(12, prefix+"WD-1", prefix+"GOOD", prefix+"SERVICE", prefix+"CONSUMABLE", prefix+"OLD", prefix+"AGAIN", prefix+"NONE")
	want := map[string]string{
		prefix + "SERVICE": "Unmapped NotGoods", prefix + "OLD": "Unmapped InactiveProduct", prefix + "NONE": "Unmapped UnknownSKU",
	}
	pushes(t, c, b, want)
	if got := s.quantity(at, good); got != 12 {
		t.Errorf("the good SKU has %v, want 12", got)
	}
	b.Items = append(b.Items, channel.Item{SKU: prefix + "FLOUR", LocationCode: prefix + "WD-1"})
	got, err := c.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 12, 2: 12, 4: 12, 6: 3}, got.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, contract.ReasonsBySKU(b, got.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	// A location holds what lies at itself, not in those below.
	below := s.create("stock.location", map[string]any{"name": "Shelf", "code": prefix + "SHELF", "type": "storage", "parent": at})
	s.count(below, 5, good)
	if got, err := c.Read(t.Context(), batch(0, prefix+"WD-1", prefix+"GOOD")); err != nil || got.Quantities[0] != 12 {
		t.Errorf("with stock below: %+v, %v, want 12", got, err)
	}
}

func realLocations(t *testing.T, s realServer) {
	c, prefix := s.connect(t, nil)
	sku := prefix + "A"
	s.addProduct(sku, nil)
	s.addLocation(prefix + "TWICE")
	s.addLocation(prefix + "TWICE")
	s.write("stock.location", s.addLocation(prefix+"OLD"), map[string]any{"active": false})
	for location, want := range map[string]string{
		"WH": "", "NONE": "UnknownLocation", prefix + "TWICE": "AmbiguousLocation", prefix + "OLD": "UnknownLocation",
		"CUS": "InvalidLocation",
	} {
		failures := map[string]string{}
		if want != "" {
			failures[sku] = "Unmapped " + want
		}
		pushes(t, c, batch(2, location, sku), failures)
	}
	byName, _ := s.connect(t, func(cfg *channel.Config) { cfg.Channel.Spec.Tryton.LocationKey = inventoryv1alpha1.TrytonLocationName })
	pushes(t, byName, batch(3, "Storage Zone", sku), nil)
	pushes(t, byName, batch(3, "Transit", sku), map[string]string{sku: "Unmapped InvalidLocation"}) // belongs to no warehouse
	byID, _ := s.connect(t, func(cfg *channel.Config) { cfg.Channel.Spec.Tryton.LocationKey = inventoryv1alpha1.TrytonLocationID })
	if got, err := byID.Read(t.Context(), batch(0, "3", sku)); err != nil || got.Quantities[0] != 3 {
		t.Errorf("storage zone by its id: %+v, %v, want 3", got, err)
	}
}

func realSum(t *testing.T, s realServer) {
	c, prefix := s.connect(t, func(cfg *channel.Config) {
		cfg.Channel.Spec.Mode = inventoryv1alpha1.Consolidated
		cfg.Channel.Spec.Tryton.Location = cfg.Channel.Spec.LocationMapping[0].ChannelCode
	})
	id := s.addProduct(prefix+"A", nil)
	b := batch(7, "WD-2", prefix+"A")
	b.Mode = inventoryv1alpha1.Consolidated
	pushes(t, c, b, nil)
	if got := s.quantity(s.find("stock.location", []any{"code", "=", prefix + "WD-1"})[0], id); got != 7 {
		t.Errorf("the consolidated location has %v, want 7", got)
	}
}

// realDocuments looks at what pushes leave behind: no document without a difference, and no draft.
func realDocuments(t *testing.T, s realServer) {
	c, prefix := s.connect(t, nil)
	at := s.find("stock.location", []any{"code", "=", prefix + "WD-1"})[0]
	s.addProduct(prefix+"A", nil)
	own := []any{"number", "like", "tallyman %"}
	here := []any{"location", "=", at}
	s.create("stock.inventory", map[string]any{"location": at, "number": "tallyman crashed"})
	s.create("stock.inventory", map[string]any{"location": at, "number": "by hand"})
	pushes(t, c, batch(4, prefix+"WD-1", prefix+"A"), nil)
	pushes(t, c, batch(4, prefix+"WD-1", prefix+"A"), nil)
	if got := s.find("stock.inventory", own, here, []any{"state", "=", "done"}); len(got) != 1 {
		t.Errorf("%d counts, want 1", len(got))
	}
	if got := s.find("stock.inventory", here, []any{"state", "=", "draft"}); len(got) != 1 {
		t.Errorf("%d drafts, want the one that was made by hand", len(got))
	}
}

func realSessions(t *testing.T, s realServer) {
	id := s.addUser("sessions", "Stock")
	own := func(cfg *channel.Config) { cfg.Credentials["username"] = []byte("sessions") }
	c, prefix := s.connect(t, own)
	s.addProduct(prefix+"A", nil)
	pushes(t, c, batch(1, prefix+"WD-1", prefix+"A"), nil)
	end := func() { s.sql("DELETE FROM ir_session WHERE create_uid = ?", strconv.FormatInt(id, 10)) }
	end()
	pushes(t, c, batch(2, prefix+"WD-1", prefix+"A"), nil)
	s.write("res.user", id, map[string]any{"password": "n3w-Gate.keeper"})
	end() // an administrator's change of the password does not
	contract.WantPushError(t, c, batch(3, prefix+"WD-1", prefix+"A"), channel.Unauthorized, "Unauthorized")
	if e := channel.AsError(c.Probe(t.Context())); e == nil || e.Class != channel.Unauthorized {
		t.Errorf("Probe: %v, want %s", e, channel.Unauthorized)
	}
	elsewhere, _ := s.connect(t, func(cfg *channel.Config) { cfg.Channel.Spec.Tryton.URL += "2" })
	contract.WantPushError(t, elsewhere, batch(3, prefix+"WD-1", prefix+"A"), channel.Retry, "ServerError") // no such database
}

func realRights(t *testing.T, s realServer) {
	s.addUser("powerless")
	c, prefix := s.connect(t, func(cfg *channel.Config) { cfg.Credentials["username"] = []byte("powerless") })
	contract.WantPushError(t, c, batch(3, prefix+"WD-1", prefix+"A"), channel.Unauthorized, "AccessDenied")
	s.write("res.user", s.addUser("homeless", "Stock"), map[string]any{"company": nil})
	c, _ = s.connect(t, func(cfg *channel.Config) { cfg.Credentials["username"] = []byte("homeless") })
	contract.WantPushError(t, c, batch(3, prefix+"WD-1", prefix+"A"), channel.Terminal, "NoCompany")
}
