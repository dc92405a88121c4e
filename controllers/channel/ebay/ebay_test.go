package ebay_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/ebay"
	"tallyman.dev/tallyman/controllers/channel/ebay/ebaytest"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// shop is an eBay and the connector that reaches it.
type shop struct {
	*ebaytest.Server
	channel.Connector
}

func open(t *testing.T, change func(*channel.Config)) *shop {
	t.Helper()
	s := &shop{Server: ebaytest.New()}
	url := fakeserver.Start(t, s.Server)
	cfg := configFor(url)
	if change != nil {
		change(&cfg)
	}
	connector, err := ebay.New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	s.Connector = connector
	return s
}

func locationWise(c *channel.Config) { c.Channel.Spec.Mode = inventoryv1alpha1.LocationWise }

func item(sku string, quantity int64) channel.Item {
	return channel.Item{SKU: sku, Quantity: quantity, LocationCode: "WH1", LocationQuantity: quantity}
}

func consolidated(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.Consolidated, Items: items, IdempotencyKey: "job-0"}
}

func byLocation(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.LocationWise, Items: items, IdempotencyKey: "job-0"}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change func(*channel.Config)
		want   channel.Limits
	}{
		"consolidated":  {nil, channel.Limits{BatchSize: 25, MaxParallel: 4, Patience: channel.MaxPatience}},
		"location-wise": {locationWise, channel.Limits{BatchSize: 25, MaxParallel: 1, Patience: channel.MaxPatience}},
		"smaller": {
			func(c *channel.Config) { c.Channel.Spec.BatchSize = 1 },
			channel.Limits{BatchSize: 1, MaxParallel: 4, Patience: channel.MaxPatience},
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, open(t, tc.change).Limits()); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*channel.Config)
		wantReason string
		wantWords  string
	}{
		"no configuration": {func(c *channel.Config) { c.Channel.Spec.EBay = nil }, "InvalidSpec", "spec.ebay"},
		"no Secret":        {func(c *channel.Config) { c.Credentials = nil }, "InvalidCredentials", "the key"},
		"empty key":        {func(c *channel.Config) { c.Credentials["refreshToken"] = []byte("\n") }, "InvalidCredentials", `"refreshToken"`},
		"bad transport":    {func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate", "ca.crt"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("http://127.0.0.1:1")
			tc.change(&cfg)
			_, err := ebay.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.wantReason)
			if e := channel.AsError(err); !strings.Contains(e.Message, tc.wantWords) || strings.Contains(e.Message, ebaytest.ClientSecret) {
				t.Errorf("message %q, want %q and no secret", e.Message, tc.wantWords)
			}
		})
	}
}

// TestLanguage is a language that eBay does not know: a bad header is no fault of a SKU.
func TestLanguage(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *channel.Config) { c.Channel.Spec.EBay.Language = "tlh" })
	s.Know("A")
	_, err := s.Push(t.Context(), consolidated(item("A", 1)))
	contract.WantError(t, err, channel.Terminal, "InvalidLanguage")
	contract.WantError(t, s.Probe(t.Context()), channel.Terminal, "InvalidLanguage")
}

func TestTokens(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Now())
	s := open(t, func(c *channel.Config) { c.Clock = clock })
	steps := []struct {
		name string
		do   func()
		want int
	}{
		{"first use", func() {}, 1},
		{"again", func() {}, 1},
		{"shortly before the end", func() { clock.Step(2*time.Hour - 30*time.Second) }, 2},
		{"revoked", s.ExpireToken, 3},
	}
	for _, step := range steps {
		step.do()
		if err := s.Probe(t.Context()); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := s.TokensIssued(); got != step.want {
			t.Errorf("%s: %d tokens, want %d", step.name, got, step.want)
		}
	}
}

// TestConsentWithdrawn is a refresh token that eBay takes no more: it says so by a 400, which must not
// park SKUs.
func TestConsentWithdrawn(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.Know("A")
	s.Deny(true)
	_, err := s.Push(t.Context(), consolidated(item("A", 1)))
	contract.WantError(t, err, channel.Unauthorized, "TokenRefused")
}

// TestQuota is a daily quota that is used up: the answer does not say until when.
func TestQuota(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 7, 20, 0, 0, time.UTC)
	cases := map[string]struct {
		reset  time.Time
		broken bool
		want   time.Duration
	}{
		"soon":      {reset: now.Add(10 * time.Minute), want: 10 * time.Minute},
		"tomorrow":  {reset: now.Add(23 * time.Hour), want: time.Hour},
		"past":      {reset: now.Add(-time.Minute), want: 0},
		"not known": {reset: now.Add(10 * time.Minute), broken: true, want: 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(c *channel.Config) { c.Clock = clocktesting.NewFakeClock(now) })
			s.Know("A")
			s.UseUpQuota(tc.reset)
			if tc.broken {
				s.Answer("/developer/analytics/v1_beta/user_rate_limit/", ebaytest.Refused(http.StatusInternalServerError))
			}
			_, err := s.Push(t.Context(), consolidated(item("A", 1)))
			contract.WantError(t, err, channel.Throttled, "Throttled")
			if e := channel.AsError(err); e.RetryAfter != tc.want {
				t.Errorf("pause %v, want %v", e.RetryAfter, tc.want)
			}
		})
	}
}

// TestNoFaultOfASKU are answers that blame no SKU, whatever their status: none must be parked.
func TestNoFaultOfASKU(t *testing.T) {
	t.Parallel()
	gateway := ebaytest.Fault{ErrorID: 2002, Domain: "ACCESS", Category: "REQUEST", Message: "Resource not found"}
	system := ebaytest.Fault{ErrorID: 25001, Domain: "API_INVENTORY", Category: "APPLICATION", Message: "A system error has occurred."}
	cases := map[string]struct {
		path   string
		status int
		fault  ebaytest.Fault
	}{
		"no such address":          {ebaytest.ItemsPath, http.StatusNotFound, gateway},
		"a gateway that refuses":   {ebaytest.UpdatePath, http.StatusBadRequest, gateway},
		"eBay's fault, in reading": {ebaytest.ItemsPath, http.StatusBadRequest, system},
		"eBay's fault, in offers":  {ebaytest.OffersPath, http.StatusBadRequest, system},
		"eBay's fault, in writing": {ebaytest.UpdatePath, http.StatusBadRequest, system},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.Know("A")
			s.Answer(tc.path, ebaytest.Refused(tc.status, tc.fault))
			_, err := s.Push(t.Context(), consolidated(item("A", 1)))
			if e := channel.AsError(err); e == nil || e.Class != channel.Retry {
				t.Errorf("error %+v, want class %s", e, channel.Retry)
			}
		})
	}
}
