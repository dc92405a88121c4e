package omnitest_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/channel/omni/omnitest"
)

// call makes a request and returns its status and body.
func call(t *testing.T, h http.Handler, method, body string, header ...string) (int, string) {
	t.Helper()
	req := httptest.NewRequest(method, "/any/path", strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, strings.TrimSpace(string(raw))
}

func TestCalls(t *testing.T) {
	t.Parallel()
	const location = `{"locationCode":"L","inventories":[{"channelSkuCode":"A","quantity":1},{"channelSkuCode":"BAD","quantity":2},{"channelSkuCode":"C"},{"channelSkuCode":"D","quantity":-1}]}`
	const sums = `{"consolidationType":"ALL","inventories":[` +
		`{"channelSkuCode":"A","consolidatedQuantity":5,"quantity":1,"locationCode":"L","consolidationType":"ALL"},` +
		`{"channelSkuCode":"B","quantity":1,"locationCode":"L","consolidationType":"ALL"},` +
		`{"channelSkuCode":"C","consolidatedQuantity":5,"quantity":1}]}`
	cases := map[string]struct {
		style      omnitest.ListStyle
		method     string
		body       string
		header     []string
		wantStatus int
		wantBody   string // none is not looked at
		want       map[omnitest.LocationSKU]int64
	}{
		"location-wise": {
			body: location, wantStatus: 200,
			wantBody: `{"failureList":["BAD","C","D"],"successList":["A"]}`,
			want:     map[omnitest.LocationSKU]int64{{LocationCode: "L", SKU: "A"}: 1},
		},
		"consolidated": {
			body: sums, wantStatus: 200,
			wantBody: `{"failureList":[{"channelSkuCode":"B","quantity":1,"locationCode":"L","consolidationType":"ALL"},{"channelSkuCode":"C","quantity":1,"consolidatedQuantity":5}],` +
				`"successList":[{"channelSkuCode":"A","quantity":1,"consolidatedQuantity":5,"locationCode":"L","consolidationType":"ALL"}]}`,
			want: map[omnitest.LocationSKU]int64{{SKU: "A"}: 5},
		},
		"consolidated, strings":  {style: omnitest.StringLists, body: sums, wantStatus: 200, wantBody: `{"failureList":["B","C"],"successList":["A"]}`, want: map[omnitest.LocationSKU]int64{{SKU: "A"}: 5}},
		"location-wise, no body": {style: omnitest.NoLists, body: location, wantStatus: 200, want: map[omnitest.LocationSKU]int64{{LocationCode: "L", SKU: "A"}: 1}},
		"options":                {method: http.MethodOptions, wantStatus: 204},
		"no credentials to give": {method: http.MethodGet, wantStatus: 404},
		"other method":           {method: http.MethodPost, body: location, wantStatus: 405},
		"no JSON":                {body: "{", wantStatus: 400},
		"both shapes":            {body: `{"locationCode":"L","consolidationType":"ALL","inventories":[{}]}`, wantStatus: 400},
		"neither shape":          {body: `{"inventories":[{}]}`, wantStatus: 400},
		"no items":               {body: `{"locationCode":"L","inventories":[]}`, wantStatus: 400},
		"other media type":       {body: location, header: []string{"Content-Type", "text/plain"}, wantStatus: 415},
		"too large":              {body: `"` + strings.Repeat("x", 9<<20) + `"`, wantStatus: 400},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := omnitest.New()
			r.List(tc.style)
			r.Fail("BAD", "OTHER")
			r.Heal("OTHER")
			method := tc.method
			if method == "" {
				method = http.MethodPut
			}
			status, body := call(t, r, method, tc.body, tc.header...)
			if status != tc.wantStatus || tc.wantBody != "" && body != tc.wantBody {
				t.Errorf("answer %d %s, want %d %s", status, body, tc.wantStatus, tc.wantBody)
			}
			if tc.style == omnitest.NoLists && body != "" {
				t.Errorf("answer %q, want none", body)
			}
			got := map[omnitest.LocationSKU]int64{}
			for at, stock := range r.Quantities() {
				got[at] = stock.Quantity
			}
			if tc.want == nil {
				tc.want = map[omnitest.LocationSKU]int64{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("quantities (-want +got):\n%s", diff)
			}
		})
	}
}

func quantity(sku string, q int) string {
	return fmt.Sprintf(`{"locationCode":"L","inventories":[{"channelSkuCode":%q,"quantity":%d}]}`, sku, q)
}

func TestTimeOfChange(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	clock := clocktesting.NewFakeClock(start)
	r := omnitest.NewWithClock(clock)
	var changes []string
	r.OnChange(func(p omnitest.LocationSKU, s omnitest.Stock) {
		changes = append(changes, fmt.Sprint(p.LocationCode, p.SKU, s.Quantity, s.Changed.Sub(start)))
	})
	for _, q := range []int{1, 1, 2} {
		call(t, r, http.MethodPut, quantity("A", q))
		clock.Step(time.Minute)
	}
	if diff := cmp.Diff([]string{"LA1 0s", "LA2 2m0s"}, changes); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got := len(r.Calls()); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
	want := map[omnitest.LocationSKU]omnitest.Stock{{LocationCode: "L", SKU: "A"}: {Quantity: 2, Changed: start.Add(2 * time.Minute)}}
	if diff := cmp.Diff(want, r.Quantities()); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	r := omnitest.New()
	r.Require(http.Header{"X-Key": {"k"}})
	r.IssueTokens("Authorization")
	key := []string{"X-Key", "k"}
	steps := []struct {
		name       string
		method     string
		header     []string
		wantStatus int
	}{
		{"no token was issued", http.MethodPut, key, 401},
		{"Get Credential wants the key", http.MethodGet, nil, 401},
		{"Get Credential", http.MethodGet, key, 200},
		{"token without key", http.MethodPut, []string{"Authorization", "Bearer token-1"}, 401},
		{"token and key", http.MethodPut, append(key, "Authorization", "Bearer token-1"), 200},
		{"options", http.MethodOptions, append(key, "Authorization", "Bearer token-1"), 204},
		{"Get Credential again", http.MethodGet, key, 200},
		{"old token", http.MethodPut, append(key, "Authorization", "Bearer token-1"), 401},
		{"new token", http.MethodPut, append(key, "Authorization", "Bearer token-2"), 200},
	}
	for _, step := range steps {
		if status, body := call(t, r, step.method, quantity("A", 1), step.header...); status != step.wantStatus {
			t.Errorf("%s: %d %s, want %d", step.name, status, body, step.wantStatus)
		}
	}
	r.ExpireToken()
	if status, _ := call(t, r, http.MethodPut, quantity("A", 1), append(key, "Authorization", "Bearer token-2")...); status != 401 {
		t.Errorf("expired token: %d, want 401", status)
	}
	if got := len(r.Calls()); got != 2 {
		t.Errorf("%d calls, want those with the right credentials", got)
	}
}

func TestHold(t *testing.T) {
	t.Parallel()
	r := omnitest.New()
	arrived := make(chan omnitest.Call, 1)
	r.OnCall(func(c omnitest.Call) { arrived <- c })
	release := r.Hold(nil)
	var running sync.WaitGroup
	running.Go(func() { call(t, r, http.MethodPut, quantity("A", 1)) })
	if c := <-arrived; c.LocationCode != "L" || c.Items[0].ChannelSKUCode != "A" {
		t.Errorf("call %+v", c)
	}
	if _, told := r.Quantity("L", "A"); told {
		t.Error("a call that is held has taken effect")
	}
	release()
	release() // does no harm
	running.Wait()
	call(t, r, http.MethodPut, quantity("B", 2)) // is not held any more
	if a, _ := r.Quantity("L", "A"); a != 1 {
		t.Errorf("quantity %d after the release, want 1", a)
	}
	if b, _ := r.Quantity("L", "B"); b != 2 {
		t.Errorf("quantity %d after the release, want 2", b)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	r := omnitest.New()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	put := func(q int) (*http.Response, error) {
		req, err := http.NewRequest(http.MethodPut, server.URL, strings.NewReader(quantity("A", q)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		answer, err := server.Client().Do(req)
		if err == nil {
			t.Cleanup(func() { _ = answer.Body.Close() })
		}
		return answer, err
	}
	r.Answer("", omnitest.Throttled(90*time.Second))
	if answer, err := put(1); err != nil || answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "90" {
		t.Errorf("throttled: %+v, %v", answer, err)
	}
	if _, told := r.Quantity("L", "A"); told {
		t.Error("a call that was refused has taken effect")
	}
	r.Answer("", nil)
	r.LoseAnswers(true)
	if answer, err := put(2); err == nil {
		t.Errorf("answer %+v, want none", answer)
	}
	if got, _ := r.Quantity("L", "A"); got != 2 {
		t.Errorf("quantity %d, want that of the call whose answer was lost", got)
	}
	r.LoseAnswers(false)
	if answer, err := put(3); err != nil || answer.StatusCode != 200 {
		t.Errorf("answer %+v, %v", answer, err)
	}
}
