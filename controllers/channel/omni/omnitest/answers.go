package omnitest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Throttled answers 429 with Retry-After in seconds.
func Throttled(pause time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(int(pause.Seconds())))
		refuse(w, http.StatusTooManyRequests, "too many calls")
	})
}

// Refused answers with a status and the standard's error body. With 200, it is the error of a
// channel that can answer nothing else.
func Refused(status int, message string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, message) })
}

// Text answers 200 with any body.
func Text(body string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(body)) // an error here means that the caller is gone
	})
}

// refuse answers as the standard wants errors to look.
func refuse(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"hasError": true, "errorMessage": message})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here means that the caller is gone
}
