package woocommerce_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/woocommerce/woocommercetest"
)

// TestCrashes has products over which PHP ends with an error, as plugins do.
func TestCrashes(t *testing.T) {
	t.Parallel()
	var all []string
	for i := range 40 {
		all = append(all, fmt.Sprintf("P-%d", i))
	}
	for name, tc := range map[string]struct {
		crashing []string
		want     []string // SKUs that are not confirmed
		wantErr  bool
		maxCalls int
	}{
		"none":                   {nil, nil, false, 1},
		"one":                    {[]string{"P-17"}, []string{"P-17"}, false, 13},
		"two":                    {[]string{"P-0", "P-39"}, []string{"P-0", "P-39"}, false, 23},
		"every one, given up at": {all, nil, true, 16},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			for _, sku := range all {
				s.simple(sku)
			}
			s.Crash(tc.crashing...)
			result, err := s.Push(t.Context(), batch(all...))
			if tc.wantErr {
				contract.WantError(t, err, channel.Retry, "ShopCrashed")
			} else if err != nil {
				t.Fatalf("Push: %v", err)
			}
			var failed []string
			for i, failure := range result.Failures {
				failed = append(failed, all[i])
				if failure.Class != channel.Unconfirmed || failure.Reason != "ShopCrashed" {
					t.Errorf("%s: %s/%s", all[i], failure.Class, failure.Reason)
				}
			}
			slices.Sort(failed)
			if diff := cmp.Diff(tc.want, failed); diff != "" {
				t.Errorf("not confirmed (-want +got):\n%s", diff)
			}
			if got := len(s.Calls()) - 1; got > tc.maxCalls { // one is the look-up
				t.Errorf("%d calls, want at most %d", got, tc.maxCalls)
			}
		})
	}
}

// TestCrashOverTheOnlyItem says nothing of the item: the shop may be broken.
func TestCrashOverTheOnlyItem(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.simple("A")
	s.Crash("A")
	_, err := s.Push(t.Context(), batch("A"))
	contract.WantError(t, err, channel.Retry, "ShopCrashed")
}

// TestCrashOfOneParent leaves the variations of others in peace.
func TestCrashOfOneParent(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, parent := range []string{"X", "Y"} {
		id := s.Add(woocommercetest.Product{Type: woocommercetest.Variable})
		s.Add(woocommercetest.Product{Type: woocommercetest.Variation, Parent: id, SKU: parent})
	}
	s.Crash("X")
	want := map[string]string{"X": "Unconfirmed/ShopCrashed", "Y": "2/true"}
	if diff := cmp.Diff(want, s.outcomes(t, batch("X", "Y"))); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// TestStatuses are those of the shop and of what stands before it.
func TestStatuses(t *testing.T) {
	t.Parallel()
	html := func(status int) http.Handler { return fakeserver.Status(status, "<html>", "Retry-After", "7") }
	wordPress := func(status int, code string) http.Handler {
		return woocommercetest.Fail(woocommercetest.Refusal{Code: code, Message: "No.", Status: status})
	}
	for name, tc := range map[string]struct {
		answer http.Handler
		class  channel.Class
		reason string
	}{
		"key without rights":             {wordPress(403, "woocommerce_rest_cannot_batch"), channel.Unauthorized, "Unauthorized"},
		"firewall of the host":           {html(403), channel.Retry, "BlockedByHost"},
		"password of a test site":        {html(401), channel.Unauthorized, "Unauthorized"},
		"throttled":                      {html(429), channel.Throttled, "Throttled"},
		"maintenance":                    {html(503), channel.Retry, "Status503"},
		"bad gateway":                    {html(502), channel.Retry, "Status502"},
		"gateway without patience":       {html(504), channel.Retry, string(channel.ReasonTimeout)},
		"other gateway without patience": {html(524), channel.Retry, string(channel.ReasonTimeout)},
		"no WooCommerce":                 {wordPress(404, "rest_no_route"), channel.Retry, "Status404"},
		"no permalinks":                  {html(404), channel.Retry, "Status404"},
		"error that is no crash":         {html(500), channel.Retry, "Status500"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil)
			s.simple("A")
			s.AnswerBy(func(woocommercetest.Call) http.Handler { return tc.answer })
			_, err := s.Push(t.Context(), batch("A"))
			contract.WantError(t, err, tc.class, tc.reason)
			if pause := channel.AsError(err).RetryAfter.Seconds(); pause != 0 && pause != 7 {
				t.Errorf("pause %v s", pause)
			}
			contract.WantError(t, s.Probe(t.Context()), tc.class, tc.reason)
		})
	}
}

// TestQuotedHeaderIsMasked has the shop quote what the key was sent as.
func TestQuotedHeaderIsMasked(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.simple("A")
	s.AnswerBy(func(woocommercetest.Call) http.Handler { return http.HandlerFunc(quote) })
	_, err := s.Push(t.Context(), batch("A"))
	contract.WantError(t, err, channel.Retry, "Status500")
	if message := err.Error(); strings.Contains(message, "Y2tf") || !strings.Contains(message, "***") {
		t.Errorf("message %q shows the header", message)
	}
}

// quote answers with the headers of a call.
func quote(w http.ResponseWriter, r *http.Request) {
	http.Error(w, fmt.Sprint(r.Header), http.StatusInternalServerError)
}
