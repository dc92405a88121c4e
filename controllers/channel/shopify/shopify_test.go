package shopify_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	testingclock "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/shopify"
	"tallyman.dev/tallyman/controllers/channel/shopify/shopifytest"
)

// fixture is a shop with a connector.
type fixture struct {
	*testing.T
	shop         *shopifytest.Shop
	clock        *testingclock.FakeClock
	cfg          channel.Config
	conn         channel.Reader
	north, south string // locations
}

// start starts a shop with the locations North and South, and connects to it.
func start(t *testing.T, change ...func(*channel.Config)) *fixture {
	t.Helper()
	f := &fixture{T: t, clock: testingclock.NewFakeClock(time.Unix(1_800_000_000, 0))}
	f.shop = shopifytest.New(f.clock)
	f.north, f.south = f.shop.AddLocation("North"), f.shop.AddLocation("South")
	url := fakeserver.Start(t, f.shop)
	f.cfg = config(inventoryv1alpha1.LocationWise, inventoryv1alpha1.ShopifyChannel{
		URL: inventoryv1alpha1.HTTPURL(url + "/"), APIVersion: "2026-07", QuantityName: inventoryv1alpha1.ShopifyAvailable,
	})
	f.cfg.Clock = f.clock
	for _, c := range change {
		c(&f.cfg)
	}
	built, err := shopify.New(f.cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	f.conn = built.(channel.Reader)
	return f
}

// stock adds items that are stocked at both locations.
func (f *fixture) stock(skus ...string) {
	for _, sku := range skus {
		f.shop.AddItem(shopifytest.Item{SKU: sku}, f.north, f.south)
	}
}

// at makes an item of a batch.
func at(location, sku string, quantity int64) channel.Item {
	return channel.Item{SKU: sku, LocationCode: location, Quantity: quantity}
}

func (f *fixture) batch(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: f.cfg.Channel.Spec.Mode, Items: items, IdempotencyKey: "job-1"}
}

// push returns the failures of a push, by SKU and location, as Class/Reason.
func (f *fixture) push(items ...channel.Item) map[string]string {
	f.Helper()
	result, err := f.conn.Push(f.Context(), f.batch(items...))
	if err != nil {
		f.Fatalf("Push: %v", err)
	}
	return reasons(items, result.Failures)
}

func reasons(items []channel.Item, failures map[int]*channel.Error) map[string]string {
	out := map[string]string{}
	for i, e := range failures {
		out[items[i].SKU+"@"+items[i].LocationCode] = fmt.Sprintf("%s/%s", e.Class, e.Reason)
	}
	return out
}

// available returns what the shop sells of a SKU at a location; -1 where it is not stocked.
func (f *fixture) available(sku, location string) int64 {
	f.Helper()
	ids := f.shop.WithSKU(sku)
	if len(ids) != 1 {
		f.Fatalf("%d items %q", len(ids), sku)
	}
	level, ok := f.shop.Level(ids[0], location)
	if !ok {
		return -1
	}
	return level.Available()
}

func (f *fixture) sent(operation string) []shopifytest.Call {
	return slices.DeleteFunc(f.shop.Calls(), func(c shopifytest.Call) bool { return c.Operation != operation })
}

// keys returns the keys that quantities were sent with.
func (f *fixture) keys() []string {
	f.Helper()
	var out []string
	for _, c := range f.sent("inventorySetQuantities") {
		var v struct {
			Key string `json:"key"`
		}
		if err := json.Unmarshal([]byte(c.Variables), &v); err != nil {
			f.Fatal(err)
		}
		out = append(out, v.Key)
	}
	return out
}

func (f *fixture) wantFailures(got, want map[string]string) {
	f.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		f.Errorf("failures (-want +got):\n%s", diff)
	}
}

// wantError pushes and wants the call to fail as a whole.
func (f *fixture) wantError(class channel.Class, reason string, items ...channel.Item) {
	f.Helper()
	_ = f.failure(class, reason, items...)
}

// failure is wantError for those who look closer.
func (f *fixture) failure(class channel.Class, reason string, items ...channel.Item) *channel.Error {
	f.Helper()
	result, err := f.conn.Push(f.Context(), f.batch(items...))
	e := channel.AsError(err)
	if e == nil || e.Class != class || string(e.Reason) != reason {
		f.Fatalf("%+v, %v, want %s/%s", result, err, class, reason)
	}
	return e
}

func TestEveryVersion(t *testing.T) {
	t.Parallel()
	for version := range shopifytest.Schemas() {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			f := start(t, func(c *channel.Config) {
				c.Channel.Spec.Shopify.APIVersion = inventoryv1alpha1.ShopifyAPIVersion(version)
				c.Channel.Spec.Shopify.Unstocked = inventoryv1alpha1.ShopifyActivate
			})
			f.stock("A")
			f.shop.AddItem(shopifytest.Item{SKU: "NEW"})
			f.wantFailures(f.push(at("North", "A", 3), at("North", "NEW", 4), at("North", "GONE", 5)), map[string]string{"GONE@North": "Unmapped/UnknownSKU"})
			readings, err := f.conn.Read(t.Context(), f.batch(at("North", "A", 0), at("North", "NEW", 0)))
			if diff := cmp.Diff(map[int]int64{0: 3, 1: 4}, readings.Quantities); diff != "" || err != nil {
				t.Errorf("readings (-want +got):\n%s%v", diff, err)
			}
			if err := f.conn.Probe(t.Context()); err != nil {
				t.Errorf("Probe: %v", err)
			}
			for _, c := range f.shop.Calls() {
				if c.Version != version {
					t.Errorf("call of version %s", c.Version)
				}
			}
		})
	}
}

func TestQuantityName(t *testing.T) {
	t.Parallel()
	for name, want := range map[inventoryv1alpha1.ShopifyQuantityName]shopifytest.Level{
		inventoryv1alpha1.ShopifyAvailable: {OnHand: 12, Committed: 2, Set: 1},
		inventoryv1alpha1.ShopifyOnHand:    {OnHand: 10, Committed: 2, Set: 1},
	} {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			f := start(t, func(c *channel.Config) { c.Channel.Spec.Shopify.QuantityName = name })
			id := f.shop.AddItem(shopifytest.Item{SKU: "A"}, f.north)
			f.shop.Sell(id, f.north, 2)
			f.wantFailures(f.push(at("North", "A", 10)), map[string]string{})
			got, _ := f.shop.Level(id, f.north)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("level (-want +got):\n%s", diff)
			}
			readings, err := f.conn.Read(t.Context(), f.batch(at("North", "A", 0)))
			if err != nil || readings.Quantities[0] != 10 {
				t.Errorf("read %+v, %v, want the 10 that were set", readings, err)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	f := start(t)
	if err := f.conn.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
	f.shop.Grant("read_inventory", "read_locations")
	if e := channel.AsError(f.conn.Probe(t.Context())); e == nil || e.Class != channel.Unauthorized || e.Reason != "MissingScope" {
		t.Errorf("%v, want the missing scope", e)
	}
}

func TestLocationsNeedTheirScope(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stock("A")
	f.shop.Grant("write_inventory")
	f.wantError(channel.Unauthorized, "AccessDenied", at("North", "A", 1))
	f.wantFailures(f.push(at(f.north, "A", 1)), map[string]string{}) // ids need none
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	type secret = map[string][]byte
	for name, tc := range map[string]struct {
		secret secret
		want   bool
	}{
		"token":                  {secret{"accessToken": []byte("token")}, true},
		"token of a file":        {secret{"accessToken": []byte("token\n")}, true},
		"app":                    {secret{"clientId": []byte("id"), "clientSecret": []byte("s")}, true},
		"other keys, too":        {secret{"accessToken": []byte("token"), "note": []byte("x")}, true},
		"none":                   {nil, false},
		"empty":                  {secret{"accessToken": []byte(" \n")}, false},
		"both":                   {secret{"accessToken": []byte("token"), "clientId": []byte("id"), "clientSecret": []byte("s")}, false},
		"half an app":            {secret{"clientId": []byte("id")}, false},
		"other half":             {secret{"clientSecret": []byte("s")}, false},
		"token and half an app":  {secret{"accessToken": []byte("token"), "clientId": []byte("id")}, false},
		"token of several lines": {secret{"accessToken": []byte("x9\nq7z")}, false},
	} {
		cfg := config(inventoryv1alpha1.LocationWise, inventoryv1alpha1.ShopifyChannel{URL: "https://shop.example.com", APIVersion: "2026-07"})
		cfg.Credentials = tc.secret
		_, err := shopify.New(cfg)
		if (err == nil) != tc.want {
			t.Errorf("%s: %v", name, err)
		}
		if e := channel.AsError(err); e != nil && (e.Class != channel.Terminal || strings.Contains(e.Message, "q7z")) {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// TestTokenOfAFile ends with a line break.
func TestTokenOfAFile(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *channel.Config) { c.Credentials["accessToken"] = append(c.Credentials["accessToken"], '\n') })
	if err := f.conn.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
}

func TestTokensAreRenewed(t *testing.T) {
	t.Parallel()
	f := start(t, func(c *channel.Config) {
		c.Credentials = map[string][]byte{"clientId": []byte("id-1"), "clientSecret": []byte("s3cret-2")}
	})
	f.shop.Accept()
	f.shop.IssueTokens("id-1", "s3cret-2")
	f.stock("A")
	f.push(at(f.north, "A", 1))
	f.push(at(f.north, "A", 2))
	if got := f.shop.TokensIssued(); got != 1 {
		t.Errorf("%d tokens, want one for both calls", got)
	}
	f.clock.Step(24 * time.Hour)
	f.push(at(f.north, "A", 3))
	if got := f.shop.TokensIssued(); got != 2 {
		t.Errorf("%d tokens, want a new one after a day", got)
	}
	f.shop.Accept() // revokes them
	f.push(at(f.north, "A", 4))
	if got := f.available("A", f.north); got != 4 {
		t.Errorf("available %d, want 4", got)
	}
	f.shop.IssueTokens("id-1", "another")
	f.shop.Accept()
	f.wantError(channel.Unauthorized, "TokenRefused", at(f.north, "A", 5))
}

// TestThrottled empties the bucket: the pause is what the call lacks, by the rate at which points come back.
func TestThrottled(t *testing.T) {
	t.Parallel()
	f := start(t)
	f.stock("A")
	f.push(at(f.north, "A", 1)) // looks the SKU up
	f.shop.Drain(-340.5)        // 10 for the mutation are 350.5 more
	e := f.failure(channel.Throttled, "Throttled", at(f.north, "A", 2))
	if e.RetryAfter != 4*time.Second {
		t.Errorf("pause %v, want 4s: 350.5 points at 100 a second", e.RetryAfter)
	}
	if got := f.available("A", f.north); got != 1 {
		t.Errorf("available %d, want what it was", got)
	}
	f.clock.Step(e.RetryAfter)
	f.wantFailures(f.push(at(f.north, "A", 2)), map[string]string{})
}

func TestNew(t *testing.T) {
	t.Parallel()
	_, err := shopify.New(channel.Config{Channel: &inventoryv1alpha1.Channel{}, Clock: clock.RealClock{}})
	if e := channel.AsError(err); e == nil || e.Class != channel.Terminal {
		t.Errorf("%v, want a terminal error", err)
	}
	f := start(t, func(c *channel.Config) { c.Channel.Spec.BatchSize = 7 })
	if got := f.conn.Limits().BatchSize; got != 7 {
		t.Errorf("batch size %d, want that of the spec", got)
	}
}
