package shopify

import (
	"encoding/json"
	"math"
	"strings"
	"time"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

// maxPause bounds the pause that is computed from Shopify's figures.
const maxPause = time.Hour

// classify says what the errors of a call mean. A document or its variables that are refused cannot be put
// right by a repetition, and no item is to blame: a version that Shopify no longer serves is answered by a
// later one, which may want other arguments.
func classify(a *graphql.Answer) *channel.Error {
	message := a.Errors.String()
	for _, e := range a.Errors {
		switch {
		case e.Code == "THROTTLED":
			return channel.NewError(channel.Throttled, channel.ReasonThrottled, message).WithPause(pause(a.Extensions))
		case e.Code == "ACCESS_DENIED":
			return channel.NewError(channel.Unauthorized, channel.ReasonAccessDenied, message)
		case e.Code == "MAX_COST_EXCEEDED", e.Code == "MAX_INPUT_SIZE_EXCEEDED":
			return channel.NewError(channel.Terminal, reasonCallTooLarge, message)
		case e.Code == "BAD_REQUEST", e.Code == "INVALID_FIELD_ARGUMENTS", e.Code == "INVALID_VARIABLE", isStatic(e.Code):
			return channel.NewError(channel.Terminal, channel.ReasonInvalidQuery, message)
		}
	}
	return channel.NewError(channel.Retry, channel.ReasonGraphQLError, message)
}

// isStatic reports whether a code is of a document that is invalid, such as undefinedField: they alone begin with a
// small letter.
func isStatic(code string) bool {
	return code != "" && code[0] >= 'a' && code[0] <= 'z'
}

// pause returns how long the bucket of points takes to hold what the call wants; 0 if that is not known.
func pause(extensions json.RawMessage) time.Duration {
	var in struct {
		Cost struct {
			Requested float64 `json:"requestedQueryCost"`
			Throttle  struct {
				Available float64 `json:"currentlyAvailable"`
				PerSecond float64 `json:"restoreRate"`
			} `json:"throttleStatus"`
		} `json:"cost"`
	}
	if json.Unmarshal(extensions, &in) != nil || in.Cost.Throttle.PerSecond <= 0 {
		return 0
	}
	seconds := math.Ceil((in.Cost.Requested - in.Cost.Throttle.Available) / in.Cost.Throttle.PerSecond)
	return time.Duration(min(max(seconds, 0), maxPause.Seconds())) * time.Second
}

// camelCase turns a code such as INVALID_QUANTITY_TOO_HIGH, of which there are more in each version, into a
// reason.
func camelCase(code string) channel.Reason {
	var out strings.Builder
	for word := range strings.SplitSeq(code, "_") {
		for i, r := range word {
			switch {
			case r >= '0' && r <= '9' && out.Len() > 0, i == 0 && r >= 'A' && r <= 'Z':
				out.WriteRune(r)
			case r >= 'A' && r <= 'Z':
				out.WriteRune(r - 'A' + 'a')
			default:
				return channel.ReasonRefusedByChannel
			}
		}
	}
	if out.Len() == 0 || out.Len() > maxReason {
		return channel.ReasonRefusedByChannel
	}
	return channel.Reason(out.String())
}

// maxReason is how long a reason may be.
const maxReason = 64
