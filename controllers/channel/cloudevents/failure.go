package cloudevents

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"tallyman.dev/tallyman/controllers/channel"
)

// explain returns an error of a call as an *Error whose words hold no credential, and whose cause is
// left out as it may.
func (s *stream) explain(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return channel.AsError(err)
	}
	if e, ok := errors.AsType[*channel.Error](err); ok {
		return e
	}
	class, reason := classify(err)
	return channel.NewError(class, reason, s.redact(err.Error()))
}

func classify(err error) (channel.Class, channel.Reason) {
	if api := apiError(err); api != nil {
		return classifyAPI(api)
	}
	switch {
	case isAny(err, nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired,
		nats.ErrPermissionViolation, nats.ErrNkeysNotSupported):
		return channel.Unauthorized, channel.ReasonUnauthorized
	case isAny(err, nats.ErrNoResponders, jetstream.ErrNoStreamResponse):
		return channel.Retry, reasonNoStream
	case isAny(err, nats.ErrTimeout):
		return channel.Retry, channel.ReasonTimeout
	case isAny(err, jetstream.ErrInvalidJSAck):
		return channel.Retry, channel.ReasonInvalidAnswer
	case isAny(err, nats.ErrConnectionClosed, nats.ErrNoServers, nats.ErrDisconnected, nats.ErrStaleConnection,
		nats.ErrSecureConnWanted, nats.ErrSecureConnRequired):
		return channel.Retry, channel.ReasonConnectionFailed
	}
	return channel.Retry, channel.AsError(err).Reason
}

// classifyAPI classes what JetStream answers. Its codes follow those of HTTP.
func classifyAPI(api *jetstream.APIError) (channel.Class, channel.Reason) {
	switch {
	case api.ErrorCode == jetstream.JSErrCodeStreamNotFound:
		return channel.Retry, reasonNoStream
	case api.Code == http.StatusTooManyRequests:
		return channel.Throttled, channel.ReasonThrottled
	case api.Code == http.StatusForbidden:
		return channel.Unauthorized, channel.ReasonUnauthorized
	}
	return channel.Retry, channel.Reason(fmt.Sprintf("JetStream%d", api.ErrorCode))
}

// failureOf returns the failure of one message, nil where an error is about the call.
func (s *stream) failureOf(err error) *channel.Error {
	if e, ok := errors.AsType[*channel.Error](err); ok {
		if e.Reason == reasonOvertaken || e.Reason == reasonContended {
			return e
		}
		return nil
	}
	api := apiError(err)
	switch {
	case errors.Is(err, nats.ErrPermissionViolation):
		return channel.NewError(channel.Rejected, reasonPermissionDenied, s.redact(err.Error()))
	case errors.Is(err, nats.ErrMaxPayload), api != nil && api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum:
		return channel.NewError(channel.Rejected, reasonTooLarge, s.redact(err.Error()))
	}
	return nil
}

// apiError returns what JetStream answered; nil where it did not.
func apiError(err error) *jetstream.APIError {
	if js, ok := errors.AsType[jetstream.JetStreamError](err); ok {
		return js.APIError()
	}
	return nil
}

// isRace reports whether the subject has another last message than the one that was expected.
func isRace(err error) bool {
	api := apiError(err)
	return api != nil && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// isNoMessage reports whether a subject has no message.
func isNoMessage(err error) bool { return errors.Is(err, jetstream.ErrMsgNotFound) }

// isSilence reports whether a server did not answer in time: its connection is given up, as what waits there
// would hold up whatever comes later.
func isSilence(err error) bool {
	return isAny(err, context.Canceled, context.DeadlineExceeded, nats.ErrTimeout)
}

func isAny(err error, targets ...error) bool {
	for _, target := range targets {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
