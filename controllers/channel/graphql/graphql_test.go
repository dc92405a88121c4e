package graphql_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

const secret = "s3cret-token"

func newClient(t testing.TB, url string) *graphql.Client {
	t.Helper()
	client, err := channel.NewHTTPClient(channel.Config{
		Channel: &inventoryv1alpha1.Channel{}, Credentials: map[string][]byte{"token": []byte(secret)}, Clock: clock.RealClock{},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &graphql.Client{URL: url, Header: http.Header{"X-Token": {secret}}, HTTP: client}
}

func serve(t *testing.T, status int, body string) *graphql.Client {
	t.Helper()
	return newClient(t, fakeserver.Start(t, fakeserver.Status(status, body)))
}

type shopData struct {
	Shop struct{ Name string }
}

func TestRequest(t *testing.T) {
	t.Parallel()
	type seen struct{ Method, Token, ContentType, Body string }
	var got seen
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method, r.Header.Get("X-Token"), r.Header.Get("Content-Type"), string(body)}
		_, _ = io.WriteString(w, `{"data":{"shop":{"name":"A"}},"extensions":{"cost":1}}`)
	}))
	request := graphql.Request{Query: "query Q($n: Int) {shop{name}}", OperationName: "Q", Variables: struct {
		N *int `json:"n"`
	}{}}
	var data shopData
	answer, err := newClient(t, url).Call(t.Context(), request, &data)
	if err != nil || data.Shop.Name != "A" || string(answer.Extensions) != `{"cost":1}` {
		t.Errorf("%+v, %+v, %v", data, answer, err)
	}
	want := seen{"POST", secret, "application/json", `{"query":"query Q($n: Int) {shop{name}}","operationName":"Q","variables":{"n":null}}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	type failure struct {
		Class           channel.Class
		Reason, Message string
	}
	invalid := func(message string) failure { return failure{channel.Retry, "InvalidAnswer", message} }
	cases := map[string]struct {
		status int // 200 unless set
		body   string
		want   failure
	}{
		"data":           {body: `{"data":{"shop":{"name":"A"}}}`},
		"empty errors":   {body: `{"data":{"shop":{"name":"A"}},"errors":[]}`},
		"null errors":    {body: `{"data":{"shop":{"name":"A"}},"errors":null}`},
		"unknown keys":   {body: `{"data":{"shop":{"name":"A"}},"hasNext":false}`},
		"error":          {body: `{"errors":[{"message":"no"}]}`, want: failure{channel.Retry, "GraphQLError", "no"}},
		"data and error": {body: `{"data":{"shop":null},"errors":[{"message":"no","path":["shop",0]}]}`, want: failure{channel.Retry, "GraphQLError", "no"}},
		"two errors":     {body: `{"errors":[{"message":"a"},{"extensions":{"code":"B"}}]}`, want: failure{channel.Retry, "GraphQLError", "a; B"}},
		"no message":     {body: `{"errors":[{}]}`, want: failure{channel.Retry, "GraphQLError", "an error without a message"}},
		"text":           {body: `{"errors":"Not Found"}`, want: failure{channel.Retry, "GraphQLError", "Not Found"}},
		"object":         {body: `{"errors":{"message":"no"}}`, want: failure{channel.Retry, "GraphQLError", "no"}},
		"odd members":    {body: `{"errors":[{"message":7,"path":[1.5,{}],"extensions":{"code":7}}]}`, want: failure{channel.Retry, "GraphQLError", "7"}},
		"credentials":    {body: `{"errors":[{"message":"bad ` + secret + `"}]}`, want: failure{channel.Retry, "GraphQLError", "bad ***"}},
		"unauthorized":   {body: `{"errors":[{"message":"no","extensions":{"code":"UNAUTHENTICATED"}}]}`, want: failure{channel.Unauthorized, "Unauthorized", "no"}},
		"forbidden":      {body: `{"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}]}`, want: failure{channel.Unauthorized, "Unauthorized", "no"}},
		"invalid, 200":   {body: `{"errors":[{"message":"no","extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`, want: failure{channel.Terminal, "InvalidQuery", "no"}},
		"invalid, 400": {
			status: 400, body: `{"errors":[{"message":"no field","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
			want: failure{channel.Terminal, "InvalidQuery", "no field"},
		},
		"400 of another": {status: 400, body: `<html>`, want: failure{channel.Rejected, "Status400", "400 Bad Request: <html>"}},
		"401":            {status: 401, body: `{"errors":"no"}`, want: failure{channel.Unauthorized, "Unauthorized", `401 Unauthorized: {"errors":"no"}`}},
		"500":            {status: 500, body: `{"errors":[{"message":"no"}]}`, want: failure{channel.Retry, "Status500", `500 Internal Server Error: {"errors":[{"message":"no"}]}`}},
		"nothing":        {body: `{}`, want: invalid("the answer has neither data nor errors")},
		"null data":      {body: `{"data":null}`, want: invalid("the answer has neither data nor errors")},
		"no JSON":        {body: `OK`, want: invalid("the answer is not the JSON that is expected: invalid character 'O' looking for beginning of value")},
		"cut":            {body: `{"data":{"shop"`, want: invalid("the answer is not the JSON that is expected: unexpected end of JSON input")},
		"other data": {
			body: `{"data":{"shop":7}}`,
			want: invalid("the answer is not the JSON that is expected: json: cannot unmarshal number into Go struct field shopData.Shop of type struct { Name string }"),
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.status == 0 {
				tc.status = http.StatusOK
			}
			var data shopData
			_, err := serve(t, tc.status, tc.body).Call(t.Context(), graphql.Request{Query: "{shop{name}}"}, &data)
			if tc.want == (failure{}) {
				if err != nil || data.Shop.Name != "A" {
					t.Errorf("%+v, %v", data, err)
				}
				return
			}
			e, ok := errors.AsType[*channel.Error](err)
			if !ok {
				t.Fatalf("%v is no *channel.Error", err)
			}
			if diff := cmp.Diff(tc.want, failure{e.Class, string(e.Reason), e.Message}); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnDoAndClassify(t *testing.T) {
	t.Parallel()
	client := newClient(t, "http://shop.example.com/graphql")
	client.Do = func(_ context.Context, r channel.Request) (*channel.Response, error) {
		if r.URL != client.URL {
			t.Errorf("URL %s", r.URL)
		}
		return &channel.Response{Status: 200, Body: []byte(`{"errors":[{"message":"slow","path":["a","0"],"extensions":{"code":"THROTTLED"}}]}`)}, nil
	}
	client.Classify = func(a *graphql.Answer) *channel.Error {
		want := graphql.Errors{{Message: "slow", Path: []string{"a", "0"}, Code: "THROTTLED", Extensions: json.RawMessage(`{"code":"THROTTLED"}`)}}
		if diff := cmp.Diff(want, a.Errors); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
		return channel.NewError(channel.Throttled, "Throttled", a.Errors.String())
	}
	answer, err := client.Call(t.Context(), graphql.Request{Query: "{a}"}, &struct{}{})
	if e := channel.AsError(err); e == nil || e.Class != channel.Throttled || answer == nil {
		t.Errorf("%v, %v", answer, err)
	}
}

// FuzzParse checks that no answer makes the decoder panic, and that an answer has errors whenever its
// errors are not empty, and words for them.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"data":{}}`, `{"errors":"no"}`, `{"errors":[{"message":"no","path":["a",0],"extensions":{"code":"C"}}]}`,
		`{"errors":[null]}`, `{"errors":[{"message":" \u0007"}]}`, `{"errors":{}}`, `{"errors":7}`, `null`, `[]`, `{"errors":[`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answer := graphql.Parse(&channel.Response{Body: body})
		if answer == nil {
			return
		}
		var raw struct {
			Errors []json.RawMessage `json:"errors"`
		}
		if json.Unmarshal(body, &raw) == nil && len(raw.Errors) != len(answer.Errors) {
			t.Errorf("%q: %d errors, want %d", body, len(answer.Errors), len(raw.Errors))
		}
		if len(answer.Errors) > 0 && graphql.Classify(answer).Message == "" {
			t.Errorf("%q: errors without words", body)
		}
	})
}
