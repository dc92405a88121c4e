package demo

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	testingclock "k8s.io/utils/clock/testing"
)

var start = time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)

func open(t *testing.T, name, file string) (*Channel, *testingclock.FakePassiveClock) {
	t.Helper()
	clock := testingclock.NewFakePassiveClock(start)
	c, err := Open(name, "LocationWise", "/"+name+"/inventories", file, clock)
	if err != nil {
		t.Fatal(err)
	}
	return c, clock
}

func put(h http.Handler, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPut, path, strings.NewReader(body)))
	return w
}

func TestCalls(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method, body string
		wantStatus   int
		wantBody     string // JSON, where the status is 200
		wantRows     []Row
	}{
		"location-wise": {
			body:       `{"locationCode":"wd003","inventories":[{"channelSkuCode":"A","quantity":3},{"channelSkuCode":"B","quantity":0}]}`,
			wantStatus: 200,
			wantBody:   `{"failureList":[],"successList":["A","B"]}`,
			wantRows:   []Row{{"wd003", "A", 3, start}, {"wd003", "B", 0, start}},
		},
		"consolidated: items are echoed, the consolidated quantity counts": {
			body: `{"consolidationType":"ALL","inventories":[{"channelSkuCode":"A","quantity":3,"consolidatedQuantity":8,"locationCode":"wd003"}]}`,
			wantBody: `{"failureList":[],"successList":[
				{"channelSkuCode":"A","quantity":3,"consolidatedQuantity":8,"locationCode":"wd003"}]}`,
			wantStatus: 200,
			wantRows:   []Row{{"", "A", 8, start}},
		},
		"bad items do not stop good ones": {
			body: `{"locationCode":"wd003","inventories":[{"channelSkuCode":"A"},{"channelSkuCode":"B","quantity":-1},
				{"quantity":1},{"channelSkuCode":"C","quantity":1.5},{"channelSkuCode":"D","quantity":4}]}`,
			wantStatus: 200,
			wantBody:   `{"failureList":["A","B","","C"],"successList":["D"]}`,
			wantRows:   []Row{{"wd003", "D", 4, start}},
		},
		"nothing to do":     {body: `{"locationCode":"wd003","inventories":[]}`, wantStatus: 200, wantBody: `{"failureList":[],"successList":[]}`},
		"not JSON":          {body: `{`, wantStatus: 400},
		"neither shape":     {body: `{"inventories":[]}`, wantStatus: 400},
		"another method":    {method: http.MethodPost, body: `{}`, wantStatus: 405},
		"a body over limit": {body: strings.Repeat(" ", maxBody) + "{}", wantStatus: 400},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, _ := open(t, "marketplace", filepath.Join(t.TempDir(), "memory.json"))
			w := httptest.NewRecorder()
			method := tc.method
			if method == "" {
				method = http.MethodPut
			}
			c.ServeHTTP(w, httptest.NewRequest(method, c.path, strings.NewReader(tc.body)))
			if w.Code != tc.wantStatus {
				t.Fatalf("got status %d, want %d: %s", w.Code, tc.wantStatus, w.Body)
			}
			if diff := cmp.Diff(tc.wantRows, c.View("").Rows, equateEmpty); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if tc.wantStatus != 200 {
				if !strings.Contains(w.Body.String(), `"hasError":true`) {
					t.Errorf("the error does not look as the standard's: %s", w.Body)
				}
				return
			}
			if diff := cmp.Diff(decode(t, tc.wantBody), decode(t, w.Body.String())); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

var equateEmpty = cmp.Transformer("empty", func(rows []Row) []Row { return append([]Row{}, rows...) })

func decode(t *testing.T, text string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// A channel that forgets what it confirmed would show less than was pushed: nothing is pushed twice.
func TestMemory(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "memory.json")
	c, clock := open(t, "marketplace", file)
	put(c, c.path, `{"locationCode":"wd003","inventories":[{"channelSkuCode":"A","quantity":3},{"channelSkuCode":"B","quantity":5}]}`)
	clock.SetTime(start.Add(time.Minute))
	put(c, c.path, `{"locationCode":"wd003","inventories":[{"channelSkuCode":"A","quantity":3},{"channelSkuCode":"B","quantity":6}]}`)

	again, _ := open(t, "marketplace", file)
	want := View{
		Name: "marketplace", Mode: "LocationWise", Path: "/marketplace/inventories",
		Calls: 2, LastCall: start.Add(time.Minute), SKUs: 2, Matches: 2,
		Rows: []Row{{"wd003", "B", 6, start.Add(time.Minute)}, {"wd003", "A", 3, start}}, // A did not change
	}
	if diff := cmp.Diff(want, again.View("")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDoesNotConfirmWhatItCannotRemember(t *testing.T) {
	t.Parallel()
	c, _ := open(t, "marketplace", filepath.Join(t.TempDir(), "no", "such", "folder", "memory.json"))
	w := put(c, c.path, `{"locationCode":"wd003","inventories":[{"channelSkuCode":"A","quantity":3}]}`)
	if w.Code != http.StatusInternalServerError {
		t.Errorf("got status %d, want 500", w.Code)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	market, _ := open(t, "marketplace", filepath.Join(dir, "a.json"))
	shop, _ := open(t, "webshop", filepath.Join(dir, "b.json"))
	h, err := Handler([]*Channel{market, shop})
	if err != nil {
		t.Fatal(err)
	}
	items := []string{`{"channelSkuCode":"<script>alert(1)</script>","quantity":1}`}
	for i := range MaxRows + 5 {
		items = append(items, fmt.Sprintf(`{"channelSkuCode":"item-%03d","quantity":7}`, i))
	}
	put(h, market.path, `{"locationCode":"wd003","inventories":[`+strings.Join(items, ",")+`]}`)
	get := func(target string) *httptest.ResponseRecorder {
		t.Helper()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, nil))
		if w.Code != http.StatusOK {
			t.Fatalf("GET %s: %d", target, w.Code)
		}
		return w
	}

	html := get("/").Body.String()
	if strings.Contains(html, "<script>alert") || !strings.Contains(html, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("a SKU is not escaped on the page")
	}
	for _, want := range []string{`data-channel="marketplace"`, `data-channel="webshop"`, "Nothing yet", "The latest 200 of 206."} {
		if !strings.Contains(html, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, asset := range []string{"/page.css", "/page.js"} {
		if get(asset).Body.Len() == 0 {
			t.Errorf("%s is empty", asset)
		}
	}

	var views []View
	if err := json.Unmarshal(get("/state.json?q=ITEM-02").Body.Bytes(), &views); err != nil {
		t.Fatal(err)
	}
	if len(views) != 2 || views[0].Calls != 1 || views[0].SKUs != MaxRows+6 || views[0].Matches != 10 || len(views[0].Rows) != 10 {
		t.Errorf("state.json does not filter: %+v", views)
	}
	if w := httptest.NewRecorder(); true {
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/page.go", nil))
		if w.Code != http.StatusNotFound {
			t.Errorf("/page.go: got status %d, want 404", w.Code)
		}
	}
}

func TestHandlerWantsPaths(t *testing.T) {
	t.Parallel()
	c, err := Open("broken", "LocationWise", "/", filepath.Join(t.TempDir(), "m.json"), testingclock.NewFakePassiveClock(start))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Handler([]*Channel{c}); err == nil || !strings.Contains(err.Error(), "broken") {
		t.Errorf("got error %v, want one that names the channel", err)
	}
}
