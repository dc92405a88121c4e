package webhook

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Codes of refused requests.
const (
	codeMalformed        = "MALFORMED_JSON"
	codeBadData          = "BAD_DATA"
	codeTooManySKUs      = "TOO_MANY_SKUS"
	codeUnknownLocation  = "UNKNOWN_LOCATION"
	codeAmbiguous        = "AMBIGUOUS_LOCATION"
	codeForbidden        = "FORBIDDEN"
	codeUnauthorized     = "UNAUTHORIZED"
	codeRateLimited      = "RATE_LIMITED"
	codeTooLarge         = "BODY_TOO_LARGE"
	codeMediaType        = "UNSUPPORTED_MEDIA_TYPE"
	codeMethod           = "METHOD_NOT_ALLOWED"
	codeNotFound         = "NOT_FOUND"
	codeKeyReused        = "IDEMPOTENCY_KEY_REUSED"
	codeUnavailable      = "UNAVAILABLE"
	codeSaturated        = "SATURATED"
	codeLogFull          = "LOG_FULL"
	codeInternal         = "INTERNAL_ERROR"
	codeStillLoading     = "STILL_LOADING"
	codeShuttingDown     = "SHUTTING_DOWN"
	codeBadIdempotentKey = "BAD_IDEMPOTENCY_KEY"
)

// Codes of SKUs that failed while the rest of their batch went through.
const (
	codeInvalidItem     = "INVALID_ITEM"
	codeInvalidSKU      = "INVALID_SKU"
	codeInvalidQuantity = "INVALID_QUANTITY"
	codeInvalidPool     = "INVALID_POOL"
	codeInvalidLocation = "INVALID_LOCATION"
	codeInvalidClient   = "INVALID_CLIENT"
	codeWriteFailed     = "WRITE_FAILED"
)

// apiError refuses a request as a whole.
type apiError struct {
	status     int
	retryAfter time.Duration
	Code       string `json:"code"`
	Message    string `json:"message"`
	// Description names the field, the value and the rule.
	Description string `json:"description"`
}

func (e *apiError) Error() string { return e.Code + ": " + e.Description }

func refuse(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, Code: code, Message: http.StatusText(status), Description: fmt.Sprintf(format, args...)}
}

// after sets the pause that the sender is asked for.
func (e *apiError) after(pause time.Duration) *apiError {
	e.retryAfter = pause
	return e
}

// write answers with the error.
func (e *apiError) write(w http.ResponseWriter) {
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.retryAfter.Seconds()))))
	}
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="inventory", charset="UTF-8"`)
	}
	respond(w, e.status, e)
}

// failure says why one SKU failed.
type failure struct {
	SKU     string `json:"sku"`
	Code    string `json:"code"`
	Message string `json:"message"`
}

func respond(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the sender has gone; what is stored is stored
}
