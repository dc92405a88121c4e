package amazon

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/channel"
)

func newClock() clock.PassiveClock {
	return clocktesting.NewFakePassiveClock(time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC))
}

func answer(body []byte) *channel.Response { return &channel.Response{Status: 200, Body: body} }

// retried wants the error of a decoder to be worth a repetition: an answer that is not understood blames
// no SKU and does not stop the channel.
func retried(t *testing.T, body []byte, err error) {
	t.Helper()
	if e := channel.AsError(err); e != nil && e.Class != channel.Retry {
		t.Errorf("%q: class %s, %v", body, e.Class, err)
	}
}

func FuzzSubmission(f *testing.F) {
	for _, seed := range []string{`{"status":"ACCEPTED"}`, `{"status":"INVALID","issues":[{"code":"1","message":"no","severity":"ERROR","attributeNames":["a"]}]}`, `{"status":1}`, `{`, ``} {
		f.Add([]byte(seed))
	}
	client := newHTTP(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		refusal, err := readSubmission(client, answer(body))
		retried(t, body, err)
		if err == nil && refusal == nil && !strings.Contains(strings.ToLower(string(body)), "status") {
			t.Errorf("%q is taken for success", body)
		}
	})
}

func FuzzSearch(f *testing.F) {
	for _, seed := range []string{`{"items":[{"sku":"A","summaries":[{"productType":"X"}],"fulfillmentAvailability":[{"fulfillmentChannelCode":"DEFAULT","quantity":1}]}],"pagination":{"nextToken":"n"}}`, `{"items":[]}`, `{}`, `[]`, `{"items":[{"fulfillmentAvailability":[{"quantity":1e999}]}]}`} {
		f.Add([]byte(seed))
	}
	client := newHTTP(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := readPage(client, answer(body))
		retried(t, body, err)
		if err != nil {
			return
		}
		for _, it := range *p.Items { // nil would panic
			_, _, _ = it.quantity("DEFAULT"), it.productType(), it.byAmazonAlone()
		}
	})
}

func FuzzItem(f *testing.F) {
	f.Add([]byte(`{"sku":"A"}`))
	f.Add([]byte(`{"errors":[]}`))
	client := newHTTP(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		it, err := readItem(client, answer(body))
		retried(t, body, err)
		if (err == nil) != (it.SKU != "") {
			t.Errorf("%q: %+v, %v", body, it, err)
		}
	})
}

// FuzzFeeds reads all answers of the Feeds API.
func FuzzFeeds(f *testing.F) {
	for _, seed := range []string{`{"feedId":"1","processingStatus":"DONE","resultFeedDocumentId":"2"}`, `{"feedDocumentId":"1","url":"https://a.s3.amazonaws.com/"}`, `{"feeds":[{"feedId":"1"}],"nextToken":"n"}`, `{}`, `[`} {
		f.Add([]byte(seed))
	}
	client := newHTTP(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		one, err := readFeed(client, answer(body))
		retried(t, body, err)
		if err == nil && one.ID == "" {
			t.Errorf("%q: a feed without ID", body)
		}
		_, _, err = readFeeds(client, answer(body))
		retried(t, body, err)
		doc, err := readDocument(client, answer(body))
		retried(t, body, err)
		if err == nil && (doc.ID == "" || doc.URL == "") {
			t.Errorf("%q: %+v", body, doc)
		}
	})
}

// FuzzReport checks that every listing of a feed is settled, once, or none.
func FuzzReport(f *testing.F) {
	for _, seed := range []string{`{"issues":[{"messageId":2,"severity":"ERROR","message":"no"}],"summary":{"messagesAccepted":2}}`, `{"issues":[{"sku":"B","severity":"ERROR"}],"summary":{}}`, `{"summary":{"messagesAccepted":-1},"items":[{"sku":"A"}]}`, "\x1f\x8b"} {
		f.Add([]byte(seed))
	}
	client := newHTTP(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		content, err := unzip(body)
		if err != nil {
			retried(t, body, err)
			return
		}
		r, err := readReport(client, content)
		retried(t, body, err)
		if err != nil {
			return
		}
		tally, all := newOutcomes(map[int]*channel.Error{}), three()
		err = r.settle(client, all, tally)
		retried(t, body, err)
		if want := len(all); err == nil && tally.settled != want || err != nil && tally.settled != 0 {
			t.Errorf("%q: %d settled, %v", body, tally.settled, err)
		}
		r.compare(all, tally)
		for i := range tally.failures {
			if i < 0 || i >= len(all) {
				t.Errorf("%q: failure of item %d", body, i)
			}
		}
	})
}

func FuzzInventory(f *testing.F) {
	for _, seed := range []string{`{"responses":[` + named("A", `,"sellableQuantity":1,"clientSequenceNumber":3`) + `,` + ok + `,` + status("400", `,"actionableErrors":[{"errorType":"INVALID_SKU"}]`) + `]}`, `{"responses":[{}]}`, `{"responses":null}`, `{"responses":[{"status":{"statusCode":-1}}]}`} {
		f.Add([]byte(seed))
	}
	client := newHTTP(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &external{prober: prober{api: &api{http: client}}}
		answers, err := answered(client, string(body))
		retried(t, body, err)
		for _, a := range answers {
			if failure := c.updateError(a, 100); failure != nil && (failure.Class == channel.Unauthorized || failure.Class == channel.Terminal) {
				t.Errorf("%q: an item stops the channel: %v", body, failure)
			}
			if a != nil {
				_, _ = a.quantity(client)
			}
		}
	})
}

// FuzzDocumentURL checks that what is allowed leads to S3 by TLS.
func FuzzDocumentURL(f *testing.F) {
	for _, seed := range []string{"https://b.s3.amazonaws.com/x", "https://b.s3.amazonaws.com@example.com", "http://b.s3.amazonaws.com", "https://example.com\\.s3.amazonaws.com"} {
		f.Add(seed)
	}
	d := &documents{}
	for _, o := range s3 {
		parsed, err := parseOrigin(string(o))
		if err != nil {
			f.Fatal(err)
		}
		d.allowed = append(d.allowed, parsed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if d.check(raw) != nil {
			return
		}
		r, err := http.NewRequest(http.MethodGet, raw, nil) // as the client reads it
		if err != nil || r.URL.Scheme != "https" || !strings.HasSuffix(strings.ToLower(r.URL.Hostname()), ".amazonaws.com") {
			t.Errorf("%q is allowed: %v", raw, err)
		}
	})
}
