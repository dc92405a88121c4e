package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
)

// collector is a target that remembers.
type collector struct {
	mu      sync.Mutex
	batches int
	err     error
}

func (c *collector) send(context.Context, batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.batches++
	return c.err
}

func TestDriverSendsEverything(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]*Load{
		"as fast as answers come": {Order: Random, Catalogue: 100, BatchSKUs: 3, Senders: 4, Locations: 1, Batches: 50},
		"when they are due":       {Order: Random, Catalogue: 100, BatchSKUs: 3, Senders: 4, Locations: 1, BatchesPerSecond: 1000},
		"a feed":                  {Order: Sorted, Catalogue: 150, BatchSKUs: 3, Senders: 4, Locations: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l.Duration.Duration = 50 * time.Millisecond
			var due []time.Time
			var mu sync.Mutex
			into := &collector{}
			d := driver{clock: clock.RealClock{}, target: into, sending: func(_ batch, at time.Time) {
				mu.Lock()
				defer mu.Unlock()
				due = append(due, at)
			}}
			out, err := d.run(t.Context(), l, newGenerator(l, 1, 0, 0))
			if err != nil {
				t.Fatal(err)
			}
			got := []int64{out.batches, out.skus, out.latency.count(), int64(into.batches), int64(len(due))}
			if diff := cmp.Diff([]int64{50, 150, 50, 50, 50}, got); diff != "" {
				t.Errorf("batches, SKUs, latencies, received, noted (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDueTimesAreAnIdealClockwork has one sender that is always late: latency counts from when batches were due.
func TestDueTimesAreAnIdealClockwork(t *testing.T) {
	t.Parallel()
	l := &Load{Order: Random, Catalogue: 100, BatchSKUs: 1, Senders: 1, Locations: 1, BatchesPerSecond: 200}
	l.Duration.Duration = 100 * time.Millisecond
	var due []time.Time
	d := driver{clock: clock.RealClock{}, target: &collector{}, sending: func(_ batch, at time.Time) { due = append(due, at) }}
	if _, err := d.run(t.Context(), l, newGenerator(l, 1, 0, 0)); err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(due); i++ {
		if gap := due[i].Sub(due[i-1]); gap < 4999*time.Microsecond || gap > 5001*time.Microsecond {
			t.Errorf("batch %d was due %s after the one before, want 5ms", i, gap)
		}
	}
}

func TestDriverStopsAtAnError(t *testing.T) {
	t.Parallel()
	broken := errors.New("no etcd")
	l := &Load{Order: Random, Catalogue: 100, BatchSKUs: 3, Senders: 4, Locations: 1, BatchesPerSecond: 1000}
	l.Duration.Duration = time.Hour
	d := driver{clock: clock.RealClock{}, target: &collector{err: broken}}
	if _, err := d.run(t.Context(), l, newGenerator(l, 1, 0, 0)); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
}

func TestIngressTarget(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answers []string // status, and body or Retry-After
		want    string   // of the error
		refused int64
	}{
		"stored":                {answers: []string{"200", `{"failures":[]}`}},
		"a failed SKU":          {answers: []string{"200", `{"failures":[{"code":"X"}]}`}, want: "failed SKUs"},
		"patience":              {answers: []string{"503", "1", "200", `{"failures":[]}`}, refused: 1},
		"patience without time": {answers: []string{"429", ""}, want: "Retry-After"},
		"an error":              {answers: []string{"500", "oh"}, want: "500"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := tc.answers
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if user, pass, _ := r.BasicAuth(); user != "tenant-0" || pass != password || r.Method != http.MethodPut {
					t.Errorf("%s as %s", r.Method, user)
				}
				status, text := left[0], left[1]
				left = left[2:]
				switch status {
				case "200":
					_, _ = w.Write([]byte(text))
				case "500":
					http.Error(w, text, http.StatusInternalServerError)
				default:
					w.Header().Set("Retry-After", text)
					w.WriteHeader(map[string]int{"429": 429, "503": 503}[status])
				}
			}))
			defer server.Close()
			target := newIngressTarget(clock.RealClock{}, [][]string{{server.URL}}, 1)
			defer target.close()
			err := target.send(t.Context(), batch{skus: []string{"A"}})
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got error %v, want one with %q", err, tc.want)
			}
			if got := target.refused.Load(); got != tc.refused || len(left) > 0 {
				t.Errorf("refused %d times with %d answers left, want %d and 0", got, len(left)/2, tc.refused)
			}
		})
	}
}

func TestReceiver(t *testing.T) {
	t.Parallel()
	tr := newTracker(2)
	tr.sending(batch{locationIndex{0, 0}, []string{"A"}, 5}, time.Now())
	r, err := startReceiver(t.Context(), clock.RealClock{}, tr)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	for channel, body := range []string{
		`{"locationCode":"L","inventories":[{"channelSkuCode":"A","quantity":5}]}`,
		`{"consolidationType":"ALL","inventories":[{"channelSkuCode":"A","quantity":1,"consolidatedQuantity":5}]}`,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, r.url(channel), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Errorf("channel %d: %s", channel, answer.Status)
		}
	}
	if got := tr.waiting(); got != 0 {
		t.Errorf("%d quantities are still under way", got)
	}
}
