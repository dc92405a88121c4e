// Package graphql makes GraphQL calls over HTTP for connectors, by the client and the session that all
// connectors share.
//
// Those already encode, bound, mask and classify, and take and give whole bodies, while the known client
// libraries want an http.Client's Do: around them, more code would turn requests and answers to and fro
// than is here.
package graphql

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"tallyman.dev/tallyman/controllers/channel"
)

// Request is one operation.
type Request struct {
	// Query is a document with one operation, or with several of which OperationName picks one.
	Query         string `json:"query"`
	OperationName string `json:"operationName,omitempty"`
	// Variables is encoded as a JSON object; nil for none.
	Variables any `json:"variables,omitempty"`
}

// Client makes calls to one endpoint. It is safe for concurrent use; its fields are set before the first
// call.
type Client struct {
	URL string
	// Header holds headers of every call.
	Header http.Header
	HTTP   *channel.HTTPClient
	// Do makes the calls, such as that of a Session around HTTP; that of HTTP unless set.
	Do func(context.Context, channel.Request) (*channel.Response, error)
	// Classify says what the errors of an answer, at least one, mean; Classify of this package unless set.
	Classify func(*Answer) *channel.Error
}

// Call makes a call and decodes the data of its answer. An answer with errors fails, even if it has data
// too: what Classify makes of the errors is returned, with the answer for callers that look closer. All
// other errors are those of Do, or say that the answer is no GraphQL.
func (c *Client) Call(ctx context.Context, r Request, data any) (*Answer, error) {
	do := c.Do
	if do == nil {
		do = c.HTTP.Do
	}
	response, err := do(ctx, channel.Request{Method: http.MethodPost, URL: c.URL, Header: c.Header, Body: r})
	if err != nil {
		return c.refused(response, err)
	}
	answer := &Answer{}
	if err := c.HTTP.Decode(response, answer); err != nil {
		return nil, err
	}
	if len(answer.Errors) > 0 {
		return answer, c.classify(answer)
	}
	if none(answer.Data) {
		return nil, channel.InvalidAnswer("the answer has neither data nor errors")
	}
	return answer, c.HTTP.Decode(&channel.Response{Body: answer.Data}, data)
}

// refused looks at an answer that is no success. Servers may answer what they cannot parse, validate or
// execute with a status of 4xx: that is about the document or one of its fields, and their errors say more
// of it than the status.
func (c *Client) refused(response *channel.Response, err error) (*Answer, error) {
	failure, ok := errors.AsType[*channel.Error](err)
	if !ok || failure.Class != channel.Rejected || response == nil {
		return nil, err
	}
	answer := Parse(response)
	if answer == nil || len(answer.Errors) == 0 {
		return nil, err
	}
	return answer, c.classify(answer)
}

func (c *Client) classify(a *Answer) error {
	for i := range a.Errors {
		a.Errors[i].Message = c.HTTP.Redact(a.Errors[i].Message)
	}
	if c.Classify != nil {
		return c.Classify(a)
	}
	return Classify(a)
}

// none reports whether there is no value.
func none(raw json.RawMessage) bool {
	return len(raw) == 0 || bytes.Equal(raw, []byte("null"))
}
