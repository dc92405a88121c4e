package fakeserver

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// JSON answers with a status and a value.
func JSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error here means that the caller is gone
}

// Status answers with a status, a text, and headers: name and value in turn.
func Status(status int, text string, header ...string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text) // an error here means that the caller is gone
	})
}

// Text answers 200 with a text.
func Text(text string) http.Handler { return Status(http.StatusOK, text) }

// RetryAfter has an answer ask for a pause, which counts whole seconds.
func RetryAfter(pause time.Duration, answer http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", strconv.Itoa(int(pause.Seconds())))
		answer.ServeHTTP(w, r)
	})
}

// Throttled answers 429 with a pause.
func Throttled(pause time.Duration) http.Handler {
	return RetryAfter(pause, Status(http.StatusTooManyRequests, "too many requests"))
}

// Reset cuts the connection without an answer.
func Reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// Hang answers nothing until the caller has gone.
func Hang(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }

// Flood answers 200 with a body without end.
func Flood(w http.ResponseWriter, r *http.Request) {
	chunk := []byte(strings.Repeat(" ", 1<<16))
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// Record has a request answered without sending the answer. What is answered is never compressed.
func Record(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	out := httptest.NewRecorder()
	r.Header.Del("Accept-Encoding")
	h.ServeHTTP(out, r)
	return out
}

// Cut answers 200 with the headers of another answer, and the first half of its body.
func Cut(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := Record(h, r)
		for name, values := range answer.Header() {
			if name != "Content-Length" {
				w.Header()[name] = values
			}
		}
		_, _ = w.Write(answer.Body.Bytes()[:answer.Body.Len()/2])
	})
}

// Lost has a request answered, and cuts the connection instead of sending the answer.
func Lost(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Record(h, r)
		Reset(w, r)
	})
}
