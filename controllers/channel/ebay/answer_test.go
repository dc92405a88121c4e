package ebay

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func newConnector(t testing.TB) *connector {
	t.Helper()
	client, err := channel.NewHTTPClient(channel.Config{Channel: &inventoryv1alpha1.Channel{}, Clock: clock.RealClock{}})
	if err != nil {
		t.Fatal(err)
	}
	return &connector{http: client}
}

// TestAnswer reads rows about SKU A with the offers 1 and 2, or about B without offers.
func TestAnswer(t *testing.T) {
	t.Parallel()
	a := update{SKU: "A", Availability: availability{Quantity: 5}, Offers: []offerQuantity{{"1", 5}, {"2", 5}}}
	b := update{SKU: "B", Availability: availability{Quantity: 5}}
	failed := func(errors string) string {
		return `{"sku":"A","offerId":"1","statusCode":400,"errors":[` + errors + `]}`
	}
	cases := map[string]struct {
		update update
		rows   string
		want   string // class and reason; empty for success
	}{
		"all offers":                {a, `{"sku":"A","offerId":"1","statusCode":200},{"sku":"A","offerId":"2","statusCode":200}`, ""},
		"the item has a row too":    {a, `{"sku":"A","statusCode":200},{"sku":"A","offerId":"1","statusCode":200},{"sku":"A","offerId":"2","statusCode":200}`, ""},
		"offers without SKU":        {a, `{"offerId":"1","statusCode":200},{"offerId":"2","statusCode":200}`, ""},
		"warnings":                  {b, `{"sku":"B","statusCode":200,"warnings":[{"errorId":25401}]}`, ""},
		"no offers":                 {b, `{"sku":"B","statusCode":200}`, ""},
		"one offer is missing":      {a, `{"sku":"A","offerId":"1","statusCode":200}`, "Unconfirmed NotConfirmed"},
		"only the item":             {a, `{"sku":"A","statusCode":200}`, "Unconfirmed NotConfirmed"},
		"no row":                    {b, ``, "Unconfirmed NotConfirmed"},
		"only rows of others":       {b, `{"sku":"b","statusCode":200},{"sku":"A","statusCode":400}`, "Unconfirmed NotConfirmed"},
		"one offer failed":          {a, `{"sku":"A","offerId":"1","statusCode":200},{"sku":"A","offerId":"2","statusCode":400,"errors":[{"errorId":25759}]}`, "Rejected Error25759"},
		"errors in a success":       {b, `{"sku":"B","statusCode":200,"errors":[{"errorId":25709,"message":"Invalid value for sku"}]}`, "Rejected Error25709"},
		"failed without a reason":   {b, `{"sku":"B","statusCode":400}`, "Unconfirmed RefusedByChannel"},
		"no status":                 {b, `{"sku":"B"}`, "Unconfirmed RefusedByChannel"},
		"eBay's own fault":          {a, failed(`{"errorId":25001,"category":"APPLICATION"}`), "Retry Error25001"},
		"concurrent access":         {a, failed(`{"errorId":25025,"category":"Application"}`), "Retry Error25025"},
		"status of eBay's fault":    {b, `{"sku":"B","statusCode":503}`, "Retry Status503"},
		"any user error":            {a, failed(`{"errorId":25002,"category":"REQUEST"}`), "Unconfirmed RefusedByChannel"},
		"unknown":                   {a, failed(`{"errorId":25702,"category":"REQUEST"}`), "Unmapped UnknownSKU"},
		"not found":                 {b, `{"sku":"B","statusCode":404}`, "Unmapped UnknownSKU"},
		"the offer is gone":         {a, failed(`{"errorId":25713,"category":"REQUEST"}`), "Retry Error25713"},
		"bad quantity":              {a, failed(`{"errorId":25004,"category":"REQUEST"}`), "Rejected InvalidQuantity"},
		"quota":                     {a, failed(`{"errorId":2001,"category":"REQUEST"}`), "Throttled Throttled"},
		"too many requests":         {b, `{"sku":"B","statusCode":429}`, "Throttled Throttled"},
		"revisions, in long":        {a, failed(`{"errorId":25002,"message":"User error","longMessage":"This listing was revised too many times today."}`), "Throttled RevisionLimit"},
		"revisions, the other way":  {a, failed(`{"errorId":25604,"message":"Maximum number of revisions reached."}`), "Throttled RevisionLimit"},
		"a revision that is no sum": {a, failed(`{"errorId":25604,"message":"The listing cannot be revised."}`), "Rejected Error25604"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answer updateAnswer
			if err := json.Unmarshal([]byte(`{"responses":[`+tc.rows+`]}`), &answer); err != nil {
				t.Fatal(err)
			}
			got := ""
			if e := newConnector(t).changeError(tc.update, answer.Responses); e != nil {
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

func FuzzItems(f *testing.F) {
	for _, seed := range []string{
		`{"responses":[{"sku":"A","statusCode":200,"inventoryItem":{"availability":{"shipToLocationAvailability":{"quantity":1.5,"availabilityDistributions":[{"quantity":-1}]}}}}]}`,
		`{"responses":[{"sku":"B","statusCode":404,"errors":[{"errorId":25710}]},{"sku":"C","statusCode":200,"inventoryItem":{}}]}`, `{"responses":null}`, `{"responses":[null]}`,
	} {
		f.Add([]byte(seed))
	}
	c, skus := newConnector(f), []string{"A", "B"}
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer itemsAnswer
		if json.Unmarshal(body, &answer) != nil {
			return
		}
		found, failures := map[string]*listing{}, map[string]*channel.Error{}
		c.sortItems(skus, answer, found, failures)
		for _, sku := range skus {
			if found[sku] == nil && failures[sku] == nil {
				t.Errorf("%q: nothing of %s", body, sku)
			}
		}
		delete(found, "A")
		delete(found, "B")
		if len(found) > 0 {
			t.Errorf("%q: %v, which nobody asked for", body, found)
		}
	})
}

func FuzzOffers(f *testing.F) {
	for _, seed := range []string{`{"total":1,"offers":[{"offerId":"1","sku":"A","status":"PUBLISHED","availableQuantity":"3"}]}`, `{"total":-1}`, `{"offers":[null]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer offersAnswer
		if json.Unmarshal(body, &answer) != nil {
			return
		}
		for _, o := range answer.revisable("A") {
			if o.SKU != "A" || o.ID == "" {
				t.Errorf("%q: offer %+v", body, o)
			}
		}
	})
}

// FuzzUpdate checks that no SKU is confirmed that the answer does not name.
func FuzzUpdate(f *testing.F) {
	for _, seed := range []string{`{"responses":[{"sku":"A","offerId":"1","statusCode":200}]}`, `{"responses":[{"sku":"A","statusCode":400,"errors":[{}]}]}`, `{"responses":[null]}`} {
		f.Add([]byte(seed))
	}
	c := newConnector(f)
	u := update{SKU: "A", Availability: availability{}, Offers: []offerQuantity{{"1", 0}}}
	f.Fuzz(func(t *testing.T, body []byte) {
		var answer updateAnswer
		if json.Unmarshal(body, &answer) != nil || c.changeError(u, answer.Responses) != nil {
			return
		}
		for _, row := range answer.Responses {
			if row.OfferID == "1" && isSuccess(row.StatusCode) {
				return
			}
		}
		t.Errorf("%q confirms the SKU", body)
	})
}

func FuzzQuotas(f *testing.F) {
	f.Add([]byte(`{"rateLimits":[{"resources":[{"rates":[{"limit":5,"remaining":0,"reset":"2026-11-24T08:00:00.000Z"}]}]}]}`))
	f.Add([]byte(`{"rateLimits":[{"resources":[{"rates":[{"remaining":null}]}]}]}`))
	now := time.Date(2026, 11, 24, 7, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, body []byte) {
		var q quotas
		if json.Unmarshal(body, &q) != nil {
			return
		}
		if pause := q.pause(now); pause < 0 || pause > maxPause {
			t.Errorf("%q: pause %v", body, pause)
		}
	})
}

func TestEscape(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff("a%20b%2Bc%26%2F%25", escape("a b+c&/%")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
