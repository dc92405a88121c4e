package tryton

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"tallyman.dev/tallyman/controllers/channel"
)

// request is a call. Tryton answers errors as JSON only to exactly these keys.
type request struct {
	ID     int    `json:"id"`
	Method string `json:"method"`
	Params []any  `json:"params"`
}

// answer has a result, which may be null, or an error.
type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *fault          `json:"error"`
}

// fault is an exception of the server: a pair of its kind and its arguments where Tryton raised it on
// purpose, of its text and a traceback for any other.
type fault struct {
	kind, text string
}

// Kinds of exceptions that Tryton raises on purpose.
const (
	userError    = "UserError"
	userWarning  = "UserWarning"
	loginNeeded  = "LoginException"
	concurrency  = "ConcurrencyException"
	serverFailed = "ServerError" // any other exception
)

var errNoFault = errors.New("an error that is not a pair")

// UnmarshalJSON implements json.Unmarshaler.
func (f *fault) UnmarshalJSON(raw []byte) error {
	var pair []json.RawMessage
	if err := json.Unmarshal(raw, &pair); err != nil {
		return err
	}
	if len(pair) == 0 {
		return errNoFault
	}
	if err := json.Unmarshal(pair[0], &f.kind); err != nil {
		return err
	}
	switch f.kind {
	case userError, userWarning, loginNeeded, concurrency:
	default:
		f.kind, f.text = serverFailed, f.kind // pair[1] is a traceback
		return nil
	}
	if len(pair) == 1 {
		return errNoFault
	}
	return f.readArguments(pair[1])
}

// readArguments finds the message: a warning's arguments begin with its name, a login's with that of
// what is asked for; those of a conflict are the message itself.
func (f *fault) readArguments(raw []byte) error {
	if json.Unmarshal(raw, &f.text) == nil {
		return nil
	}
	var arguments []json.RawMessage
	if err := json.Unmarshal(raw, &arguments); err != nil {
		return err
	}
	if f.kind != userError && len(arguments) > 0 {
		arguments = arguments[1:]
	}
	if len(arguments) == 0 {
		return errNoFault
	}
	return json.Unmarshal(arguments[0], &f.text)
}

// err says what a fault means for a call that changes stock.
func (f *fault) err(client *channel.HTTPClient) *channel.Error {
	class, reason := channel.Retry, channel.Reason(f.kind)
	switch f.kind {
	case userError, userWarning:
		class = channel.Rejected
	case loginNeeded:
		class = channel.Unauthorized
	}
	text := client.Redact(f.text)
	if text == "" {
		text = "the server raised an exception without words"
	}
	return channel.NewError(class, reason, text)
}

// sender makes a call with or without a session.
type sender func(context.Context, channel.Request) (*channel.Response, error)

// call calls a method. Into is where its result goes; nil for one that does not matter.
func (c *connector) call(ctx context.Context, send sender, into any, method string, params ...any) error {
	response, err := send(ctx, channel.Request{
		Method: http.MethodPost, URL: c.url, Body: request{ID: 1, Method: method, Params: params},
	})
	if err != nil {
		return err
	}
	var a answer
	if err := c.http.Decode(response, &a); err != nil {
		return err
	}
	switch {
	case a.Error != nil:
		return a.Error.err(c.http)
	case a.Result == nil:
		return channel.InvalidAnswer("the answer has neither a result nor an error")
	case into == nil:
		return nil
	}
	return c.http.Decode(&channel.Response{Body: a.Result}, into)
}

// ask calls a method that does not depend on single items: whatever it answers, no SKU is to blame.
func (c *connector) ask(ctx context.Context, send sender, into any, method string, params ...any) error {
	return channel.BlameNoItem(c.call(ctx, send, into, method, params...))
}

// frame is the context of a call, which Tryton wants as the last parameter of each.
type frame struct {
	// Company is whose stock a call is about.
	Company int64 `json:"company,omitempty"`
	// Locations are where quantities are summed.
	Locations []int64 `json:"locations,omitempty"`
	// WithChilds adds what lies in locations below. Tryton assumes true for a single location, whereas
	// an inventory counts what lies at the location itself.
	WithChilds *bool `json:"with_childs,omitempty"`
	// ActiveTest hides what is deactivated, unless it is false.
	ActiveTest *bool `json:"active_test,omitempty"`
}

// flag is a boolean, which Tryton sends as a number where its database is SQLite.
type flag bool

// UnmarshalJSON implements json.Unmarshaler.
func (f *flag) UnmarshalJSON(raw []byte) error {
	var number float64
	if json.Unmarshal(raw, &number) == nil {
		*f = number != 0
		return nil
	}
	return json.Unmarshal(raw, (*bool)(f))
}
