package walmart_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/walmart/walmarttest"
)

func TestWhatWalmartRefuses(t *testing.T) {
	t.Parallel()
	data := func(code string) walmarttest.Fault {
		return walmarttest.Fault{Code: code + ".GMP_INVENTORY_API", Category: "DATA", Severity: "ERROR", Description: "no"}
	}
	cases := map[string]struct {
		answer http.Handler
		want   string // of the item; empty for an error of the call
		class  channel.Class
	}{
		"bad parameter":      {answer: walmarttest.Refused(400, data("INVALID_REQUEST_PARAM")), want: "Rejected InvalidRequestParam"},
		"not there":          {answer: walmarttest.Refused(404, data("CONTENT_NOT_FOUND")), want: "Unmapped UnknownSKU"},
		"flat list":          {answer: fakeserver.Status(400, `{"errors":[{"code":"CONTENT_NOT_FOUND","description":"x"}]}`), want: "Unmapped UnknownSKU"},
		"one error":          {answer: fakeserver.Status(404, `{"error":{"code":"CONTENT_NOT_FOUND"}}`), want: "Unmapped UnknownSKU"},
		"their fault":        {answer: fakeserver.Status(400, `{"error":[{"code":"DB_LOCK","category":"SYSTEM"}]}`), want: "Retry DbLock"},
		"odd code":           {answer: fakeserver.Status(400, `{"error":[{"code":"400"}]}`), want: "Rejected RefusedByChannel"},
		"bad header":         {answer: walmarttest.Refused(400, data("INVALID_REQUEST_HEADER")), class: channel.Terminal},
		"wrong address":      {answer: walmarttest.Refused(404, data("URI_NOT_FOUND")), class: channel.Retry},
		"somebody's 404":     {answer: fakeserver.Status(404, `<html>`), class: channel.Retry},
		"no errors in a 404": {answer: fakeserver.Status(404, `{"error":"gone"}`), class: channel.Retry},
		"forbidden":          {answer: walmarttest.Refused(403, data("FORBIDDEN")), class: channel.Unauthorized},
		"another SKU":        {answer: fakeserver.Status(200, `{"sku":"B","quantity":{"unit":"EACH","amount":1}}`), want: "Unconfirmed NotConfirmed"},
		"another quantity":   {answer: fakeserver.Status(200, `{"sku":"A","quantity":{"unit":"EACH","amount":2}}`), want: "Unconfirmed NotConfirmed"},
		"decimals":           {answer: fakeserver.Status(200, `{"sku":"A","quantity":{"unit":"EACH","amount":1.0}}`), want: "success"},
		"cut":                {answer: fakeserver.Status(200, `{"sku":"A"`), class: channel.Retry},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil).know("A")
			s.Answer("/v3/inventory", tc.answer)
			result, err := s.Push(t.Context(), consolidated(item("A", 1)))
			if tc.want == "" {
				if e := channel.AsError(err); e == nil || e.Class != tc.class {
					t.Errorf("%+v, %v, want class %s", result, err, tc.class)
				}
				return
			}
			if err != nil {
				t.Fatalf("Push: %v", err)
			}
			want := map[int]string{0: tc.want}
			if tc.want == "success" {
				want = map[int]string{}
			}
			if diff := cmp.Diff(want, contract.Reasons(result.Failures)); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}

// TestNodes has a node that does not exist: the others must be set, however Walmart says so.
func TestNodes(t *testing.T) {
	t.Parallel()
	for name, wholeCall := range map[string]bool{"failure of the node": false, "failure of the request": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, nil).know("A", "B")
			s.Nodes("N1", "N3")
			s.Apply(walmarttest.Rules{WholeCall: wholeCall})
			s.wants(t, "push", byNode(contract.At("N1", "A", 1), contract.At("N2", "A", 2), contract.At("N3", "A", 3), contract.At("N1", "B", 4)), map[int]string{1: "Unmapped UnknownShipNode"})
			want := map[walmarttest.NodeSKU]int64{{Node: "N1", SKU: "A"}: 1, {Node: "N3", SKU: "A"}: 3, {Node: "N1", SKU: "B"}: 4}
			if diff := cmp.Diff(want, s.Stock()); diff != "" {
				t.Errorf("stock (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSKUOfDots(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.wants(t, "push", byNode(contract.At("N1", "..", 1), contract.At("N1", ".", 1), contract.At("N1", "", 1)),
		map[int]string{0: "Unmapped UnknownSKU", 1: "Unmapped UnknownSKU", 2: "Unmapped UnknownSKU"})
	if got := s.changes(); len(got) > 0 {
		t.Errorf("requests %q", got)
	}
}

// TestAllotmentUsedUp stops where the allotment ends: what was confirmed is not sent again, and the rest waits as
// long as Walmart says.
func TestAllotmentUsedUp(t *testing.T) {
	t.Parallel()
	s := open(t, nil).know("A", "B", "C", "D", "E", "F")
	s.Allot(4, s.clock.Now().Add(10*time.Minute))
	result, err := s.Push(t.Context(), consolidated(item("A", 1), item("B", 1), item("C", 1), item("D", 1), item("E", 1), item("F", 1)))
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	if len(result.Failures) != 2 || len(s.Stock()) != 4 {
		t.Errorf("%d failures, %d set, want 2 and 4", len(result.Failures), len(s.Stock()))
	}
	for i, e := range result.Failures {
		// Walmart tells whole milliseconds.
		if e.Class != channel.Throttled || e.RetryAfter.Round(time.Second) != 10*time.Minute {
			t.Errorf("item %d: %s, pause %v, want %s and 10m", i, e.Class, e.RetryAfter, channel.Throttled)
		}
	}
	_, err = s.Push(t.Context(), consolidated(item("A", 2)))
	contract.WantError(t, err, channel.Throttled, "Throttled")
	if pause := channel.AsError(err).RetryAfter.Round(time.Second); pause != 10*time.Minute {
		t.Errorf("pause %v, want 10m", pause)
	}
}

// TestShortWait waits within a push where the allotment is replenished soon.
func TestShortWait(t *testing.T) {
	t.Parallel()
	s := open(t, nil).know("A", "B")
	s.Allot(1, s.clock.Now().Add(20*time.Second))
	s.wants(t, "the last one", consolidated(item("A", 1)), map[int]string{})
	s.Allot(1, s.clock.Now().Add(time.Hour))
	began := s.clock.Now()
	result, err := s.pushLong(t, consolidated(item("B", 1)))
	if err != nil || len(result.Failures) > 0 {
		t.Fatalf("Push: %+v, %v", result, err)
	}
	if waited := s.clock.Since(began); waited < 20*time.Second-time.Millisecond {
		t.Errorf("waited %v, want 20s", waited)
	}
}

// TestThrottledWithoutRetryAfter reads the pause from the other headers.
func TestThrottledWithoutRetryAfter(t *testing.T) {
	t.Parallel()
	s := open(t, nil).know("A")
	s.Allot(0, s.clock.Now().Add(7*time.Minute))
	_, err := s.Push(t.Context(), consolidated(item("A", 1)))
	contract.WantError(t, err, channel.Throttled, "Throttled")
	if pause := channel.AsError(err).RetryAfter.Round(time.Second); pause != 7*time.Minute {
		t.Errorf("pause %v, want 7m", pause)
	}
}

// TestBrokenHalfway keeps what was confirmed before Walmart broke, unless nothing more will work.
func TestBrokenHalfway(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]channel.Class{http.StatusServiceUnavailable: channel.Retry, http.StatusForbidden: channel.Unauthorized} {
		s := open(t, nil).know("A", "B")
		var calls atomic.Int32
		first := make(chan struct{})
		s.Answer("/v3/inventory", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) == 1 {
				defer close(first)
				fakeserver.Status(200, `{"sku":"`+r.URL.Query().Get("sku")+`","quantity":{"amount":1}}`).ServeHTTP(w, r)
				return
			}
			<-first
			walmarttest.Refused(status).ServeHTTP(w, r)
		}))
		result, err := s.Push(t.Context(), consolidated(item("A", 1), item("B", 1)))
		if want == channel.Unauthorized {
			contract.WantError(t, err, want, "Unauthorized")
			continue
		}
		if err != nil || len(result.Failures) != 1 {
			t.Fatalf("%d: %+v, %v, want one failure", status, result, err)
		}
		for _, e := range result.Failures {
			if e.Class != want {
				t.Errorf("%d: class %s, want %s", status, e.Class, want)
			}
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	reader := s.Connector.(channel.Reader)
	total := func(amount string) string {
		return `{"sku":"A","quantity":{"unit":"EACH","amount":` + amount + `}}`
	}
	nodes := `{"sku":"A","nodes":[{"shipNode":"N1","inputQty":{"amount":5},"availToSellQty":{"amount":3}},{"shipNode":"N2","errors":[{"code":"LOCKED","category":"SYSTEM"}]}]}`
	cases := []struct {
		name, body string
		batch      channel.Batch
		want       int64
		fails      string
	}{
		{"one node", total("9"), consolidated(item("A", 0)), 9, ""},
		{"negative", total("-2"), consolidated(item("A", 0)), -2, ""},
		{"a fraction", total("2.7"), consolidated(item("A", 0)), 3, ""}, // more than 2
		{"no quantity", `{"sku":"A"}`, consolidated(item("A", 0)), 0, "Retry InvalidAnswer"},
		{"another SKU", `{"sku":"B","quantity":{"amount":1}}`, consolidated(item("A", 0)), 0, "Retry InvalidAnswer"},
		{"what was input, not what is left", nodes, byNode(contract.At("N1", "A", 0)), 5, ""},
		{"not stocked at the node", nodes, byNode(contract.At("N3", "A", 0)), 0, ""},
		{"an error of the node", nodes, byNode(contract.At("N2", "A", 0)), 0, "Retry Locked"},
	}
	for _, tc := range cases {
		for _, path := range []string{"/v3/inventory", "/v3/inventories/A"} {
			s.Answer(path, fakeserver.Text(tc.body))
		}
		got, err := reader.Read(t.Context(), tc.batch)
		if err != nil {
			t.Fatalf("%s: %v", tc.name, err)
		}
		want, fails := map[int]int64{0: tc.want}, map[int]string{}
		if tc.fails != "" {
			want, fails = map[int]int64{}, map[int]string{0: tc.fails}
		}
		if diff := cmp.Diff(want, got.Quantities); diff != "" {
			t.Errorf("%s: quantities (-want +got):\n%s", tc.name, diff)
		}
		if diff := cmp.Diff(fails, contract.Reasons(got.Failures)); diff != "" {
			t.Errorf("%s: failures (-want +got):\n%s", tc.name, diff)
		}
	}
}
