package amazon_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/amazon/amazontest"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

// TestStopMidway has the second of three patches fail as a call: what is known of the first counts.
func TestStopMidway(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status   int
		want     string
		wantWait time.Duration
	}{
		"throttled":    {http.StatusTooManyRequests, "Throttled Throttled", 200 * time.Millisecond},
		"broken":       {http.StatusServiceUnavailable, "Retry Status503", 0},
		"no role":      {http.StatusForbidden, "Retry Unauthorized", 0}, // the next call stops the channel
		"refused item": {http.StatusBadRequest, "Rejected Status400", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/B") {
					refusal(tc.status, "SomeCode", "").ServeHTTP(w, r)
					return
				}
				server.ServeHTTP(w, r)
			}, nil)
			s.know("A", "B", "C")
			b := batch(items("A", "B", "C")...)
			result, err := s.Push(t.Context(), b)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]string{"B": tc.want, "C": tc.want}
			if tc.status == http.StatusBadRequest { // it is about the SKU: the others go on
				delete(want, "C")
			}
			if diff := cmp.Diff(want, contract.ReasonsBySKU(b, result.Failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			if got := result.Failures[1].RetryAfter; got != tc.wantWait {
				t.Errorf("pause %v, want %v", got, tc.wantWait)
			}
		})
	}
}

// TestStopAtOnce has the first call fail: that is a failure of the whole.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t, func(a *inventoryv1alpha1.AmazonChannel) { a.UnknownSKUs = inventoryv1alpha1.CreateUnknownSKUs })
	s.Answer("", refusal(http.StatusForbidden, "Unauthorized", ""))
	_, err := s.Push(t.Context(), batch(items("A", "B")...))
	wantError(t, err, channel.Unauthorized, "Unauthorized")
}

// TestRates checks that calls keep to the rate of the model, and to another that Amazon grants.
func TestRates(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		granted  string
		least    time.Duration // that ten patches take
		atMost   time.Duration
		wantWait time.Duration // for the next one, where Amazon refuses an eleventh
	}{
		"of the model":  {"", 990 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond}, // five at once, then five a second
		"less":          {"0.5", 9 * time.Second, 11 * time.Second, 2 * time.Second},
		"more":          {"50", 0, time.Second, 20 * time.Millisecond},
		"no number":     {"much", 990 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
		"none at all":   {"0", 990 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
		"not a number":  {"NaN", 990 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
		"without limit": {"Inf", 990 * time.Millisecond, 2 * time.Second, 200 * time.Millisecond},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var refuse atomic.Bool
			s := openBehind(t, func(server *amazontest.Server, w http.ResponseWriter, r *http.Request) {
				switch {
				case r.Method != http.MethodPatch:
					server.ServeHTTP(w, r)
				case refuse.Load():
					refusal(http.StatusTooManyRequests, "QuotaExceeded", "").ServeHTTP(w, r)
				default:
					w.Header().Set("x-amzn-RateLimit-Limit", tc.granted)
					_, _ = w.Write([]byte(`{"status":"ACCEPTED"}`))
				}
			}, func(a *inventoryv1alpha1.AmazonChannel) { a.UnknownSKUs = inventoryv1alpha1.CreateUnknownSKUs })
			if got := s.push(t, items("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")...); len(got) > 0 {
				t.Fatalf("failures %v", got)
			}
			if got := s.clock.skip(); got < tc.least || got > tc.atMost {
				t.Errorf("waited for %v, want %v to %v", got, tc.least, tc.atMost)
			}
			refuse.Store(true)
			_, err := s.Push(t.Context(), batch(item("A", 1)))
			wantError(t, err, channel.Throttled, "Throttled")
			if got := channel.AsError(err).RetryAfter; got != tc.wantWait {
				t.Errorf("pause %v, want %v", got, tc.wantWait)
			}
		})
	}
}

// skip is how long waits would have taken.
func (c *hastyClock) skip() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.skipped
}
