package vendure_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/vendure"
	"tallyman.dev/tallyman/controllers/channel/vendure/venduretest"
)

// home is the name of the default location.
const home = "Default Stock Location"

// start builds a connector to a fake shop. Change may change the Channel first.
func start(t *testing.T, change func(*channel.Config)) (*venduretest.Shop, channel.Reader) {
	t.Helper()
	fake := venduretest.New(username, password)
	url := fakeserver.Start(t, fake)
	cfg := config(url, inventoryv1alpha1.LocationWise)
	if change != nil {
		change(&cfg)
	}
	c, err := vendure.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return fake, c.(channel.Reader)
}

func spec(change func(*inventoryv1alpha1.VendureChannel)) func(*channel.Config) {
	return func(cfg *channel.Config) { change(cfg.Channel.Spec.Vendure) }
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

func at(quantity int64) map[string]int64 {
	return map[string]int64{venduretest.DefaultLocation: quantity}
}

func TestVariants(t *testing.T) {
	t.Parallel()
	track := spec(func(s *inventoryv1alpha1.VendureChannel) { s.Untracked = inventoryv1alpha1.VendureTrack })
	for name, tc := range map[string]struct {
		variants []venduretest.Variant
		inherit  bool
		change   func(*channel.Config)
		want     string // "" for confirmed
	}{
		"tracked":                        {variants: []venduretest.Variant{{Track: "TRUE"}}},
		"tracked as the others are":      {variants: []venduretest.Variant{{}}, inherit: true},
		"not tracked":                    {variants: []venduretest.Variant{{Track: "FALSE"}}, inherit: true, want: "Unmapped NotTracked"},
		"not tracked, as the others":     {variants: []venduretest.Variant{{}}, want: "Unmapped NotTracked"},
		"to be tracked from now on":      {variants: []venduretest.Variant{{Track: "FALSE"}}, change: track},
		"none":                           {want: "Unmapped UnknownSKU"},
		"two":                            {variants: []venduretest.Variant{{Track: "TRUE"}, {Track: "TRUE"}}, want: "Unmapped AmbiguousSKU"},
		"in another case is another SKU": {variants: []venduretest.Variant{{Track: "TRUE", SKU: "sku"}}, want: "Unmapped UnknownSKU"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, tc.change)
			fake.TrackAll(tc.inherit)
			for _, v := range tc.variants {
				if v.SKU == "" {
					v.SKU = "SKU"
				}
				v.OnHand = at(5)
				fake.AddVariant(v)
			}
			fake.AddVariant(venduretest.Variant{SKU: "GOOD", Track: "TRUE"})
			want := map[string]string{}
			if tc.want != "" {
				want["SKU"] = tc.want
			}
			pushes(t, c, batch(9, home, "SKU", "GOOD"), want)
			if got, _ := fake.OnHand("GOOD", venduretest.DefaultLocation); got != 9 {
				t.Errorf("the good SKU has %d, want 9", got)
			}
			for _, v := range fake.Find("SKU") {
				if got := v.OnHand[venduretest.DefaultLocation]; (got == 9) != (tc.want == "") {
					t.Errorf("the SKU has %d", got)
				}
				if tc.change != nil && v.Track != "TRUE" {
					t.Errorf("trackInventory is %s, want TRUE", v.Track)
				}
			}
		})
	}
}

// TestEqualQuantityIsTracked turns tracking on even if there is nothing else to change.
func TestEqualQuantityIsTracked(t *testing.T) {
	t.Parallel()
	fake, c := start(t, spec(func(s *inventoryv1alpha1.VendureChannel) { s.Untracked = inventoryv1alpha1.VendureTrack }))
	fake.AddVariant(venduretest.Variant{SKU: "A", Track: "FALSE", OnHand: at(0)})
	pushes(t, c, batch(0, home, "A"), nil)
	if got := fake.Find("A")[0].Track; got != "TRUE" {
		t.Errorf("trackInventory is %s, want TRUE", got)
	}
}

func TestLocations(t *testing.T) {
	t.Parallel()
	byID := spec(func(s *inventoryv1alpha1.VendureChannel) { s.LocationKey = inventoryv1alpha1.VendureLocationID })
	sum := func(location string) func(*channel.Config) {
		return func(cfg *channel.Config) {
			cfg.Channel.Spec.Mode, cfg.Channel.Spec.Vendure.Location = inventoryv1alpha1.Consolidated, location
		}
	}
	for name, tc := range map[string]struct {
		change   func(*channel.Config)
		more     []string // locations beside the default one
		location string
		want     string
	}{
		"by name":           {location: home, more: []string{"Depot"}},
		"by id":             {change: byID, location: "1", more: []string{"Depot"}},
		"unknown":           {location: "Depot", want: "Unmapped UnknownLocation"},
		"id for a name":     {location: "1", want: "Unmapped UnknownLocation"},
		"name for an id":    {change: byID, location: home, want: "Unmapped UnknownLocation"},
		"two":               {location: home, more: []string{home}, want: "Unmapped AmbiguousLocation"},
		"sum":               {change: sum(home), location: "anywhere", more: []string{"Depot"}},
		"sum, the only one": {change: sum(""), location: "anywhere"},
		"sum, not the only": {change: sum(""), location: "anywhere", more: []string{"Depot"}, want: "Unmapped AmbiguousLocation"},
		"sum, unknown":      {change: sum("Depot"), location: "anywhere", want: "Unmapped UnknownLocation"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mode := inventoryv1alpha1.LocationWise
			fake, c := start(t, func(cfg *channel.Config) {
				if tc.change != nil {
					tc.change(cfg)
				}
				mode = cfg.Channel.Spec.Mode
			})
			for _, name := range tc.more {
				fake.AddLocation(name)
			}
			fake.AddVariant(venduretest.Variant{SKU: "A"})
			b := batch(9, tc.location, "A")
			b.Mode = mode
			want := map[string]string{}
			if tc.want != "" {
				want["A"] = tc.want
			}
			pushes(t, c, b, want)
			if got, _ := fake.OnHand("A", venduretest.DefaultLocation); (got == 9) != (tc.want == "") {
				t.Errorf("the default location has %d", got)
			}
		})
	}
}

// TestSeveralLocations pushes one SKU to two locations in one call.
func TestSeveralLocations(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	depot := fake.AddLocation("Depot")
	fake.AddVariant(venduretest.Variant{SKU: "A"})
	b := batch(3, home, "A", "A", "A")
	b.Items[1].LocationCode, b.Items[1].Quantity = "Depot", 4
	b.Items[2].LocationCode = "Nowhere"
	pushes(t, c, b, map[string]string{"A": "Unmapped UnknownLocation"})
	first, _ := fake.OnHand("A", venduretest.DefaultLocation)
	second, _ := fake.OnHand("A", depot)
	if first != 3 || second != 4 {
		t.Errorf("%d and %d on hand, want 3 and 4", first, second)
	}
	if got := strings.Count(strings.Join(fake.Calls(), " "), "Set"); got != 1 {
		t.Errorf("%d mutations, want 1", got)
	}
}

// TestEqualQuantitiesAreNotSet spares the shop an index of what does not change.
func TestEqualQuantitiesAreNotSet(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	fake.AddVariant(venduretest.Variant{SKU: "A", OnHand: at(4)})
	fake.AddVariant(venduretest.Variant{SKU: "NEVER-THERE"})
	pushes(t, c, batch(4, home, "A"), nil)
	pushes(t, c, batch(0, home, "NEVER-THERE"), nil)
	if got := strings.Join(fake.Calls(), " "); strings.Contains(got, "Set") {
		t.Errorf("operations %s, want no Set", got)
	}
}

func TestAvailable(t *testing.T) {
	t.Parallel()
	fake, c := start(t, spec(func(s *inventoryv1alpha1.VendureChannel) { s.Quantity = inventoryv1alpha1.VendureAvailable }))
	fake.AddVariant(venduretest.Variant{SKU: "A", OnHand: at(5), Allocated: at(2)})
	b := batch(7, home, "A")
	if got, err := c.Read(t.Context(), b); err != nil || got.Quantities[0] != 3 {
		t.Errorf("Read: %+v, %v, want 3", got, err)
	}
	pushes(t, c, b, nil)
	if got, _ := fake.OnHand("A", venduretest.DefaultLocation); got != 9 {
		t.Errorf("%d on hand, want 7 and the 2 that are allocated", got)
	}
	pushes(t, c, batch(math.MaxInt32, home, "A"), map[string]string{"A": "Rejected QuantityTooLarge"})
}

func TestRead(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	fake.AddVariant(venduretest.Variant{SKU: "MINUS", OnHand: at(-3)})
	fake.AddVariant(venduretest.Variant{SKU: "ALLOCATED", OnHand: at(5), Allocated: at(2)})
	fake.AddVariant(venduretest.Variant{SKU: "NEVER-THERE"})
	b := batch(99, home, "MINUS", "ALLOCATED", "NEVER-THERE", "UNKNOWN")
	got, err := c.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: -3, 1: 5, 2: 0}, got.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"UNKNOWN": "Unmapped UnknownSKU"}, contract.ReasonsBySKU(b, got.Failures)); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

// TestPages reads lists that come in parts, and refuses one that ends early.
func TestPages(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	var skus []string
	for i := range 250 {
		skus = append(skus, fmt.Sprintf("SKU-%d", i))
		fake.AddVariant(venduretest.Variant{SKU: skus[i], OnHand: at(int64(i))})
	}
	fake.LimitLists(30)
	got, err := c.Read(t.Context(), batch(0, home, skus...))
	if err != nil || len(got.Quantities) != 250 || got.Quantities[249] != 249 {
		t.Errorf("%d quantities, %v, want 250", len(got.Quantities), err)
	}
	fake.LimitLists(0)
	if _, err := c.Read(t.Context(), batch(0, home, skus...)); channel.AsError(err) == nil || channel.AsError(err).Reason != "InvalidAnswer" {
		t.Errorf("a list that ends early: %v, want InvalidAnswer", err)
	}
}

// TestQuantityIsVerified has another call change the quantity at the same time.
func TestQuantityIsVerified(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	fake.AddVariant(venduretest.Variant{SKU: "A"})
	fake.Race(-1)
	pushes(t, c, batch(9, home, "A"), map[string]string{"A": "Unconfirmed NotApplied"})
	fake.Race(0)
	pushes(t, c, batch(9, home, "A"), nil)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		operation string
		failure   venduretest.Failure
		class     channel.Class
		reason    string
	}{
		"input":                {"Set", venduretest.Failure{Code: "USER_INPUT_ERROR", Message: "no"}, channel.Rejected, "UserInputError"},
		"variable":             {"Set", venduretest.Failure{Code: "BAD_USER_INPUT", Message: "no"}, channel.Rejected, "UserInputError"},
		"input of a look-up":   {"Variants", venduretest.Failure{Code: "USER_INPUT_ERROR", Message: "no"}, channel.Retry, "UserInputError"},
		"input of locations":   {"Locations", venduretest.Failure{Code: "USER_INPUT_ERROR", Message: "no"}, channel.Retry, "UserInputError"},
		"input of a login":     {"Login", venduretest.Failure{Code: "USER_INPUT_ERROR", Message: "no"}, channel.Retry, "UserInputError"},
		"deleted meanwhile":    {"Set", venduretest.Failure{Code: "ENTITY_NOT_FOUND", Message: "no"}, channel.Retry, "GraphQLError"},
		"database":             {"Set", venduretest.Failure{Message: "FOREIGN KEY constraint failed"}, channel.Retry, "GraphQLError"},
		"permission":           {"Set", venduretest.Failure{Code: "FORBIDDEN", Message: "no"}, channel.Unauthorized, "Unauthorized"},
		"an older shop":        {"Variants", venduretest.Failure{Code: "GRAPHQL_VALIDATION_FAILED", Message: "no"}, channel.Terminal, "InvalidQuery"},
		"login by another way": {"Login", venduretest.Failure{Code: "GRAPHQL_VALIDATION_FAILED", Message: "no login"}, channel.Terminal, "InvalidQuery"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, nil)
			fake.AddVariant(venduretest.Variant{SKU: "A"})
			fake.Refuse(tc.operation, tc.failure)
			contract.WantPushError(t, c, batch(1, home, "A"), tc.class, tc.reason)
			fake.Refuse(tc.operation, venduretest.Failure{})
			pushes(t, c, batch(1, home, "A"), nil)
		})
	}
}

// TestDeletedMeanwhile deletes a variant between the look-up and the mutation.
func TestDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	fake, c := start(t, nil)
	fake.AddVariant(venduretest.Variant{SKU: "A"})
	fake.AddVariant(venduretest.Variant{SKU: "B"})
	fake.OnCall(func(name string) {
		if name == "Set" {
			fake.DeleteVariants("B")
		}
	})
	contract.WantPushError(t, c, batch(1, home, "A", "B"), channel.Retry, "GraphQLError")
	pushes(t, c, batch(1, home, "A", "B"), map[string]string{"B": "Unmapped UnknownSKU"})
}

func TestSession(t *testing.T) {
	t.Parallel()
	for name, cookies := range map[string]bool{"token": false, "cookie": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, nil)
			if cookies {
				fake.GiveCookies()
			}
			fake.AddVariant(venduretest.Variant{SKU: "A"})
			logins := func() int { return strings.Count(strings.Join(fake.Calls(), " "), "Login") }
			pushes(t, c, batch(1, home, "A"), nil)
			pushes(t, c, batch(2, home, "A"), nil)
			if got := logins(); got != 1 {
				t.Errorf("%d logins, want one for all", got)
			}
			fake.EndSessions()
			pushes(t, c, batch(3, home, "A"), nil)
			if got := logins(); got != 2 {
				t.Errorf("%d logins, want one more", got)
			}
			fake.SetPassword("another one")
			contract.WantPushError(t, c, batch(4, home, "A"), channel.Unauthorized, "LoginRefused")
		})
	}
}

func TestAPIKey(t *testing.T) {
	t.Parallel()
	fake, c := start(t, func(cfg *channel.Config) { cfg.Credentials = map[string][]byte{"apiKey": []byte(apiKey + "\n")} })
	fake.AddVariant(venduretest.Variant{SKU: "A"})
	contract.WantPushError(t, c, batch(1, home, "A"), channel.Unauthorized, "Unauthorized")
	fake.AcceptKey(apiKey)
	pushes(t, c, batch(1, home, "A"), nil)
	if got := strings.Join(fake.Calls(), " "); strings.Contains(got, "Login") {
		t.Errorf("operations %s, want no Login", got)
	}
}

func TestChannelToken(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{venduretest.DefaultToken: "", "mistyped": "UnknownChannel", "gone": "UnknownChannel"} {
		t.Run(token, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, spec(func(s *inventoryv1alpha1.VendureChannel) { s.ChannelToken = token }))
			fake.AddVariant(venduretest.Variant{SKU: "A"})
			if want == "" {
				pushes(t, c, batch(1, home, "A"), nil)
				if err := c.Probe(t.Context()); err != nil {
					t.Errorf("Probe: %v", err)
				}
				return
			}
			contract.WantPushError(t, c, batch(1, home, "A"), channel.Terminal, want)
			if e := channel.AsError(c.Probe(t.Context())); e == nil || string(e.Reason) != want {
				t.Errorf("Probe: %v, want %s", e, want)
			}
			if got, told := fake.OnHand("A", venduretest.DefaultLocation); told {
				t.Errorf("the default channel was told %d", got)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		permissions []string
		want        string
	}{
		"catalog":                  {permissions: venduretest.Permissions},
		"products":                 {permissions: []string{"ReadProduct", "ReadStockLocation", "UpdateProduct"}},
		"cannot update":            {permissions: []string{"ReadCatalog"}, want: "AccessDenied"},
		"cannot read stock places": {permissions: []string{"ReadProduct", "UpdateProduct"}, want: "AccessDenied"},
		"nothing":                  {want: "Unauthorized"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake, c := start(t, nil)
			fake.Permit(tc.permissions...)
			e := channel.AsError(c.Probe(t.Context()))
			if tc.want == "" && e != nil || tc.want != "" && (e == nil || e.Class != channel.Unauthorized || string(e.Reason) != tc.want) {
				t.Errorf("Probe: %v, want %q", e, tc.want)
			}
		})
	}
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*channel.Config)
		want   string
	}{
		"no config":      {func(c *channel.Config) { c.Channel.Spec.Vendure = nil }, "InvalidSpec"},
		"no credentials": {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials"},
		"no password":    {func(c *channel.Config) { delete(c.Credentials, "password") }, "InvalidCredentials"},
		"both kinds":     {func(c *channel.Config) { c.Credentials["apiKey"] = []byte("key") }, "InvalidCredentials"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config("http://shop.example.com", inventoryv1alpha1.LocationWise)
			tc.change(&cfg)
			_, err := vendure.New(cfg)
			if e := channel.AsError(err); e == nil || e.Class != channel.Terminal || string(e.Reason) != tc.want {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
}
