package webhook

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/webhook/commit"
)

// The specification's examples, as printed there.
const (
	specObject = `{ "locationCode": "wd003", "products": [ { "quantity": 40, "channelSkuCode":"ITEM302", } ] }`
	specArray  = "[   {     \"clientId\": 10000900,     \"clientSkuId\": \"SKU1\",     \"inventoryPoolId\": 0,     \"quantity\": 10,     \"fulfillmentLocationId\": 1000901   } ]"
)

type quantities = map[string]inventoryv1alpha1.Quantity

func to(location string, pool int64, q quantities) commit.Commit {
	return commit.Commit{
		Namespace: "ns", Sender: inventoryv1alpha1.BatchSender{Client: "acme", Credential: "old"},
		Stock: []inventoryv1alpha1.LocationStock{{
			LocationName: location, LocationUID: types.UID("ns/" + location), PoolID: pool, Quantities: q,
		}},
	}
}

// from has a commit come from another client, by another credential.
func from(c commit.Commit, client, credential string) commit.Commit {
	c.Sender = inventoryv1alpha1.BatchSender{Client: client, Credential: credential}
	return c
}

// anyRequestID leaves the ids of requests to other tests.
var anyRequestID = cmpopts.IgnoreFields(commit.Commit{}, "RequestID")

// and adds the stock of other commits to a commit.
func and(c commit.Commit, others ...commit.Commit) commit.Commit {
	for _, o := range others {
		c.Stock = append(c.Stock, o.Stock...)
	}
	return c
}

func object(products string) string {
	return `{"locationCode":"wd003","products":[` + products + `]}`
}

func product1(fields string) string { return object("{" + fields + "}") }

func repeat(n int, format string) string {
	items := make([]string, n)
	for i := range items {
		items[i] = fmt.Sprintf(format, i)
	}
	return strings.Join(items, ",")
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 256)
	for name, tc := range map[string]struct {
		call
		fail    func(commit.Commit) error
		want    string // the answer, or a part of it where it starts with …
		commits []commit.Commit
	}{
		"the specification's object": {
			call: call{body: specObject}, want: `{"failureProducts":[],"successProducts":["ITEM302"],"failures":[]}`,
			commits: []commit.Commit{to("wd003", 0, quantities{"ITEM302": 40})},
		},
		"the specification's array": {
			call: call{body: specArray}, want: `{"failureSkus":[],"successSkus":["SKU1"],"failures":[]}`,
			commits: []commit.Commit{to("wd003", 0, quantities{"SKU1": 10})},
		},
		"the table's spelling, quoted quantities, unknown fields": {
			call:    call{body: product1(`"channelskuCode":"A","QUANTITY":"40","minExpiry":null`)},
			want:    `{"failureProducts":[],"successProducts":["A"],"failures":[]}`,
			commits: []commit.Commit{to("wd003", 0, quantities{"A": 40})},
		},
		"whole numbers in other notations": {
			call: call{body: object(`{"channelSkuCode":"A","quantity":40.0},{"channelSkuCode":"B","quantity":1e2},{"channelSkuCode":"C","quantity":2147483647}`)},
			want: `…"successProducts":["A","B","C"]`, commits: []commit.Commit{to("wd003", 0, quantities{"A": 40, "B": 100, "C": 2147483647})},
		},
		"bad SKUs do not lose the others": {
			call: call{body: object(`{"quantity":1},{"channelSkuCode":"","quantity":1},{"channelSkuCode":"  ","quantity":1},` +
				`{"channelSkuCode":"` + long + `","quantity":1},{"channelSkuCode":7,"quantity":1},42,{"channelSkuCode":"GOOD","quantity":1}`)},
			want:    `…"successProducts":["GOOD"],"failures":[{"sku":"","code":"INVALID_SKU","message":"products[0].channelSkuCode: must not be missing"}`,
			commits: []commit.Commit{to("wd003", 0, quantities{"GOOD": 1})},
		},
		"a missing quantity":    {call: call{body: product1(`"channelSkuCode":"A"`)}, want: `…products[0].quantity: must not be missing`},
		"a null quantity":       {call: call{body: product1(`"channelSkuCode":"A","quantity":null`)}, want: `…products[0].quantity: must not be missing`},
		"a fractional quantity": {call: call{body: product1(`"channelSkuCode":"A","quantity":40.5`)}, want: `…products[0].quantity: 40.5 is not a whole number`},
		"a negative quantity":   {call: call{body: product1(`"channelSkuCode":"A","quantity":-1`)}, want: `…products[0].quantity: -1 is negative`},
		"a quantity above int":  {call: call{body: product1(`"channelSkuCode":"A","quantity":2147483648`)}, want: `…products[0].quantity: 2147483648 is larger than 2147483647`},
		"a huge quantity":       {call: call{body: product1(`"channelSkuCode":"A","quantity":1e400`)}, want: `…products[0].quantity: 1e400 is out of range`},
		"a quantity in words":   {call: call{body: product1(`"channelSkuCode":"A","quantity":"many"`)}, want: `…products[0].quantity: many is not a number`},
		"not a number":          {call: call{body: product1(`"channelSkuCode":"A","quantity":"NaN"`)}, want: `…products[0].quantity: NaN is not a number`},
		"a list as quantity":    {call: call{body: product1(`"channelSkuCode":"A","quantity":[1]`)}, want: `…INVALID_QUANTITY`},
		"twice in a batch: the last wins, reported once": {
			call:    call{body: object(`{"channelSkuCode":"A","quantity":1},{"channelSkuCode":"B","quantity":2},{"channelSkuCode":"A","quantity":3}`)},
			want:    `{"failureProducts":[],"successProducts":["A","B"],"failures":[]}`,
			commits: []commit.Commit{to("wd003", 0, quantities{"A": 3, "B": 2})},
		},
		"twice in a batch: the last is bad": {
			call: call{body: object(`{"channelSkuCode":"A","quantity":1},{"channelSkuCode":"A","quantity":-3}`)},
			want: `…{"failureProducts":["A"],"successProducts":[]`,
		},
		"two locations and two pools": {
			call: call{body: `[
				{"clientId":10000900,"clientSkuId":"A","quantity":1,"fulfillmentLocationId":1000901},
				{"clientId":10000900,"clientSkuId":"A","quantity":2,"fulfillmentLocationId":1000901,"inventoryPoolId":null},
				{"clientId":10000900,"clientSkuId":"A","quantity":3,"fulfillmentLocationId":1000901,"inventoryPoolId":7},
				{"clientId":"10000900","clientSkuId":"A","quantity":4,"fulfillmentLocationId":1000902},
				{"clientId":10000900,"clientSkuId":"B","quantity":5,"fulfillmentLocationId":12},
				{"clientId":10000900,"clientSkuId":"C","quantity":6,"fulfillmentLocationId":1000902,"inventoryPoolId":-1},
				{"clientSkuId":"D","quantity":7,"fulfillmentLocationId":1000902}]`},
			want: `{"failureSkus":["B","C","D"],"successSkus":["A","A","A"],"failures":[` +
				`{"sku":"B","code":"UNKNOWN_LOCATION","message":"[4].fulfillmentLocationId: 12 is not a location of client 10000900"},` +
				`{"sku":"C","code":"INVALID_POOL","message":"[5].inventoryPoolId: -1 is smaller than 0"},` +
				`{"sku":"D","code":"INVALID_CLIENT","message":"[6].clientId: must not be missing"}]}`,
			commits: []commit.Commit{and(to("wd003", 0, quantities{"A": 2}), to("wd003", 7, quantities{"A": 3}), to("st12", 0, quantities{"A": 4}))},
		},
		"one of two writes fails": {
			call: call{body: "[" + repeat(inventoryv1alpha1.MaxBatchStock+1, // one too many for a batch
				`{"clientId":10000900,"clientSkuId":"S%[1]d","quantity":1,"fulfillmentLocationId":1000901,"inventoryPoolId":%[1]d}`) + "]"},
			fail: func(c commit.Commit) error {
				if len(c.Stock) > 1 {
					return commit.ErrUnavailable
				}
				return nil
			},
			want:    `…"S255"],"successSkus":["S256"],"failures":[{"sku":"S0","code":"WRITE_FAILED","message":"the quantity could not be stored: send it again"}`,
			commits: []commit.Commit{to("wd003", 256, quantities{"S256": 1})},
		},
		"a write is refused for good": {
			call: call{body: specObject}, fail: func(commit.Commit) error { return errors.New("quota of team x") },
			want: `{"failureProducts":["ITEM302"],"successProducts":[],"failures":[{"sku":"ITEM302","code":"WRITE_FAILED","message":"the quantity was refused when it was to be stored"}]}`,
		},
		"stores": {
			call: call{path: "/updateInventories", body: `{"inventories":[{"locationCode":"STORE-12","channelSkuCode":"A","quantity":6},{"locationCode":"NOPE","channelSkuCode":"B","quantity":6},{"channelSkuCode":"C","quantity":6}]}`},
			want: `{"failureList":["B","C"],"successList":["A"],"failures":[{"sku":"B","code":"UNKNOWN_LOCATION","message":"inventories[1].locationCode: \"NOPE\" is not a location of yours"},` +
				`{"sku":"C","code":"INVALID_LOCATION","message":"inventories[2].locationCode: must not be missing or empty"}]}`,
			commits: []commit.Commit{to("st12", 0, quantities{"A": 6})},
		},
		"read back": {
			call: call{method: http.MethodPost, path: "/inventories", body: `{"locationCode":"wd003","channelSkuCodes":["A","NOPE"]}`},
			want: `{"locationCode":"wd003","inventories":[{"channelSkuCode":"A","quantity":6,"pools":[{"inventoryPoolId":0,"quantity":5},{"inventoryPoolId":2,"quantity":1}],` +
				`"channels":[{"channel":"shop","state":"Retrying","reason":"Timeout","message":"m","attempts":2}]}],"failureList":["NOPE"]}`,
		},
		"search, among one's own": {
			call: call{method: http.MethodPost, path: "/inventories/search-sku", body: `{"channelSkuCodes":["A","NOPE"]}`},
			want: `{"successList":[{"channelSkuCode":"A","totalQuantity":9,"inventories":[{"quantity":3,"locationCode":"STORE-12","locationType":"Store"},{"quantity":6,"locationCode":"wd003","locationType":"Store"}]}],"failureList":["NOPE"]}`,
		},
		"basic authentication": {
			call: call{body: specObject, header: map[string]string{"authUsername": "", "authPassword": "", "authDomainName": "", "Authorization": "Basic YWNtZTpwdw=="}},
			want: `…"ITEM302"`, commits: []commit.Commit{to("wd003", 0, quantities{"ITEM302": 40})},
		},
		"the second credential, without a domain": {
			call: call{body: specObject, header: map[string]string{"authPassword": "pw2", "authDomainName": ""}},
			want: `…"ITEM302"`, commits: []commit.Commit{from(to("wd003", 0, quantities{"ITEM302": 40}), "acme", "new")},
		},
		"no media type": {
			call: call{body: specObject, header: map[string]string{"Content-Type": ""}},
			want: `…"ITEM302"`, commits: []commit.Commit{to("wd003", 0, quantities{"ITEM302": 40})},
		},
		"gzip": {
			call: call{body: zipped(specObject), header: map[string]string{"Content-Encoding": "gzip", "Content-Type": "application/json; charset=UTF-8"}},
			want: `…"ITEM302"`, commits: []commit.Commit{to("wd003", 0, quantities{"ITEM302": 40})},
		},
		"the largest batch": {call: call{body: object(repeat(300, `{"channelSkuCode":"S%d","quantity":1}`))}, want: `…"S299"`, commits: []commit.Commit{to("wd003", 0, numbered(300))}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t)
			r.writer.fail = tc.fail
			resp := r.do(t, tc.call)
			got := text(t, resp)
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("status %d: %s", resp.StatusCode, got)
			}
			if part, ok := strings.CutPrefix(tc.want, "…"); ok && !strings.Contains(got, part) || !ok && got != tc.want {
				t.Errorf("answer\n%s\nwant\n%s", got, tc.want)
			}
			if diff := cmp.Diff(tc.commits, r.writer.commits, cmpopts.EquateEmpty(), anyRequestID); diff != "" {
				t.Errorf("commits (-want +got):\n%s", diff)
			}
			validate(t, tc.call, resp, got)
		})
	}
}

func numbered(n int) quantities {
	q := quantities{}
	for i := range n {
		q[fmt.Sprintf("S%d", i)] = 1
	}
	return q
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // into memory
	_ = w.Close()
	return b.String()
}

func TestRefused(t *testing.T) {
	t.Parallel()
	with := func(name, value string) map[string]string { return map[string]string{name: value} }
	array := func(client, location int) string {
		return fmt.Sprintf(`[{"clientId":%d,"clientSkuId":"A","quantity":1,"fulfillmentLocationId":%d}]`, client, location)
	}
	for name, tc := range map[string]struct {
		call
		fail   error
		status int
		code   string
		want   string // part of the description
	}{
		"malformed":                {call: call{body: "{\n  \"locationCode\" \"wd003\"}"}, status: 400, code: codeMalformed, want: "line 2, column 18"},
		"cut off":                  {call: call{body: `{"locationCode":"wd003","products":[{`}, status: 400, code: codeMalformed, want: "line 1, column"},
		"more than one value":      {call: call{body: specObject + "{}"}, status: 400, code: codeMalformed, want: "line 1, column"},
		"nothing":                  {call: call{}, status: 400, code: codeMalformed},
		"not an object":            {call: call{body: `"x"`}, status: 400, code: codeBadData, want: "the body: must be an object, not a JSON string"},
		"products of another kind": {call: call{body: `{"locationCode":"wd003","products":{}}`}, status: 400, code: codeBadData, want: "products: must be an array, not a JSON object"},
		"too many SKUs":            {call: call{body: object(repeat(301, `{"channelSkuCode":"S%d","quantity":1}`))}, status: 400, code: codeTooManySKUs, want: "products: has 301 items, at most 300 are allowed"},
		"too many items":           {call: call{body: "[" + repeat(301, `{"clientSkuId":"S%d"}`) + "]"}, status: 400, code: codeTooManySKUs, want: "the array: has 301 items"},
		"no SKUs":                  {call: call{body: object("")}, status: 400, code: codeBadData, want: "products: must have at least one item"},
		"an empty array":           {call: call{body: "[]"}, status: 400, code: codeBadData, want: "at least one item"},
		"no location":              {call: call{body: `{"products":[{"channelSkuCode":"A","quantity":1}]}`}, status: 400, code: codeBadData, want: "locationCode: must not be missing"},
		"an unknown location":      {call: call{body: strings.Replace(specObject, "wd003", "nope", 1)}, status: 404, code: codeUnknownLocation, want: `"nope" is not a location of yours`},
		"a rival's location":       {call: call{body: strings.Replace(specObject, "wd003", "R1", 1)}, status: 403, code: codeForbidden, want: `"R1" belongs to another client`},
		"a rival's number":         {call: call{body: array(10000900, 77)}, status: 403, code: codeForbidden, want: "77 belongs to another client"},
		"a rival's client":         {call: call{body: array(5, 77)}, status: 403, code: codeForbidden, want: "5 is not a client of these credentials"},
		"a rival's store":          {call: call{path: "/updateInventories", body: `{"inventories":[{"locationCode":"R1","channelSkuCode":"A","quantity":1}]}`}, status: 403, code: codeForbidden},
		"reading a rival":          {call: call{method: http.MethodPost, path: "/inventories", body: `{"locationCode":"R1","channelSkuCodes":["A"]}`}, status: 403, code: codeForbidden},
		"another method":           {call: call{method: http.MethodPost, body: specObject}, status: 405, code: codeMethod, want: "must be PUT"},
		"another path":             {call: call{path: "/nope"}, status: 404, code: codeNotFound},
		"another media type":       {call: call{body: specObject, header: with("Content-Type", "text/xml")}, status: 415, code: codeMediaType, want: `"text/xml"`},
		"another charset":          {call: call{body: specObject, header: with("Content-Type", "application/json; charset=latin1")}, status: 415, code: codeMediaType},
		"another compression":      {call: call{body: specObject, header: with("Content-Encoding", "br")}, status: 415, code: codeMediaType, want: `"br"`},
		"not what it says":         {call: call{body: specObject, header: with("Content-Encoding", "gzip")}, status: 400, code: codeMalformed, want: "is not gzip"},
		"a large body":             {call: call{body: strings.Repeat(" ", DefaultMaxBodyBytes+1)}, status: 413, code: codeTooLarge, want: "2097152 bytes"},
		"a bomb":                   {call: call{body: zipped(strings.Repeat(" ", 10*DefaultMaxBodyBytes)), header: with("Content-Encoding", "gzip")}, status: 413, code: codeTooLarge},
		"no credentials":           {call: call{body: specObject, header: map[string]string{"authUsername": "", "authPassword": ""}}, status: 401, code: codeUnauthorized},
		"a wrong password":         {call: call{body: specObject, header: with("authPassword", "no")}, status: 401, code: codeUnauthorized},
		"an unknown user":          {call: call{body: specObject, header: with("authUsername", "nobody")}, status: 401, code: codeUnauthorized},
		"no password at all":       {call: call{body: specObject, header: map[string]string{"authUsername": "nobody", "authPassword": ""}}, status: 401, code: codeUnauthorized},
		"a wrong domain":           {call: call{body: specObject, header: with("authDomainName", "r")}, status: 401, code: codeUnauthorized},
		"a bad idempotency key":    {call: call{body: specObject, header: with("Idempotency-Key", "ümlaut")}, status: 400, code: codeBadIdempotentKey},
		"a key of another body":    {call: call{body: specObject, header: with("Idempotency-Key", "k")}, fail: commit.ErrKeyReused, status: 422, code: codeKeyReused},
		"a saturated writer":       {call: call{body: specObject}, fail: commit.ErrSaturated, status: 503, code: codeSaturated},
		"a full log":               {call: call{body: specObject}, fail: commit.ErrLogFull, status: 503, code: codeLogFull},
		"no API server":            {call: call{body: specObject}, fail: fmt.Errorf("x: %w", commit.ErrUnavailable), status: 503, code: codeUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newHarness(t)
			if tc.fail != nil {
				r.writer.fail = func(commit.Commit) error { return tc.fail }
			}
			resp := r.do(t, tc.call)
			got := text(t, resp)
			if resp.StatusCode != tc.status || !strings.Contains(got, `"code":"`+tc.code+`"`) {
				t.Errorf("status %d: %s; want %d with code %s", resp.StatusCode, got, tc.status, tc.code)
			}
			if plain := strings.ReplaceAll(got, `\"`, `"`); !strings.Contains(plain, tc.want) {
				t.Errorf("answer %s does not say %q", got, tc.want)
			}
			if retry := resp.Header.Get("Retry-After"); (tc.status == 503) != (retry != "") {
				t.Errorf("Retry-After %q with status %d", retry, tc.status)
			}
			if len(r.writer.commits) != 0 {
				t.Errorf("%d commits were written, want none", len(r.writer.commits))
			}
			if tc.status != 404 || tc.code != codeNotFound {
				validate(t, tc.call, resp, got)
			}
		})
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	r := newHarness(t)
	for n := range int(inventoryv1alpha1.DefaultRequestsPerMinute) {
		if resp := r.do(t, call{body: specObject}); resp.StatusCode != http.StatusOK {
			t.Fatalf("request %d: status %d", n, resp.StatusCode)
		}
	}
	resp := r.do(t, call{body: specObject})
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("status %d, Retry-After %q; want 429, 1", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	validate(t, call{body: specObject}, resp, text(t, resp))
	rival := call{body: strings.Replace(specObject, "wd003", "R1", 1), header: map[string]string{"authUsername": "rival", "authDomainName": ""}}
	if resp := r.do(t, rival); resp.StatusCode != http.StatusOK {
		t.Errorf("another client: status %d, want 200", resp.StatusCode)
	}
	r.clock.Step(time.Second)
	if resp := r.do(t, call{body: specObject}); resp.StatusCode != http.StatusOK {
		t.Errorf("after the pause: status %d, want 200", resp.StatusCode)
	}
}

// TestRotation changes Secrets as a person does, and expects the ingress to follow each event.
func TestRotation(t *testing.T) {
	t.Parallel()
	r := newHarness(t)
	status := func(password string) int {
		return r.do(t, call{body: specObject, header: map[string]string{"authPassword": password}}).StatusCode
	}
	if status("pw") != 200 || status("pw2") != 200 || status("pw3") != 401 {
		t.Fatal("at first: want both credentials to work, and no other")
	}
	next := login("ns", "old", "acme", "pw3")
	if err := r.objects.Update(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	r.auth.changed() // what the informer's event does
	if status("pw") != 401 || status("pw2") != 200 || status("pw3") != 200 {
		t.Error("after the change: want the new password to work, and the old one no more")
	}
}

func TestLocationsThatClash(t *testing.T) {
	t.Parallel()
	younger := newLocation("ns", "aaa", "acme", "wd003", 0)
	younger.CreationTimestamp = metav1.NewTime(younger.CreationTimestamp.Add(time.Hour))
	leaving := newLocation("ns", "leaving", "acme", "GOING", 0)
	leaving.Finalizers, leaving.DeletionTimestamp = []string{"a/b"}, new(metav1.Now())
	twin := tenant("twin", "acme2", 9, "d2", "s")
	r := newHarness(t, younger, leaving, twin, login("twin", "s", "acme", "pw"), newLocation("twin", "x", "acme2", "wd003", 1))
	both := map[string]string{"authDomainName": ""}

	if resp := r.do(t, call{body: specObject}); resp.StatusCode != 200 || r.writer.commits[0].Stock[0].LocationName != "wd003" {
		t.Errorf("status %d, commits %+v; want the older of two", resp.StatusCode, r.writer.commits)
	}
	if resp := r.do(t, call{body: strings.Replace(specObject, "wd003", "GOING", 1)}); resp.StatusCode != 404 {
		t.Errorf("a Location that is being deleted: status %d, want 404", resp.StatusCode)
	}
	if resp := r.do(t, call{body: specObject, header: both}); resp.StatusCode != 400 || !strings.Contains(text(t, resp), codeAmbiguous) {
		t.Errorf("a code of two of one's clients: status %d, want 400", resp.StatusCode)
	}
	array := `[{"clientId":10000900,"clientSkuId":"A","quantity":1,"fulfillmentLocationId":1000901},{"clientId":9,"clientSkuId":"A","quantity":2,"fulfillmentLocationId":1}]`
	r.writer.commits = nil
	if resp := r.do(t, call{body: array, header: both}); resp.StatusCode != 200 || len(r.writer.commits) != 2 {
		t.Errorf("two clients of one credential: status %d, commits %+v; want 200, one for each namespace", resp.StatusCode, r.writer.commits)
	}
	key := map[string]string{"authDomainName": "", "Idempotency-Key": "k"}
	if resp := r.do(t, call{body: array, header: key}); resp.StatusCode != 400 || !strings.Contains(text(t, resp), codeBadIdempotentKey) {
		t.Errorf("a key for two clients: status %d, want 400", resp.StatusCode)
	}
}

func TestIdempotencyKeyNamesBatches(t *testing.T) {
	t.Parallel()
	r := newHarness(t)
	array := `[{"clientId":10000900,"clientSkuId":"A","quantity":1,"fulfillmentLocationId":1000901},{"clientId":10000900,"clientSkuId":"A","quantity":2,"fulfillmentLocationId":1000902}]`
	for _, key := range []string{"one", "one", "two"} {
		if resp := r.do(t, call{body: array, header: map[string]string{"Idempotency-Key": key}}); resp.StatusCode != 200 {
			t.Fatalf("status %d", resp.StatusCode)
		}
	}
	c := r.writer.commits
	if len(c) != 3 || c[0].Name != c[1].Name || c[0].Name == c[2].Name || c[0].Digest != c[2].Digest {
		t.Errorf("commits %+v: want names that depend on the key, digests on the body", c)
	}
}

func TestPanicStaysWithItsRequest(t *testing.T) {
	t.Parallel()
	r := newHarness(t)
	r.writer.fail = func(commit.Commit) error { panic("bug") }
	if resp := r.do(t, call{body: specObject}); resp.StatusCode != http.StatusInternalServerError {
		t.Errorf("status %d, want 500", resp.StatusCode)
	}
}
