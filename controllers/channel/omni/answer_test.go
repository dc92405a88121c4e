package omni

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func testClient(t testing.TB) *channel.HTTPClient {
	t.Helper()
	c, err := channel.NewHTTPClient(channel.Config{Channel: &inventoryv1alpha1.Channel{}, Clock: &clocktesting.FakePassiveClock{}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func items(skus ...string) []channel.Item {
	out := make([]channel.Item, len(skus))
	for i, sku := range skus {
		out[i].SKU = sku
	}
	return out
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	const refused, unknown = "RefusedByChannel", "NotConfirmed"
	for name, tc := range map[string]struct {
		body string
		want map[int]string // reasons by item; all others are confirmed
		fail string         // reason, where the call fails as a whole
	}{
		"both lists of strings":     {body: `{"failureList":["B"],"successList":["A"]}`, want: map[int]string{1: refused}},
		"both lists of objects":     {body: `{"failureList":[{"channelSkuCode":"B","quantity":1}],"successList":[{"channelSkuCode":"A"}]}`, want: map[int]string{1: refused}},
		"misspelt":                  {body: `{"sucessList":["A"],"failureList":[]}`, want: map[int]string{1: unknown}},
		"in neither list":           {body: `{"successList":["A"]}`, want: map[int]string{1: unknown}},
		"in both lists":             {body: `{"successList":["A","B"],"failureList":["B"]}`, want: map[int]string{1: refused}},
		"only failures":             {body: `{"failureList":["A"]}`, want: map[int]string{0: refused}},
		"null lists":                {body: `{"failureList":null,"successList":null}`},
		"unknown SKUs":              {body: `{"failureList":["Z"]}`},
		"empty":                     {body: ``},
		"other JSON":                {body: `{"status":"ok"}`},
		"an error in a success":     {body: `{"hasError":true,"errorMessage":"closed"}`, fail: "ChannelError"},
		"no error in a success":     {body: `{"hasError":false,"successList":["A","B"]}`},
		"another case of keys":      {body: `{"FAILURELIST":["A"],"SuccessList":["B"]}`, want: map[int]string{0: refused}},
		"a list that is not a list": {body: `{"failureList":{"A":1}}`, fail: "InvalidAnswer"},
		"a list of something else":  {body: `{"failureList":[["A"]]}`, fail: "InvalidAnswer"},
		"an object that is cut off": {body: `{"failureList":["A"`, fail: "InvalidAnswer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, answer := testClient(t), &channel.Response{Status: http.StatusOK, Body: []byte(tc.body)}
			result, err := channel.Result{}, hasError(client, answer)
			if err == nil {
				result, err = read(client, answer, items("A", "B"))
			}
			if tc.fail != "" {
				if err == nil || channel.AsError(err).Reason != tc.fail || channel.AsError(err).Class != channel.Retry {
					t.Errorf("error %v, want class Retry, reason %s", err, tc.fail)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := map[int]string{}
			for i, failure := range result.Failures {
				got[i] = failure.Reason
			}
			if tc.want == nil {
				tc.want = map[int]string{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{`{"failureList":["A"],"successList":[{"channelSkuCode":"B"}]}`, `{"hasError":true}`, `[`, ``, `{"sucessList":null}`} {
		f.Add([]byte(seed))
	}
	client := testClient(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		result, err := read(client, &channel.Response{Status: http.StatusOK, Body: body}, items("A", "B"))
		if err != nil && len(result.Failures) > 0 {
			t.Error("a call that failed as a whole has results")
		}
		for i, failure := range result.Failures {
			if i < 0 || i > 1 || failure == nil || failure.Reason == "" {
				t.Errorf("failure %d: %+v", i, failure)
			}
		}
	})
}
