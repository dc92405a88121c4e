package channel

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	cases := map[int]struct {
		wantClass  Class
		wantReason Reason
	}{
		304: {Retry, "Status304"},
		400: {Rejected, "Status400"},
		401: {Unauthorized, "Unauthorized"},
		403: {Unauthorized, "Unauthorized"},
		404: {Retry, "Status404"},
		405: {Retry, "Status405"},
		407: {Unauthorized, "Unauthorized"},
		408: {Retry, "Status408"},
		409: {Rejected, "Status409"},
		410: {Retry, "Status410"},
		413: {Rejected, "Status413"},
		415: {Retry, "Status415"},
		422: {Rejected, "Status422"},
		425: {Retry, "Status425"},
		429: {Throttled, "Throttled"},
		500: {Retry, "Status500"},
		503: {Retry, "Status503"},
		599: {Retry, "Status599"},
	}
	for status, tc := range cases {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			class, reason := classify(status)
			if class != tc.wantClass || reason != tc.wantReason {
				t.Errorf("classify(%d) = %s, %s, want %s, %s", status, class, reason, tc.wantClass, tc.wantReason)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	client := &HTTPClient{clock: clocktesting.NewFakePassiveClock(now)}
	cases := map[string]time.Duration{
		"":                                0,
		"0":                               0,
		"30":                              30 * time.Second,
		"3600":                            time.Hour,
		"3601":                            maxRetryAfter,
		"99999999999999999999999":         maxRetryAfter,
		"-5":                              0,
		"soon":                            0,
		now.Format(http.TimeFormat):       0,
		"Tue, 24 Nov 2026 12:01:30 GMT":   90 * time.Second,
		"Tue, 24 Nov 2026 11:00:00 GMT":   0,
		"Wed, 25 Nov 2026 12:00:00 GMT":   maxRetryAfter,
		"Tuesday, 24-Nov-26 12:00:10 GMT": 10 * time.Second, // the obsolete form of RFC 850
	}
	for value, want := range cases {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			if got := client.retryAfter(value); got != want {
				t.Errorf("retryAfter(%q) = %v, want %v", value, got, want)
			}
		})
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, seed := range []string{"", "30", "1e9", "NaN", "Tue, 24 Nov 2026 12:01:30 GMT", "18446744073709551616"} {
		f.Add(seed)
	}
	client := &HTTPClient{clock: clocktesting.NewFakePassiveClock(time.Unix(0, 0))}
	f.Fuzz(func(t *testing.T, value string) {
		if got := client.retryAfter(value); got < 0 || got > maxRetryAfter {
			t.Errorf("retryAfter(%q) = %v", value, got)
		}
	})
}
