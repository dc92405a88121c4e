package omni

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func newHTTP(t testing.TB) *channel.HTTPClient {
	t.Helper()
	client, err := channel.NewHTTPClient(channel.Config{Channel: &inventoryv1alpha1.Channel{}, Clock: clock.RealClock{}})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// settle does with an answer of 200 what a call does.
func settle(client *channel.HTTPClient, body []byte, items []channel.Item) (channel.Result, error) {
	answer := &channel.Response{Status: 200, Body: body}
	if err := hasError(client, answer); err != nil {
		return channel.Result{}, err
	}
	return read(client, answer, items)
}

// TestAnswers sends A, B and 7.
func TestAnswers(t *testing.T) {
	t.Parallel()
	const refused, missing = "RefusedByChannel", "NotConfirmed"
	type failures map[string]string
	cases := map[string]struct {
		body       string
		want       failures // reasons by SKU
		wantReason string   // of the whole call, whose class is Retry then
		wantWords  string
	}{
		"empty":                         {body: ""},
		"blank":                         {body: " \r\n"},
		"text":                          {body: "OK"},
		"page":                          {body: "<html>"},
		"JSON that is no object":        {body: `["A"]`},
		"empty object":                  {body: "{}"},
		"foreign object":                {body: `{"status":"ok","failures":["A"]}`},
		"all listed":                    {body: `{"failureList":[],"successList":["A","B","7"]}`},
		"strings":                       {body: `{"failureList":["B"],"successList":["A","7"]}`, want: failures{"B": refused}},
		"objects":                       {body: `{"failureList":[{"channelSkuCode":"B","quantity":1}],"successList":[{"channelSkuCode":"A"},{"channelSkuCode":"7"}]}`, want: failures{"B": refused}},
		"both in one list":              {body: `{"failureList":["B",{"channelSkuCode":"A"}]}`, want: failures{"A": refused, "B": refused}},
		"any case of keys":              {body: `{"FAILURELIST":[{"ChannelSKUCode":"B"}],"SuccessList":["A","7"]}`, want: failures{"B": refused}},
		"misspelt":                      {body: `{"failureList":[],"sucessList":["A","7"]}`, want: failures{"B": missing}},
		"misspelt and spelt":            {body: `{"sucessList":["A"],"successList":["7","B"]}`},
		"SKU as a number":               {body: `{"failureList":[7],"successList":["A","B"]}`, want: failures{"7": refused}},
		"SKU as a number in an object":  {body: `{"failureList":[{"channelSkuCode":7}]}`, want: failures{"7": refused}},
		"null lists":                    {body: `{"failureList":null,"successList":null}`},
		"failures only":                 {body: `{"failureList":["B"]}`, want: failures{"B": refused}},
		"failures, no success":          {body: `{"failureList":["B"],"successList":[]}`, want: failures{"B": refused}},
		"successes only":                {body: `{"successList":["A"]}`, want: failures{"B": missing, "7": missing}},
		"in both lists":                 {body: `{"failureList":["A"],"successList":["A","B","7"]}`, want: failures{"A": refused}},
		"unknown SKUs":                  {body: `{"failureList":["X"],"successList":["A","B","7","Y"]}`},
		"unknown successes alone":       {body: `{"successList":["X"]}`, want: failures{"A": missing, "B": missing, "7": missing}},
		"exact match only":              {body: `{"failureList":["a","B "]}`},
		"white space around":            {body: "\n {\"failureList\":[\"B\"]}\n", want: failures{"B": refused}},
		"no error":                      {body: `{"hasError":false,"errorMessage":null,"failureList":["B"]}`, want: failures{"B": refused}},
		"no error, null":                {body: `{"hasError":null}`},
		"error":                         {body: `{"hasError":true,"errorMessage":"no stock\nservice"}`, wantReason: "ChannelError", wantWords: "no stock service"},
		"error, and a success list":     {body: `{"haserror":true,"errormessage":"no","successList":["A","B","7"]}`, wantReason: "ChannelError", wantWords: "no"},
		"error without words":           {body: `{"hasError":true}`, wantReason: "ChannelError", wantWords: "hasError"},
		"error as a string":             {body: `{"hasError":"True","errorMessage":17}`, wantReason: "ChannelError", wantWords: "17"},
		"error as a number":             {body: `{"hasError":1,"errorMessage":"no"}`, wantReason: "ChannelError", wantWords: "no"},
		"error that is neither":         {body: `{"hasError":"maybe"}`, wantReason: "InvalidAnswer"},
		"cut":                           {body: `{"failureList":["A"`, wantReason: "InvalidAnswer"},
		"cut after an error":            {body: `{"hasError":true,"errorMessage":"n`, wantReason: "InvalidAnswer"},
		"something behind":              {body: `{"failureList":[]} {}`, wantReason: "InvalidAnswer"},
		"list that is none":             {body: `{"failureList":"A,B"}`, wantReason: "InvalidAnswer"},
		"objects without the SKU":       {body: `{"failureList":[{"sku":"A"}]}`, wantReason: "InvalidAnswer", wantWords: "channelSkuCode"},
		"objects with a null SKU":       {body: `{"failureList":[{"channelSkuCode":null}]}`, wantReason: "InvalidAnswer"},
		"null in lists":                 {body: `{"failureList":[null]}`, wantReason: "InvalidAnswer"},
		"lists in lists":                {body: `{"failureList":[["A"]]}`, wantReason: "InvalidAnswer"},
		"booleans in lists":             {body: `{"failureList":[true]}`, wantReason: "InvalidAnswer"},
		"too deep for encoding/json":    {body: `{"failureList":` + strings.Repeat("[", 20_000), wantReason: "InvalidAnswer"},
		"a SKU that is an empty string": {body: `{"failureList":[""],"successList":["A","B","7"]}`},
	}
	client := newHTTP(t)
	items := []channel.Item{{SKU: "A"}, {SKU: "B"}, {SKU: "7"}}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result, err := settle(client, []byte(tc.body), items)
			if tc.wantReason != "" {
				e := channel.AsError(err)
				if e == nil || e.Class != channel.Retry || string(e.Reason) != tc.wantReason || !strings.Contains(e.Message, tc.wantWords) {
					t.Errorf("%+v, %v, want %s, %s: %s", result, err, channel.Retry, tc.wantReason, tc.wantWords)
				}
				return
			}
			if err != nil {
				t.Fatalf("error %v", err)
			}
			got := failures{}
			for i, failure := range result.Failures {
				got[items[i].SKU] = string(failure.Reason)
				if failure.Class != channel.Unconfirmed {
					t.Errorf("%s: class %s, want %s", items[i].SKU, failure.Class, channel.Unconfirmed)
				}
			}
			if tc.want == nil {
				tc.want = failures{}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzAnswer checks that no answer makes the decoder panic, that JSON which has been cut is never a
// success, and that failures are about what was sent.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		"", "OK", "{}", `{"failureList":["A"],"successList":[{"channelSkuCode":"B"}]}`, `{"sucessList":[7]}`,
		`{"hasError":true,"errorMessage":"no"}`, `{"hasError":"false","failureList":null}`, `{"failureList":[[]]}`, `{"failureList":[`,
	} {
		f.Add([]byte(seed))
	}
	client := newHTTP(f)
	items := []channel.Item{{SKU: "A"}, {SKU: "B"}, {SKU: "7"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		result, err := settle(client, body, items)
		if err != nil {
			if e := channel.AsError(err); e.Class != channel.Retry || len(result.Failures) != 0 {
				t.Errorf("%q: %+v, %v", body, result, err)
			}
			return
		}
		if isObject(body) && !json.Valid(body) {
			t.Errorf("%q is taken for success", body)
		}
		for i := range result.Failures {
			if i < 0 || i >= len(items) {
				t.Errorf("%q: failure of item %d", body, i)
			}
		}
	})
}

// FuzzCredential checks that a grant has what can be sent only.
func FuzzCredential(f *testing.F) {
	for _, seed := range []string{`{"Authorization":"Bearer s3cret"}`, `{"Host":"x"}`, `{"A b":"c"}`, `{"A":"s3cret\n"}`, `{"A":1}`, `[]`, `null`, ``} {
		f.Add([]byte(seed))
	}
	client := newHTTP(f)
	static := http.Header{"X-Key": {"k"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		grant, err := readGrant(client, &channel.Response{Status: http.StatusOK, Body: body}, static)
		if err != nil {
			return
		}
		for name, values := range grant.Header {
			if name != "X-Key" && channel.CheckHeader(name, values[0]) != nil {
				t.Errorf("%q: header %q: %q", body, name, values)
			}
		}
	})
}
