package shopify

import (
	"slices"
	"strconv"
)

// Codes of user errors that mean more than that a row is refused. There are others, and more in each
// version.
const (
	codeUnstocked        = "ITEM_NOT_STOCKED_AT_LOCATION"
	codeUnknownItem      = "INVALID_INVENTORY_ITEM"
	codeUnknownLocation  = "INVALID_LOCATION"
	codeInvalidName      = "INVALID_NAME"
	codeInvalidReason    = "INVALID_REASON"
	codeInvalidReference = "INVALID_REFERENCE_DOCUMENT"
	codeConcurrent       = "IDEMPOTENCY_CONCURRENT_REQUEST"
	codeAttemptFailed    = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
	codeOtherContent     = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
)

// refusal is a user error of a mutation.
type refusal struct {
	Code string `json:"code"`
	// Field leads to the argument that is refused: "input", "quantities", a row's index, and perhaps a
	// field of the row.
	Field   []string `json:"field"`
	Message string   `json:"message"`
}

// index returns the row of so many that is refused. An error of a single row is about that row even if it
// does not say so, unless it is about the key or what is set.
func (r refusal) index(rows int) (int, bool) {
	if at := slices.Index(r.Field, "quantities"); at >= 0 && at+1 < len(r.Field) {
		i, err := strconv.Atoi(r.Field[at+1])
		return i, err == nil && i >= 0 && i < rows
	}
	switch r.Code {
	case codeInvalidName, codeInvalidReason, codeInvalidReference, codeConcurrent:
		return 0, false
	}
	return 0, rows == 1
}

// refusals are the user errors of a mutation.
type refusals []refusal

// burnt reports whether the key can not be used again: Shopify says that a call with it failed before, or had
// other content.
func (r refusals) burnt() bool {
	return slices.ContainsFunc(r, func(e refusal) bool { return e.Code == codeAttemptFailed || e.Code == codeOtherContent })
}
