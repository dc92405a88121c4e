package walmart

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func newConnector(t testing.TB) *connector {
	t.Helper()
	client, err := channel.NewHTTPClient(channel.Config{Channel: &inventoryv1alpha1.Channel{}, Clock: clock.RealClock{}})
	if err != nil {
		t.Fatal(err)
	}
	return &connector{http: client, clock: clock.RealClock{}, feeds: newFeeds()}
}

// TestNodeAnswers reads what Walmart answers with 200 about SKU A at the node N1.
func TestNodeAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ body, want string }{
		"success":             {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Success"}]}`, ""},
		"in capitals":         {`{"sku":"A","nodes":[{"shipNode":"N1","status":"SUCCESS","errors":[]}]}`, ""},
		"with a notice":       {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Success","errors":[{"code":"X","severity":"WARN"},{"code":"Y","severity":"INFO"}]}]}`, ""},
		"success with errors": {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Success","errors":[{"code":"X","severity":"ERROR"}]}]}`, "Rejected X"},
		"failure":             {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Failure","errors":[{"code":"INVALID_QTY","category":"DATA","description":"no"}]}]}`, "Rejected InvalidQty"},
		"errors in an object": {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Failure","errors":{"error":[{"code":"Y","category":"SYSTEM"}]}}]}`, "Retry Y"},
		"unknown node":        {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Failure","errors":[{"code":"Z","field":"shipNode","description":"not found"}]}]}`, "Unmapped UnknownShipNode"},
		"unknown SKU":         {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Failure","errors":[{"code":"SKU_NOT_FOUND"}]}]}`, "Unmapped UnknownSKU"},
		"without a reason":    {`{"sku":"A","nodes":[{"shipNode":"N1","status":"Failure"}]}`, "Unconfirmed RefusedByChannel"},
		"without a status":    {`{"sku":"A","nodes":[{"shipNode":"N1"}]}`, "Unconfirmed RefusedByChannel"},
		"of another node":     {`{"sku":"A","nodes":[{"shipNode":"N2","status":"Success"}]}`, "Unconfirmed NotConfirmed"},
		"of another SKU":      {`{"sku":"a","nodes":[{"shipNode":"N1","status":"Success"}]}`, "Unconfirmed NotConfirmed"},
		"empty":               {`{}`, "Unconfirmed NotConfirmed"},
	}
	g := group{sku: "A", items: []channel.Item{{SKU: "A", LocationCode: "N1"}}, index: []int{0}}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answer nodes
			if err := json.Unmarshal([]byte(tc.body), &answer); err != nil {
				t.Fatal(err)
			}
			got := ""
			if e := newConnector(t).nodeErrors(g, answer)[0]; e != nil {
				got = string(e.Class) + " " + string(e.Reason)
				if e.Message == "" {
					t.Error("no message")
				}
			}
			if got != tc.want {
				t.Errorf("%q, want %q", got, tc.want)
			}
		})
	}
}

// TestOutcome reads rows of a feed's report.
func TestOutcome(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		rows      string
		feedEnded bool
		wantEnded bool
		want      string
	}{
		"success":                      {`{"ingestionStatus":"SUCCESS"}`, false, true, ""},
		"success in small letters":     {`{"ingestionStatus":"success"}`, true, true, ""},
		"under way":                    {`{"ingestionStatus":"INPROGRESS"}`, false, false, ""},
		"under way when the feed ends": {`{"ingestionStatus":"INPROGRESS"}`, true, true, "Unconfirmed NotConfirmed"},
		"one node under way":           {`{"ingestionStatus":"SUCCESS"},{"ingestionStatus":"INPROGRESS"}`, false, false, ""},
		"one node failed":              {`{"ingestionStatus":"SUCCESS"},{"ingestionStatus":"DATA_ERROR","ingestionErrors":{"ingestionError":{"type":"DATA_ERROR","code":"X1","description":"no"}}}`, false, true, "Rejected X1"},
		"no row":                       {``, false, false, ""},
		"no row when the feed ends":    {``, true, true, "Unconfirmed NotConfirmed"},
		"error without a reason":       {`{"ingestionStatus":"ERROR"}`, false, true, "Unconfirmed RefusedByChannel"},
		"system":                       {`{"ingestionStatus":"SYSTEM_ERROR","ingestionErrors":null}`, false, true, "Retry SystemError"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var rows []feedItem
			if err := json.Unmarshal([]byte("["+tc.rows+"]"), &rows); err != nil {
				t.Fatal(err)
			}
			ended, e := newConnector(t).outcome(rows, tc.feedEnded)
			got := ""
			if e != nil {
				got = string(e.Class) + " " + string(e.Reason)
			}
			if ended != tc.wantEnded || got != tc.want {
				t.Errorf("ended %v, %q, want %v, %q", ended, got, tc.wantEnded, tc.want)
			}
		})
	}
}

func TestPause(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		header, value string
		want          time.Duration
	}{
		"milliseconds":   {"X-Next-Replenish-Time", "1795521690000", 90 * time.Second},
		"seconds":        {"X-Next-Replenishment-Time", "1795521690", 90 * time.Second},
		"a date":         {"X-Next-Replenishment-Time", "2026-11-24T12:01:30Z", 90 * time.Second},
		"past":           {"X-Next-Replenish-Time", "1795521000000", 0},
		"far":            {"X-Next-Replenish-Time", "9795521000000", time.Hour},
		"overflowing":    {"X-Next-Replenish-Time", "9223372036854775807", time.Hour},
		"nonsense":       {"X-Next-Replenish-Time", "soon", 0},
		"another header": {"X-Next", "1795521690000", 0},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &allotment{clock: clocktesting.NewFakeClock(now)}
			if got := p.pause(http.Header{tc.header: {tc.value}}); got != tc.want {
				t.Errorf("pause %v, want %v", got, tc.want)
			}
		})
	}
}

func TestReason(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]channel.Reason{
		"INVALID_REQUEST_PARAM": "InvalidRequestParam", "ERR-EXT 5": "ErrExt5", "": "RefusedByChannel", "12": "RefusedByChannel", "größe": "GrE",
	} {
		if diff := cmp.Diff(want, reasonOf(code)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", code, diff)
		}
	}
}

// FuzzNodes checks that no item is confirmed that the answer does not name.
func FuzzNodes(f *testing.F) {
	f.Add([]byte(`{"sku":"A","nodes":[{"shipNode":"N1","status":"Success"}]}`))
	f.Add([]byte(`{"sku":"A","nodes":[{"shipNode":"N1","status":"Failure","errors":{"error":{"code":"X"}},"inputQty":{"amount":"1"}}]}`))
	f.Add([]byte(`{"sku":"A","nodes":[null]}`))
	c := newConnector(f)
	g := group{sku: "A", items: []channel.Item{{SKU: "A", LocationCode: "N1"}}, index: []int{0}}
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer nodes
		if json.Unmarshal(body, &answer) != nil || c.nodeErrors(g, answer)[0] != nil {
			return
		}
		if n := answer.node("N1"); answer.SKU != "A" || n == nil || len(n.failure()) > 0 {
			t.Errorf("%q confirms the SKU", body)
		}
	})
}

// FuzzEcho checks that a total is confirmed by an answer only that names the SKU and the quantity.
func FuzzEcho(f *testing.F) {
	f.Add([]byte(`{"sku":"A","quantity":{"unit":"EACH","amount":7}}`))
	f.Add([]byte(`{"sku":"A","quantity":{"amount":"7"}}`))
	f.Add([]byte(`{"sku":"A","quantity":{"amount":7.5}}`))
	f.Add([]byte(`{"SKU":"B","quantity":null}`))
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer echo
		if json.Unmarshal(body, &answer) != nil || c.compare(total{"A", units(7)}, answer) != nil {
			return
		}
		if answer.SKU != "A" || !bytes.Contains(body, []byte("7")) {
			t.Errorf("%q confirms 7 of SKU A", body)
		}
	})
}

// FuzzFeedList checks that what is waited for can be asked about, and began in the past.
func FuzzFeedList(f *testing.F) {
	f.Add([]byte(`{"results":{"feed":[{"feedId":"F","feedType":"inventory","feedStatus":"INPROGRESS","feedDate":1795521690000}]}}`))
	f.Add([]byte(`{"results":{"feed":[{"feedId":"F","feedType":"MP_INVENTORY","feedStatus":"RECEIVED","feedDate":"2926-11-24T12:01:30Z"},{}]}}`))
	f.Add([]byte(`{"results":{"feed":[{"feedId":"","feedType":"INVENTORY"}]}}`))
	f.Add([]byte(`{"results":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var list feedList
		if json.Unmarshal(body, &list) != nil {
			return
		}
		c := newConnector(t)
		c.take(list.Results.Feed)
		seen := map[string]bool{}
		for _, open := range c.feeds.open {
			if open.id == "" || seen[open.id] || open.began.After(c.clock.Now()) {
				t.Errorf("%q: waits for feed %q since %s", body, open.id, open.began)
			}
			seen[open.id] = true
		}
	})
}

// FuzzFaults checks that errors in any shape can be shown.
func FuzzFaults(f *testing.F) {
	for _, seed := range []string{`[{"code":"A.B"}]`, `{"error":[{"code":"A"}]}`, `{"ingestionError":{"code":"A"}}`, `{"error":{"error":[]}}`, `null`, `"x"`, `7`} {
		f.Add([]byte(seed))
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		var all faults
		if json.Unmarshal(raw, &all) != nil {
			return
		}
		if e := c.itemError(http.StatusBadRequest, all); e.Reason == "" || len(e.Reason) > 64 {
			t.Errorf("%q: reason %q", raw, e.Reason)
		}
	})
}

// FuzzReport checks that a feed that has ended leaves nothing open, and that nothing succeeds that the
// report does not name.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"feedStatus":"PROCESSED","itemsReceived":1,"itemDetails":{"itemIngestionStatus":[{"sku":"A","ingestionStatus":"SUCCESS"}]}}`))
	f.Add([]byte(`{"feedStatus":"ERROR","ingestionErrors":{"ingestionError":[{"type":"DATA_ERROR"}]}}`))
	f.Add([]byte(`{"feedStatus":"INPROGRESS","itemDetails":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		r := &report{}
		if json.Unmarshal(body, r) != nil {
			return
		}
		c, at := newConnector(t), stockKey{sku: "A"}
		sentFeed := &feed{id: "F", items: map[stockKey]sent{at: {quantity: 1}}}
		c.feeds.open = []*feed{sentFeed}
		c.conclude(sentFeed, r)
		s := sentFeed.items[at]
		if r.ended() && (!s.ended || len(c.feeds.open) > 0) {
			t.Errorf("%q: the feed has ended, and the SKU has not", body)
		}
		named := false
		for _, row := range r.ItemDetails.Items {
			named = named || row.SKU == "A"
		}
		if s.ended && s.err == nil && !named {
			t.Errorf("%q confirms the SKU", body)
		}
	})
}

func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"1795521690000", "-1", "2026-11-24T12:01:30Z", `"1"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if at, ok := moment(text); !ok && !at.IsZero() {
			t.Errorf("%q: %v", text, at)
		}
	})
}
