package ebay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"tallyman.dev/tallyman/controllers/channel"
)

// Identifiers of errors, by the Inventory API's specification.
const (
	quotaUsedUp     = 2001  // of any API
	userError       = 25002 // says nothing by itself
	invalidQuantity = 25004
	skuNotFound     = 25702
	invalidValue    = 25709 // of a field, or of a header
	notFound        = 25710
	noOffer         = 25713
)

// revisionPause is how long a SKU rests whose listing has been revised too often today.
const revisionPause = time.Hour

// fault is an error in an answer of eBay's REST APIs.
type fault struct {
	ErrorID     int    `json:"errorId"`
	Domain      string `json:"domain"`
	Category    string `json:"category"` // REQUEST, or APPLICATION and SYSTEM where eBay is to blame
	Message     string `json:"message"`
	LongMessage string `json:"longMessage"`
}

func (f fault) text() string { return cmp.Or(f.LongMessage, f.Message) }

func (f fault) ours() bool { return f.Category == "" || strings.EqualFold(f.Category, "REQUEST") }

// refusal is the cause of the error of a call that eBay refuses as a whole because of what was sent.
type refusal struct {
	status int
	faults []fault
}

func (r *refusal) Error() string { return fmt.Sprintf("eBay refuses the call: %d", r.status) }

// refusalOf returns the refusal in an error; nil if it is another one.
func refusalOf(err error) *refusal {
	r, _ := errors.AsType[*refusal](err)
	return r
}

// explain says what an answer that is no success means: a status alone does not tell.
func (c *connector) explain(ctx context.Context, answer *channel.Response, err error) error {
	e := channel.AsError(err)
	if answer == nil || answer.Status < 400 || answer.Status >= 500 || e.Class == channel.Unauthorized {
		return err
	}
	if e.Class == channel.Throttled {
		if e.RetryAfter == 0 {
			return e.WithPause(c.untilReset(ctx))
		}
		return e
	}
	var body struct {
		Errors []fault `json:"errors"`
	}
	if json.Unmarshal(answer.Body, &body) != nil || len(body.Errors) == 0 {
		return err // not eBay's words
	}
	switch {
	case slices.ContainsFunc(body.Errors, aboutHeader):
		return e.With(channel.Terminal).WithReason(reasonInvalidLanguage)
	case slices.ContainsFunc(body.Errors, func(f fault) bool { return !f.ours() }):
		return e.With(channel.Retry)
	case slices.ContainsFunc(body.Errors, func(f fault) bool { return f.Domain != "API_INVENTORY" }):
		return e.With(channel.Retry) // the gateway's, which knows no SKUs: the address may be wrong
	}
	return e.WithCause(&refusal{answer.Status, body.Errors})
}

// aboutHeader reports whether a fault blames a header, which is the same in all calls.
func aboutHeader(f fault) bool {
	return f.ErrorID == invalidValue && strings.Contains(strings.ToLower(f.text()), "header")
}

// revised matches how eBay says that a listing has been revised as often as a day allows. Its
// specification has no identifier for that.
var revised = regexp.MustCompile(`(?i)revis.*(limit|maximum|exceed|too many|250)|(limit|maximum|exceed|too many).*revis`)

// skuError says what became of a SKU, by the status and the errors of its row.
func (c *connector) skuError(status int, faults []fault) *channel.Error {
	var f fault
	if len(faults) > 0 {
		f = faults[0]
	}
	reason := channel.Reason(fmt.Sprintf("Error%d", f.ErrorID))
	if f.ErrorID == 0 {
		reason = channel.StatusReason(status)
	}
	out := channel.NewError(channel.Rejected, reason,
		c.http.Redact(cmp.Or(f.text(), fmt.Sprintf("eBay answers %d for the SKU, and does not say why", status))))
	switch {
	case f.ErrorID == skuNotFound, f.ErrorID == notFound, f.ErrorID == 0 && status == http.StatusNotFound:
		return out.With(channel.Unmapped).WithReason(channel.ReasonUnknownSKU)
	case f.ErrorID == quotaUsedUp, status == http.StatusTooManyRequests:
		return out.With(channel.Throttled).WithReason(channel.ReasonThrottled)
	case revised.MatchString(f.text()):
		return out.With(channel.Throttled).WithReason(reasonRevisionLimit).WithPause(revisionPause)
	case !f.ours(), status >= http.StatusInternalServerError, f.ErrorID == noOffer:
		return out.With(channel.Retry) // an offer that is gone is found missing by the next look
	case f.ErrorID == userError, f.ErrorID == 0:
		return out.With(channel.Unconfirmed).WithReason(channel.ReasonRefusedByChannel)
	case f.ErrorID == invalidQuantity:
		return out.WithReason(channel.ReasonInvalidQuantity)
	}
	return out
}
