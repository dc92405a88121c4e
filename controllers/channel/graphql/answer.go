package graphql

import (
	"cmp"
	"encoding/json"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// Codes of errors that many servers share.
const (
	CodeUnauthenticated  = "UNAUTHENTICATED"
	CodeForbidden        = "FORBIDDEN"
	CodeParseFailed      = "GRAPHQL_PARSE_FAILED"
	CodeValidationFailed = "GRAPHQL_VALIDATION_FAILED"
)

// Answer is the response to an operation, by section 7.1 of the GraphQL specification.
type Answer struct {
	Data       json.RawMessage `json:"data"`
	Errors     Errors          `json:"errors"`
	Extensions json.RawMessage `json:"extensions"`
}

// Parse reads the answer in a response; nil if there is none.
func Parse(r *channel.Response) *Answer {
	if r == nil {
		return nil
	}
	var answer *Answer
	if json.Unmarshal(r.Body, &answer) != nil {
		return nil
	}
	return answer
}

// Error is one error of an answer.
type Error struct {
	// Message is the server's, as it came.
	Message string
	// Path leads to the field that failed; indexes are in decimal. Empty where the error is about the
	// whole request.
	Path []string
	// Code is extensions.code; empty unless it is a string.
	Code string
	// Extensions is whatever else the server tells.
	Extensions json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler. Only what programs act upon has to be there: a server with
// an odd path must not hide its error behind one of decoding.
func (e *Error) UnmarshalJSON(raw []byte) error {
	*e = Error{}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		e.Message = text
		return nil
	}
	var in struct {
		Message    json.RawMessage   `json:"message"`
		Path       []json.RawMessage `json:"path"`
		Extensions json.RawMessage   `json:"extensions"`
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	if json.Unmarshal(in.Message, &e.Message) != nil {
		e.Message = string(in.Message)
	}
	for _, element := range in.Path {
		e.Path = append(e.Path, strings.Trim(string(element), `"`))
	}
	e.Extensions = in.Extensions
	var known struct {
		Code json.RawMessage `json:"code"`
	}
	if json.Unmarshal(in.Extensions, &known) == nil {
		_ = json.Unmarshal(known.Code, &e.Code)
	}
	return nil
}

// Errors are the errors of an answer.
type Errors []Error

// UnmarshalJSON implements json.Unmarshaler. Gateways in front of a server send one text, or an object,
// instead of a list.
func (e *Errors) UnmarshalJSON(raw []byte) error {
	*e = nil
	if none(raw) {
		return nil
	}
	if raw[0] == '[' {
		return json.Unmarshal(raw, (*[]Error)(e))
	}
	*e = make(Errors, 1)
	return json.Unmarshal(raw, &(*e)[0])
}

// With returns the first error with a code; nil if there is none.
func (e Errors) With(code string) *Error {
	for i := range e {
		if e[i].Code == code {
			return &e[i]
		}
	}
	return nil
}

// String is what the errors say, for people.
func (e Errors) String() string {
	words := make([]string, len(e))
	for i := range e {
		words[i] = cmp.Or(channel.Clean(e[i].Message), channel.Clean(e[i].Code), "an error without a message")
	}
	return strings.Join(words, "; ")
}

// Classify says what errors mean by the codes that servers share. A document that is refused cannot be put
// right by a repetition: the Channel names a server, or a version of it, that the connector does not know.
// Any other error may be about the server, and must not park SKUs.
func Classify(a *Answer) *channel.Error {
	class, reason := channel.Retry, channel.ReasonGraphQLError
	switch {
	case a.Errors.With(CodeUnauthenticated) != nil, a.Errors.With(CodeForbidden) != nil:
		class, reason = channel.Unauthorized, channel.ReasonUnauthorized
	case a.Errors.With(CodeParseFailed) != nil, a.Errors.With(CodeValidationFailed) != nil:
		class, reason = channel.Terminal, channel.ReasonInvalidQuery
	}
	return channel.NewError(class, reason, a.Errors.String())
}
