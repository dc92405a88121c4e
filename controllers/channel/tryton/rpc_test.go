package tryton

import (
	"context"
	"testing"

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

// answering is a sender that is answered with a body.
func answering(body []byte) sender {
	return func(context.Context, channel.Request) (*channel.Response, error) {
		return &channel.Response{Status: 200, Body: body}, nil
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body   string
		class  channel.Class // "" for success
		reason string
		words  string
	}{
		"result":             {body: `{"id":1,"result":[7]}`},
		"null":               {body: `{"id":1,"result":null}`},
		"user error":         {body: `{"id":1,"error":["UserError",["must be positive","because",null]]}`, class: channel.Rejected, reason: "UserError", words: "must be positive"},
		"warning":            {body: `{"id":1,"error":["UserWarning",["name.date_future","in the future",""]]}`, class: channel.Rejected, reason: "UserWarning", words: "in the future"},
		"login":              {body: `{"id":1,"error":["LoginException",["sms_code","Code?","char"]]}`, class: channel.Unauthorized, reason: "LoginException", words: "Code?"},
		"conflict":           {body: `{"id":1,"error":["ConcurrencyException","Records changed"]}`, class: channel.Retry, reason: "ConcurrencyException", words: "Records changed"},
		"crash":              {body: `{"id":1,"error":["database is locked","Traceback"]}`, class: channel.Retry, reason: "ServerError", words: "database is locked"},
		"crash, no words":    {body: `{"id":1,"error":["",""]}`, class: channel.Retry, reason: "ServerError", words: "the server raised an exception without words"},
		"unknown model":      {body: `{"id":1,"error":["'stock.inventory'",""]}`, class: channel.Retry, reason: "ServerError", words: "'stock.inventory'"},
		"neither":            {body: `{"id":1}`, class: channel.Retry, reason: "InvalidAnswer"},
		"error that is none": {body: `{"id":1,"error":[]}`, class: channel.Retry, reason: "InvalidAnswer"},
		"half an error":      {body: `{"id":1,"error":["UserError"]}`, class: channel.Retry, reason: "InvalidAnswer"},
		"error, no words":    {body: `{"id":1,"error":["UserError",[]]}`, class: channel.Retry, reason: "InvalidAnswer"},
		"other error":        {body: `{"id":1,"error":"no"}`, class: channel.Retry, reason: "InvalidAnswer"},
		"other result":       {body: `{"id":1,"result":{"a":1}}`, class: channel.Retry, reason: "InvalidAnswer"},
		"cut":                {body: `{"id":1,"result":[7`, class: channel.Retry, reason: "InvalidAnswer"},
		"page":               {body: `<html>`, class: channel.Retry, reason: "InvalidAnswer"},
		"empty":              {class: channel.Retry, reason: "InvalidAnswer"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ids []int64
			err := newConnector(t).call(t.Context(), answering([]byte(tc.body)), &ids, "model.x.create")
			e := channel.AsError(err)
			switch {
			case tc.class == "" && err == nil:
			case e == nil || e.Class != tc.class || string(e.Reason) != tc.reason || tc.words != "" && e.Message != tc.words:
				t.Errorf("%v, want %s, %s: %s", err, tc.class, tc.reason, tc.words)
			}
		})
	}
}

// FuzzAnswer checks that no answer makes a decoder panic, and that none is a success without a result.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"id":1,"result":[1,"key"]}`, `{"id":1,"result":[{"id":1,"active":1,"quantity":2.5,"warehouse.":{"lost_found_location":null}}]}`,
		`{"id":1,"error":["UserError",["no","",null]]}`, `{"id":1,"error":["ConcurrencyException","no"]}`, `{"id":1,"error":[null,[]]}`,
		`{"id":1,"result":{"stock.inventory":{"read":1,"write":true}}}`, `{"result":null}`, `{`,
	} {
		f.Add([]byte(seed))
	}
	c := newConnector(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, into := range []any{&ticket{}, &[]product{}, &[]location{}, &[]line{}, &[]int64{}, &map[string]rights{}, &preferences{}} {
			err := c.call(t.Context(), answering(body), into, "method")
			if e := channel.AsError(err); e != nil && (e.Reason == "" || e.Message == "") {
				t.Errorf("%q: %+v", body, e)
			}
		}
		var ids []int64
		if err := c.call(t.Context(), answering([]byte("{}")), &ids, "method"); err == nil {
			t.Error("an empty answer is taken for success")
		}
	})
}
