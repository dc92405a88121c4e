package walmart

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// fault is an error in an answer.
type fault struct {
	Code        string `json:"code"`
	Category    string `json:"category"` // DATA or REQUEST, or APPLICATION and SYSTEM where Walmart is to blame
	Severity    string `json:"severity"` // INFO, WARN or ERROR
	Field       string `json:"field"`
	Description string `json:"description"`
	Info        string `json:"info"`
	Type        string `json:"type"` // of faults in feeds, in place of the category
}

// name is the code without the service that it is of: CONTENT_NOT_FOUND.GMP_INVENTORY_API.
func (f fault) name() string {
	name, _, _ := strings.Cut(f.Code, ".")
	return name
}

func (f fault) text() string { return cmp.Or(f.Description, f.Info, f.Code) }

// faults are errors, which Walmart writes as a list, as one, or as an object that holds either.
type faults []fault

// UnmarshalJSON implements json.Unmarshaler. What is no error is none.
func (f *faults) UnmarshalJSON(raw []byte) error {
	*f = nil
	var nested struct {
		Error          json.RawMessage `json:"error"`
		IngestionError json.RawMessage `json:"ingestionError"`
	}
	if isA("{", raw) {
		if err := json.Unmarshal(raw, &nested); err != nil {
			return err
		}
	}
	switch {
	case len(nested.Error) > 0:
		raw = nested.Error
	case len(nested.IngestionError) > 0:
		raw = nested.IngestionError
	}
	switch {
	case isA("[", raw):
		return json.Unmarshal(raw, (*[]fault)(f))
	case isA("{", raw):
		var one fault
		if err := json.Unmarshal(raw, &one); err != nil || one == (fault{}) {
			return err
		}
		*f = faults{one}
	}
	return nil
}

func isA(start string, raw []byte) bool { return bytes.HasPrefix(bytes.TrimSpace(raw), []byte(start)) }

// refusal is the cause of an error that Walmart gives because of what was sent.
type refusal struct {
	status int
	faults faults
}

func (r *refusal) Error() string { return fmt.Sprintf("Walmart refuses the request: %d", r.status) }

func refusalOf(err error) *refusal {
	r, _ := errors.AsType[*refusal](err)
	return r
}

// explain says what an answer that is no success means: a status alone does not tell.
func (c *connector) explain(r request, answer *channel.Response, err error) error {
	e := channel.AsError(err)
	if answer == nil || answer.Status < 400 || answer.Status >= 500 || e.Class == channel.Unauthorized {
		return err
	}
	if e.Class == channel.Throttled {
		return e.WithPause(cmp.Or(e.RetryAfter, r.allotment.pause(answer.Header)))
	}
	var body struct {
		Errors faults `json:"errors"`
		Error  faults `json:"error"`
	}
	if json.Unmarshal(answer.Body, &body) != nil {
		return err // not Walmart's words
	}
	all := slices.Concat(body.Errors, body.Error)
	switch {
	case len(all) == 0, slices.ContainsFunc(all, func(f fault) bool { return f.name() == "URI_NOT_FOUND" }):
		return err // nothing of any SKU
	case slices.ContainsFunc(all, func(f fault) bool { return strings.HasSuffix(f.name(), "_REQUEST_HEADER") }):
		return e.With(channel.Terminal).WithReason(channel.ReasonInvalidHeader) // the same in all requests
	}
	return e.WithCause(&refusal{answer.Status, all})
}

var (
	unknown     = regexp.MustCompile(`(?i)not[ _]?found|does[ _]not[ _]exist`)
	aboutNode   = regexp.MustCompile(`(?i)(ship|fulfil\w*)[ _-]?(node|cent)`)
	notCamel    = regexp.MustCompile(`[^A-Za-z0-9]+`)
	theirFaults = []string{"APPLICATION", "SYSTEM", "SYSTEM_ERROR", "TIMEOUT_ERROR"}
)

// itemError says what became of items, by the errors that are told of them.
func (c *connector) itemError(status int, all faults) *channel.Error {
	var f fault
	if len(all) > 0 {
		f = all[0]
	}
	out := channel.NewError(channel.Rejected, reasonOf(f.name()), c.http.Redact(cmp.Or(f.text(), "Walmart refuses the SKU, and does not say why")))
	whole := f.Code + " " + f.Field + " " + f.text()
	switch {
	case status == http.StatusTooManyRequests:
		return out.With(channel.Throttled).WithReason(channel.ReasonThrottled)
	case unknown.MatchString(whole) && aboutNode.MatchString(whole):
		return out.With(channel.Unmapped).WithReason(reasonUnknownShipNode)
	case unknown.MatchString(whole):
		return out.With(channel.Unmapped).WithReason(channel.ReasonUnknownSKU)
	case status >= http.StatusInternalServerError, slices.Contains(theirFaults, cmp.Or(f.Category, f.Type)):
		return out.With(channel.Retry)
	case f == (fault{}):
		return out.With(channel.Unconfirmed)
	}
	return out
}

// reasonOf writes a code as a word for programs: INVALID_REQUEST_PARAM becomes InvalidRequestParam.
func reasonOf(code string) channel.Reason {
	var out strings.Builder
	for word := range strings.SplitSeq(strings.ToLower(notCamel.ReplaceAllString(code, "_")), "_") {
		if word != "" {
			out.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	reason := out.String()
	if reason == "" || reason[0] >= '0' && reason[0] <= '9' || len(reason) > 64 {
		return channel.ReasonRefusedByChannel
	}
	return channel.Reason(reason)
}
