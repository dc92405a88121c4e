package channel

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxRetryAfter bounds the pause that a channel can ask for.
const maxRetryAfter = time.Hour

// classify returns the class and the reason of a status that is no success. An item is refused only
// by a status that blames what was sent: any other may be about the address, the sender or the
// receiver, and must not park SKUs.
func classify(status int) (Class, Reason) {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusProxyAuthRequired:
		return Unauthorized, ReasonUnauthorized
	case http.StatusTooManyRequests:
		return Throttled, ReasonThrottled
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return Rejected, StatusReason(status)
	}
	return Retry, StatusReason(status)
}

// statusOriginTimeout is how one kind of proxy says that the server behind it took too long.
const statusOriginTimeout = 524

// InFront tells an error that an answer of a status has caused from those of what stands in front of the channel's
// software, which byChannel says has written the answer itself: firewalls of hosts come and go and must not stop
// the channel, and proxies lose patience where smaller calls may work.
func (e *Error) InFront(status int, byChannel bool) *Error {
	switch status {
	case http.StatusForbidden:
		if !byChannel {
			return e.With(Retry).WithReason(ReasonBlockedByHost)
		}
	case http.StatusRequestTimeout, http.StatusGatewayTimeout, statusOriginTimeout:
		return e.WithReason(ReasonTimeout)
	}
	return e
}

// statusError describes an answer that is no success.
func (c *HTTPClient) statusError(r *Response) *Error {
	class, reason := classify(r.Status)
	message := strings.TrimSpace(fmt.Sprintf("%d %s", r.Status, http.StatusText(r.Status)))
	// Credentials are masked before the text is cut, which would leave halves of them.
	if body := Clean(c.Redact(string(r.Body))); body != "" {
		message += ": " + body
	}
	return NewError(class, reason, message).WithPause(c.retryAfter(r.Header.Get("Retry-After")))
}

// retryAfter reads seconds or a date; 0 for anything else.
func (c *HTTPClient) retryAfter(value string) time.Duration {
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(seconds, 0), int64(maxRetryAfter.Seconds()))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(c.clock.Now()), 0), maxRetryAfter)
}
