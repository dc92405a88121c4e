package channel

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"
	"unicode"
)

// Class says what the sync does about an error.
type Class string

const (
	// Retry means that the call may work later.
	Retry Class = "Retry"
	// Throttled means that the channel asks for a pause, of RetryAfter if it says so.
	Throttled Class = "Throttled"
	// Unconfirmed means that the channel failed an item without saying whether a retry helps.
	Unconfirmed Class = "Unconfirmed"
	// Rejected means that the channel refuses the item, or the call because of some item, until it changes.
	Rejected Class = "Rejected"
	// Unmapped means that the channel has no item for a SKU, or several: somebody must see to it, on
	// the channel or in the mapping. It is tried again now and then.
	Unmapped Class = "Unmapped"
	// Unauthorized means that nothing works until the Secret or the spec changes.
	Unauthorized Class = "Unauthorized"
	// Terminal means that nothing works until the spec changes.
	Terminal Class = "Terminal"
)

// maxMessage is how much of a channel's words is kept, in characters.
const maxMessage = 300

// Error is what went wrong with a call or an item.
type Error struct {
	Class  Class
	Reason Reason
	// Message is for people, of at most 300 characters. It holds no secret.
	Message string
	// RetryAfter is the pause that the channel asks for; 0 if it does not.
	RetryAfter time.Duration
	// Err is the cause, if any.
	Err error
}

// NewError makes an error with what a channel said made fit to be shown.
func NewError(class Class, reason Reason, message string) *Error {
	return &Error{Class: class, Reason: reason, Message: Clean(message)}
}

// InvalidAnswer is the error of an answer that is not what the channel documents: the call is worth a retry.
func InvalidAnswer(message string) *Error { return NewError(Retry, ReasonInvalidAnswer, message) }

// NotConfirmed is the error of an item that the channel's answer says nothing of.
func NotConfirmed(message string) *Error { return NewError(Unconfirmed, ReasonNotConfirmed, message) }

// Error implements error.
func (e *Error) Error() string { return string(e.Reason) + ": " + e.Message }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// With returns a copy of another class: errors may be shared, and are never changed.
func (e *Error) With(class Class) *Error {
	out := *e
	out.Class = class
	return &out
}

// WithReason returns a copy with another reason.
func (e *Error) WithReason(reason Reason) *Error {
	out := *e
	out.Reason = reason
	return &out
}

// WithMessage returns a copy that says something else, made fit to be shown.
func (e *Error) WithMessage(message string) *Error {
	out := *e
	out.Message = Clean(message)
	return &out
}

// WithPause returns a copy with the pause that the channel asks for.
func (e *Error) WithPause(pause time.Duration) *Error {
	out := *e
	out.RetryAfter = pause
	return &out
}

// WithCause returns a copy with a cause.
func (e *Error) WithCause(err error) *Error {
	out := *e
	out.Err = err
	return &out
}

// BlameNoItem makes the refusal of a call that is not about single items, such as a look-up or a login, one that
// is worth a retry: nothing is gained by a search for the item that caused it, and no SKU must be parked for it.
// Other errors, and nil, stay as they are.
func BlameNoItem(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Class == Rejected {
		return e.With(Retry)
	}
	return err
}

// AsError returns the *Error in err, or makes one of class Retry. It is nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	out := NewError(Retry, ReasonFailed, err.Error())
	out.Err = err
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled):
		out.Reason = ReasonCancelled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		out.Reason = ReasonTimeout
	case errors.As(err, new(*net.OpError)), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		out.Reason = ReasonConnectionFailed
	}
	return out
}

// Clean makes foreign text fit to be shown: at most 300 characters, and none that acts on a
// terminal or cannot be seen.
func Clean(text string) string {
	kept := make([]rune, 0, maxMessage)
	for _, r := range strings.TrimSpace(text) { // bytes that are no UTF-8 become U+FFFD
		if len(kept) == maxMessage {
			kept[maxMessage-1] = '…'
			break
		}
		if !unicode.IsGraphic(r) {
			r = ' '
		}
		kept = append(kept, r)
	}
	return strings.TrimSpace(string(kept))
}
