package erpnext

import (
	"cmp"
	"context"
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
)

// query is what frappe.client.get_list takes. Without a limit it answers 20 rows; 0 is none.
type query struct {
	Doctype string   `json:"doctype"`
	Fields  []string `json:"fields"`
	Filters []filter `json:"filters"`
	Limit   int      `json:"limit_page_length"`
}

// filter is a field, an operator and a value. MariaDB compares without regard to case and to blanks at
// the end: whoever asks for names compares again.
type filter [3]any

// list asks for documents. By POST, as there is no limit to the length of its filters.
func (c *connector) list(ctx context.Context, q query, into any) error {
	answer, err := c.post(ctx, "/api/method/frappe.client.get_list", q)
	if err != nil {
		return err
	}
	return readList(c.http, answer, into)
}

// readList reads an answer to list.
func readList(client *channel.HTTPClient, answer *channel.Response, into any) error {
	var body struct {
		Message json.RawMessage `json:"message"`
	}
	if err := client.Decode(answer, &body); err != nil {
		return err
	}
	if len(body.Message) == 0 || string(body.Message) == "null" { // none is an empty list
		return channel.InvalidAnswer("the answer has no list")
	}
	return client.Decode(&channel.Response{Body: body.Message}, into)
}

// post makes a call. Its error says what the site says.
func (c *connector) post(ctx context.Context, path string, body any) (*channel.Response, error) {
	answer, err := c.http.Do(ctx, channel.Request{Method: http.MethodPost, URL: c.base + path, Header: c.header, Body: body})
	if err == nil || answer == nil {
		return answer, err
	}
	f := c.readFault(answer)
	e := channel.AsError(err)
	class, reason := f.classify(e)
	e = e.With(class).WithReason(reason)
	if f.words != "" {
		e = e.WithMessage(c.http.Redact(f.words))
	}
	return answer, e
}

// fault is what Frappe says of a call that failed.
type fault struct {
	status int
	kind   string // name of the exception's class
	words  string // for people, without markup
}

// readFault reads an answer with an error. One that is not Frappe's has no kind.
func (c *connector) readFault(r *channel.Response) fault {
	f := fault{status: r.Status}
	var body struct {
		Kind      string `json:"exc_type"`
		Exception string `json:"exception"`
		Messages  string `json:"_server_messages"`
	}
	if json.Unmarshal(r.Body, &body) != nil {
		return f
	}
	f.kind = body.Kind
	f.words = cmp.Or(plain(serverMessages(body.Messages)), plain(body.Exception))
	return f
}

// serverMessages reads a JSON list, within a string, of strings, each of which may be a JSON object.
func serverMessages(raw string) string {
	var entries []string
	if json.Unmarshal([]byte(raw), &entries) != nil {
		return ""
	}
	var out []string
	for _, entry := range entries {
		var m struct {
			Message string `json:"message"`
		}
		if json.Unmarshal([]byte(entry), &m) == nil {
			entry = m.Message
		}
		out = append(out, entry)
	}
	return strings.Join(out, "; ")
}

var markup = regexp.MustCompile(`<[^>]*>`)

// plain takes the markup out of a message.
func plain(text string) string {
	return strings.Join(strings.Fields(html.UnescapeString(markup.ReplaceAllString(text, " "))), " ")
}

// Kinds of exceptions.
const (
	// nothingToDo is what a document fails with whose rows all say what is there already.
	nothingToDo = "EmptyStockReconciliationItemsError"
	// noSuchDocument is what a name fails with that nothing has.
	noSuchDocument = "LinkValidationError"
)

// passing are kinds that a later call may not meet.
var passing = sets.New("TimestampMismatchError", "DuplicateEntryError", "DocumentLockedError", "QueryDeadlockError",
	"QueryTimeoutError", "InReadOnlyMode", "SessionStopped")

// ofTheDocument are kinds that are about the whole document unless they name a row: what is to be
// corrected is the site, or the Channel, and no SKU must be parked for it.
var ofTheDocument = sets.New("FiscalYearError", "ClosedAccountingPeriod", "StockFreezeError", "OpeningEntryAccountError",
	"MandatoryError", noSuchDocument)

// classify says what becomes of a call that failed. Frappe answers 417 to what is not valid, and 404 where
// a document does not exist.
func (f fault) classify(e *channel.Error) (channel.Class, channel.Reason) {
	switch {
	case f.kind == "" && f.status == http.StatusExpectationFailed:
		return channel.Rejected, reasonInvalid
	case f.kind == "", e.Class == channel.Unauthorized, e.Class == channel.Throttled, f.status >= http.StatusInternalServerError:
		return e.Class, e.Reason
	case f.kind == "RateLimitExceededError":
		return channel.Throttled, channel.ReasonThrottled
	case passing.Has(f.kind), ofTheDocument.Has(f.kind) && len(f.rows()) == 0:
		return channel.Retry, reasonOf(f.kind)
	}
	return channel.Rejected, reasonOf(f.kind)
}

var word = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`)

// reasonOf makes the name of a class a reason.
func reasonOf(kind string) channel.Reason {
	if word.MatchString(kind) {
		return channel.Reason(kind)
	}
	return reasonInvalid
}
