package omnitest

import (
	"net/http"
	"time"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Throttled answers 429 with Retry-After in seconds.
func Throttled(pause time.Duration) http.Handler {
	return fakeserver.RetryAfter(pause, Refused(http.StatusTooManyRequests, "too many calls"))
}

// Refused answers with a status and the standard's error body. With 200, it is the error of a
// channel that can answer nothing else.
func Refused(status int, message string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, message) })
}

// refuse answers as the standard wants errors to look.
func refuse(w http.ResponseWriter, status int, message string) {
	fakeserver.JSON(w, status, map[string]any{"hasError": true, "errorMessage": message})
}
