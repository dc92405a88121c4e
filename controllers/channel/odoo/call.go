package odoo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

var errNoReference = errors.New("a reference has no id")

// call calls a method of a model. Every call is a transaction: where it fails, it has changed nothing.
func (c *connector) call(ctx context.Context, model, method string, arguments any) (*channel.Response, error) {
	answer, err := c.http.Do(ctx, channel.Request{Method: http.MethodPost, URL: c.base + model + "/" + method, Header: c.header, Body: arguments})
	if err != nil {
		return nil, c.explain(answer, err)
	}
	return answer, nil
}

// failure is an error as the JSON-2 API reports it. It also has the traceback, which is not read.
type failure struct {
	// Name is the Python exception, with its module.
	Name    string `json:"name"`
	Message string `json:"message"`
}

// decodeFailure reads an error; nil for what is none of Odoo's.
func decodeFailure(body []byte) *failure {
	var out failure
	if json.Unmarshal(body, &out) != nil || out.Name == "" {
		return nil
	}
	return &out
}

// kind is the exception without its module.
func (f *failure) kind() string { return f.Name[strings.LastIndex(f.Name, ".")+1:] }

// aboutRecord reports whether the failure is about what was to be stored. Others are about the call: a
// wrong address, an argument that the version does not know, another transaction.
func (f *failure) aboutRecord(status int) bool {
	switch {
	case strings.HasPrefix(f.Name, "werkzeug."):
		return false
	case f.kind() == "MissingError": // 404: a record has been deleted
		return true
	}
	return status == http.StatusUnprocessableEntity // UserError, ValidationError, and what modules derive from them
}

var exceptionName = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`)

// explain puts Odoo's own words into an error, and blames a SKU only where Odoo refuses what was to be
// stored: the lane then tries the halves alone, as Odoo does not say which one it is.
func (c *connector) explain(answer *channel.Response, err error) error {
	if answer == nil {
		return err
	}
	f := decodeFailure(answer.Body)
	if f == nil {
		return err
	}
	e := channel.AsError(err)
	switch {
	case f.aboutRecord(answer.Status):
		e = e.With(channel.Rejected)
	case e.Class == channel.Rejected:
		e = e.With(channel.Retry)
	}
	if kind := f.kind(); e.Class != channel.Unauthorized && e.Class != channel.Throttled && exceptionName.MatchString(kind) {
		e = e.WithReason(channel.Reason(kind))
	}
	if f.Message != "" {
		e = e.WithMessage(http.StatusText(answer.Status) + ": " + c.http.Redact(f.Message))
	}
	return e
}

// decodeList reads an answer that must be a list: null would pass for an empty one.
func (c *connector) decodeList(answer *channel.Response, into any) error {
	if !bytes.HasPrefix(bytes.TrimSpace(answer.Body), []byte("[")) {
		return channel.InvalidAnswer("the answer is not the list that is expected")
	}
	return c.http.Decode(answer, into)
}
