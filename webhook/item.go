package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/gjson"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// path says where something is in a request.
type path struct {
	list  string // empty for the body itself
	index int
	field string // empty for the item itself
}

func (p path) of(field string) path {
	p.field = field
	return p
}

// String implements fmt.Stringer.
func (p path) String() string {
	if p.field == "" {
		return fmt.Sprintf("%s[%d]", p.list, p.index)
	}
	return fmt.Sprintf("%s[%d].%s", p.list, p.index, p.field)
}

// field is one of an item, with where its JSON goes.
type field struct {
	name string
	into *string
}

// readItem reads the fields of one item of a list, which is valid JSON; where it is no object, only this
// item fails. As in encoding/json, keys match without regard to case, and the last of several counts.
func (l *line) readItem(raw json.RawMessage, at path, fields ...field) bool {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || raw[0] != '{' {
		l.fail(codeInvalidItem, "%s: must be an object", at)
		return false
	}
	gjson.ParseBytes(raw).ForEach(func(key, value gjson.Result) bool {
		for _, f := range fields {
			if strings.EqualFold(key.Str, f.name) {
				*f.into = value.Raw
				break
			}
		}
		return true
	})
	return true
}

func absent(raw string) bool { return raw == "" || raw == "null" }

// unquote returns what a JSON string says, and whether it is one.
func unquote(raw string) (string, bool) {
	if raw == "" || raw[0] != '"' {
		return "", false
	}
	plain := raw[1 : len(raw)-1]
	if !strings.ContainsFunc(plain, func(r rune) bool { return r == '\\' || r == utf8.RuneError }) {
		return plain, true
	}
	var text string
	return text, json.Unmarshal([]byte(raw), &text) == nil
}

func (l *line) readSKU(raw string, at path) {
	if absent(raw) {
		l.fail(codeInvalidSKU, "%s: must not be missing", at)
		return
	}
	sku, ok := unquote(raw)
	if !ok {
		l.sku = clip(raw)
		l.fail(codeInvalidSKU, "%s: %s is not a string", at, clip(raw))
		return
	}
	l.sku = strings.Clone(sku) // of all that the item says, only this waits in memory to be stored
	switch n := utf8.RuneCountInString(sku); {
	case strings.TrimSpace(sku) == "":
		l.fail(codeInvalidSKU, "%s: may not be empty", at)
	case n > inventoryv1alpha1.MaxSKULength:
		l.fail(codeInvalidSKU, "%s: has %d characters, at most %d are allowed", at, n, inventoryv1alpha1.MaxSKULength)
	}
}

func (l *line) readQuantity(raw string, at path) {
	n, reason := integer(raw)
	switch {
	case reason != "":
		l.fail(codeInvalidQuantity, "%s: %s", at, reason)
	case n < 0:
		l.fail(codeInvalidQuantity, "%s: %d is negative", at, n)
	case n > inventoryv1alpha1.MaxQuantity:
		l.fail(codeInvalidQuantity, "%s: %d is larger than %d", at, n, inventoryv1alpha1.MaxQuantity)
	default:
		l.quantity = inventoryv1alpha1.Quantity(n)
	}
}

// readID reads a number that names something.
func (l *line) readID(raw string, at path, code string, least int64) int64 {
	n, reason := integer(raw)
	if reason == "" && n < least {
		reason = fmt.Sprintf("%d is smaller than %d", n, least)
	}
	if reason != "" {
		l.fail(code, "%s: %s", at, reason)
	}
	return n
}

// exact is the largest float64 below which every integer is exact.
const exact = 1 << 53

// integer reads a whole number that may be quoted, or says why it cannot.
func integer(raw string) (n int64, reason string) {
	if absent(raw) {
		return 0, "must not be missing"
	}
	text := raw
	if quoted, ok := unquote(raw); ok {
		text = strings.TrimSpace(quoted)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, ""
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange), math.IsNaN(f), strings.ContainsAny(text, "xXpP_iI"):
		return 0, clip(text) + " is not a number"
	case math.Abs(f) >= exact:
		return 0, clip(text) + " is out of range"
	case f != math.Trunc(f):
		return 0, clip(text) + " is not a whole number"
	}
	return int64(f), ""
}
