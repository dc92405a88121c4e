package vendure_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/vendure"
)

// TestReal runs the contract, and the traps of Vendure, against the real server, which checks every
// operation and its variables by its own schema.
func TestReal(t *testing.T) {
	t.Parallel()
	s := startReal(t)
	t.Run("contract", func(t *testing.T) {
		t.Parallel()
		contract.Run(t, contract.Subject{
			Factory: vendure.New, Modes: modes[:1], // the modes differ in the location only
			Start: func(t *testing.T, mode inventoryv1alpha1.ChannelMode, elsewhere string) (contract.Server, channel.Config) {
				return s.with(t).channel(mode, elsewhere)
			},
		})
	})
	for name, run := range map[string]func(*testing.T, realShop){
		"variants":      realVariants,
		"locations":     realLocations,
		"sum":           realSum,
		"sessions":      realSessions,
		"API key":       realAPIKey,
		"rights":        realRights,
		"channel token": realChannelToken,
		"schema":        realSchema,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, s.with(t))
		})
	}
}

// connect builds a connector that is given Vendure's own names.
func (s realShop) connect(t *testing.T, change func(*channel.Config)) (channel.Reader, *realFront) {
	t.Helper()
	p, cfg := s.channel(inventoryv1alpha1.LocationWise, "")
	if change != nil {
		change(&cfg)
	}
	c, err := vendure.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c.(channel.Reader), p
}

func realVariants(t *testing.T, s realShop) {
	c, p := s.connect(t, nil)
	location := p.prefix + "WD-1"
	s.addVariant(p.prefix + "A")
	s.change(s.addVariant(p.prefix+"UNTRACKED"), vars{"trackInventory": "FALSE"})
	s.change(s.addVariant(p.prefix+"INHERITS"), vars{"trackInventory": "INHERIT"}) // a new shop tracks all
	s.change(s.addVariant(p.prefix+"MINUS"), levels(p.at, -3))
	s.addVariant(p.prefix + "TWICE")
	s.addVariant(p.prefix + "TWICE")
	s.addVariant(p.prefix + strings.ToLower("Case"))

	b := batch(9, location, p.prefix+"A", p.prefix+"UNTRACKED", p.prefix+"INHERITS", p.prefix+"TWICE", p.prefix+"CASE")
	want := map[string]string{
		p.prefix + "UNTRACKED": "Unmapped NotTracked", p.prefix + "TWICE": "Unmapped AmbiguousSKU", p.prefix + "CASE": "Unmapped UnknownSKU",
	}
	pushes(t, c, b, want)
	b.Items = append(b.Items, channel.Item{SKU: p.prefix + "MINUS", LocationCode: location})
	got, err := c.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 9, 2: 9, 5: -3}, got.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, contract.ReasonsBySKU(b, got.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	tracking, _ := s.connect(t, spec(func(v *inventoryv1alpha1.VendureChannel) { v.Untracked = inventoryv1alpha1.VendureTrack }))
	pushes(t, tracking, batch(4, location, p.prefix+"UNTRACKED"), nil)
	if got := s.find(p.prefix + "UNTRACKED")[0]; got.TrackInventory != "TRUE" || got.at(p.at).StockOnHand != 4 {
		t.Errorf("%+v, want 4 that are tracked", got)
	}
}

func realLocations(t *testing.T, s realShop) {
	c, p := s.connect(t, nil)
	sku := p.prefix + "A"
	s.addVariant(sku)
	other := s.addLocation(p.prefix + "WD-2")
	s.addLocation(p.prefix + "TWICE")
	s.addLocation(p.prefix + "TWICE")
	b := batch(3, p.prefix+"WD-1", sku, sku)
	b.Items[1].LocationCode, b.Items[1].Quantity = p.prefix+"WD-2", 4
	pushes(t, c, b, nil) // one SKU at two locations
	pushes(t, c, batch(3, p.prefix+"TWICE", sku), map[string]string{sku: "Unmapped AmbiguousLocation"})
	pushes(t, c, batch(3, p.prefix+"NONE", sku), map[string]string{sku: "Unmapped UnknownLocation"})
	v := s.find(sku)[0]
	if first, second := v.at(p.at).StockOnHand, v.at(other).StockOnHand; first != 3 || second != 4 {
		t.Errorf("%d and %d on hand, want 3 and 4", first, second)
	}
	byID, _ := s.connect(t, spec(func(v *inventoryv1alpha1.VendureChannel) { v.LocationKey = inventoryv1alpha1.VendureLocationID }))
	if got, err := byID.Read(t.Context(), batch(0, other, sku)); err != nil || got.Quantities[0] != 4 {
		t.Errorf("by id: %+v, %v, want 4", got, err)
	}
	pushes(t, byID, batch(3, "no id", sku), map[string]string{sku: "Unmapped UnknownLocation"})
}

func realSum(t *testing.T, s realShop) {
	c, p := s.connect(t, func(cfg *channel.Config) { cfg.Channel.Spec.Mode = inventoryv1alpha1.Consolidated })
	s.addVariant(p.prefix + "A")
	b := batch(7, "WD-2", p.prefix+"A")
	b.Mode = inventoryv1alpha1.Consolidated
	pushes(t, c, b, nil)
	if got := s.find(p.prefix + "A")[0].at(p.at).StockOnHand; got != 7 {
		t.Errorf("%d on hand, want 7", got)
	}
}

func realSessions(t *testing.T, s realShop) {
	for name, cookies := range map[string]bool{"token": false, "cookie": true} {
		c, p := s.connect(t, nil)
		p.cookies.Store(cookies)
		s.addVariant(p.prefix + "A")
		pushes(t, c, batch(1, p.prefix+"WD-1", p.prefix+"A"), nil)
		p.expired.Store(true)
		pushes(t, c, batch(2, p.prefix+"WD-1", p.prefix+"A"), nil)
		if p.expired.Load() {
			t.Errorf("%s: the session did not expire", name)
		}
		if got := s.find(p.prefix + "A")[0].at(p.at).StockOnHand; got != 2 {
			t.Errorf("%s: %d on hand, want 2", name, got)
		}
	}
	wrong, p := s.connect(t, func(cfg *channel.Config) { cfg.Credentials["password"] = []byte("another-password") })
	contract.WantPushError(t, wrong, batch(1, p.prefix+"WD-1", p.prefix+"A"), channel.Unauthorized, "LoginRefused")
	if e := channel.AsError(wrong.Probe(t.Context())); e == nil || e.Class != channel.Unauthorized {
		t.Errorf("Probe: %v, want %s", e, channel.Unauthorized)
	}
}

func realAPIKey(t *testing.T, s realShop) {
	key := call[struct{ APIKey string }](s, `mutation($r: [ID!]!) {
		createApiKey(input: {roleIds: $r, translations: [{languageCode: en, name: "Tallyman"}]}) { apiKey } }`, vars{"r": []string{s.role}}).APIKey
	for value, want := range map[string]channel.Class{key: "", "x" + key: channel.Unauthorized} {
		c, p := s.connect(t, func(cfg *channel.Config) { cfg.Credentials = map[string][]byte{"apiKey": []byte(value)} })
		s.addVariant(p.prefix + "A")
		b := batch(6, p.prefix+"WD-1", p.prefix+"A")
		if want != "" {
			contract.WantPushError(t, c, b, want, "Unauthorized")
			if e := channel.AsError(c.Probe(t.Context())); e == nil || e.Class != want {
				t.Errorf("Probe: %v, want %s", e, want)
			}
			continue
		}
		if err := c.Probe(t.Context()); err != nil {
			t.Errorf("Probe: %v", err)
		}
		pushes(t, c, b, nil)
	}
}

func realRights(t *testing.T, s realShop) {
	c, p := s.connect(t, nil)
	if err := c.Probe(t.Context()); err != nil {
		t.Errorf("Probe with the permissions of the page: %v", err)
	}
	s.addAdministrator("reader@example.com", "ReadProduct", "ReadStockLocation")
	reader, _ := s.connect(t, func(cfg *channel.Config) { cfg.Credentials["username"] = []byte("reader@example.com") })
	s.addVariant(p.prefix + "A")
	contract.WantPushError(t, reader, batch(1, p.prefix+"WD-1", p.prefix+"A"), channel.Unauthorized, "Unauthorized")
	if e := channel.AsError(reader.Probe(t.Context())); e == nil || e.Reason != "AccessDenied" {
		t.Errorf("Probe: %v, want AccessDenied", e)
	}
}

// realChannelToken names a channel that does not exist: the shop takes the default one.
func realChannelToken(t *testing.T, s realShop) {
	token := call[struct{ Token string }](s, `{ activeChannel { token } }`, nil).Token
	for value, want := range map[string]string{token: "", "no-such-channel": "UnknownChannel"} {
		c, p := s.connect(t, spec(func(v *inventoryv1alpha1.VendureChannel) { v.ChannelToken = value }))
		s.addVariant(p.prefix + "A")
		b := batch(6, p.prefix+"WD-1", p.prefix+"A")
		if want == "" {
			pushes(t, c, b, nil)
			continue
		}
		contract.WantPushError(t, c, b, channel.Terminal, want)
	}
}

// realSchema looks up that the inputs have the fields that the connector sends and no other that must be
// there: with variables, an operation alone does not show that.
func realSchema(t *testing.T, s realShop) {
	type field struct {
		Name string
		Type struct{ Kind string }
	}
	for input, sent := range map[string][]string{
		"UpdateProductVariantInput": {"id", "trackInventory", "stockLevels"},
		"StockLevelInput":           {"stockLocationId", "stockOnHand"},
		"ProductVariantListOptions": {"filter", "sort", "skip", "take"},
		"StockLocationListOptions":  {"filter", "sort", "skip", "take"},
	} {
		fields := call[struct{ InputFields []field }](s, `query($n: String!) { __type(name: $n) { inputFields { name type { kind } } } }`, vars{"n": input}).InputFields
		known := map[string]bool{}
		for _, f := range fields {
			known[f.Name] = true
			if f.Type.Kind == "NON_NULL" && !strings.Contains(strings.Join(sent, " "), f.Name) {
				t.Errorf("%s: the field %s must be sent", input, f.Name)
			}
		}
		for _, name := range sent {
			if !known[name] {
				t.Errorf("%s: no field %s", input, name)
			}
		}
	}
}
