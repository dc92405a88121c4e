package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tidwall/jsonc"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// line is one SKU of a request, valid or not.
type line struct {
	sku      string
	quantity inventoryv1alpha1.Quantity
	pool     int64
	// The location is named by code or, in array payloads, by the numbers of client and location.
	locationCode         string
	clientID, locationID int64
	problem              *failure // why the SKU fails; nil if it does not
}

// fail marks the line as failed, unless an earlier problem has.
func (l *line) fail(code, format string, args ...any) {
	if l.problem == nil {
		l.problem = &failure{SKU: l.sku, Code: code, Message: fmt.Sprintf(format, args...)}
	}
}

// payload is a decoded request.
type payload struct {
	array        bool
	locationCode string // of an object payload
	lines        []line
}

// objectPayload is {"locationCode", "products"}. encoding/json matches keys without regard to case.
type objectPayload struct {
	LocationCode *string           `json:"locationCode"`
	Products     []json.RawMessage `json:"products"`
}

type product struct {
	ChannelSKUCode json.RawMessage `json:"channelSkuCode"`
	Quantity       json.RawMessage `json:"quantity"`
}

type arrayItem struct {
	ClientID              json.RawMessage `json:"clientId"`
	ClientSKUID           json.RawMessage `json:"clientSkuId"`
	InventoryPoolID       json.RawMessage `json:"inventoryPoolId"`
	Quantity              json.RawMessage `json:"quantity"`
	FulfillmentLocationID json.RawMessage `json:"fulfillmentLocationId"`
}

// decodeAbsolute reads either payload of PUT /usp/inventories/absolute.
func decodeAbsolute(body []byte, maxSKUs int) (*payload, *apiError) {
	body = lenient(body)
	if trimmed := bytes.TrimLeft(body, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '[' {
		return decodeArray(body, maxSKUs)
	}
	return decodeObject(body, maxSKUs)
}

func decodeObject(body []byte, maxSKUs int) (*payload, *apiError) {
	var in objectPayload
	if err := unmarshal(body, &in); err != nil {
		return nil, err
	}
	if in.LocationCode == nil || strings.TrimSpace(*in.LocationCode) == "" {
		return nil, refuse(http.StatusBadRequest, codeBadData, "locationCode: may not be missing or empty")
	}
	if err := checkCount("products", len(in.Products), maxSKUs); err != nil {
		return nil, err
	}
	out := &payload{locationCode: *in.LocationCode, lines: make([]line, len(in.Products))}
	for i, raw := range in.Products {
		at := fmt.Sprintf("products[%d]", i)
		var p product
		if !decodeItem(raw, &p, &out.lines[i], at) {
			continue
		}
		out.lines[i].readSKU(p.ChannelSKUCode, at+".channelSkuCode")
		out.lines[i].readQuantity(p.Quantity, at+".quantity")
	}
	return out, nil
}

func decodeArray(body []byte, maxSKUs int) (*payload, *apiError) {
	var in []json.RawMessage
	if err := unmarshal(body, &in); err != nil {
		return nil, err
	}
	if err := checkCount("the array", len(in), maxSKUs); err != nil {
		return nil, err
	}
	out := &payload{array: true, lines: make([]line, len(in))}
	for i, raw := range in {
		at := fmt.Sprintf("[%d]", i)
		var item arrayItem
		l := &out.lines[i]
		if !decodeItem(raw, &item, l, at) {
			continue
		}
		l.readSKU(item.ClientSKUID, at+".clientSkuId")
		l.readQuantity(item.Quantity, at+".quantity")
		l.clientID = l.readID(item.ClientID, at+".clientId", codeInvalidClient, 1)
		l.locationID = l.readID(item.FulfillmentLocationID, at+".fulfillmentLocationId", codeInvalidLocation, 1)
		if !absent(item.InventoryPoolID) {
			l.pool = l.readID(item.InventoryPoolID, at+".inventoryPoolId", codeInvalidPool, 0)
		}
	}
	return out, nil
}

// lenient removes trailing commas (and comments), as the specification's own example has one.
// Positions stay as they were.
func lenient(body []byte) []byte { return jsonc.ToJSON(body) }

// unmarshal decodes a body, with the position of what is wrong with it.
func unmarshal(body []byte, into any) *apiError {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		row, column := position(body, syntax.Offset)
		return refuse(http.StatusBadRequest, codeMalformed, "line %d, column %d: %s", row, column, syntax.Error())
	case errors.As(err, &kind):
		field := kind.Field
		if field == "" {
			field = "the body"
		}
		return refuse(http.StatusBadRequest, codeBadData, "%s: must be %s, not a JSON %s", field, article(kind.Type.Kind().String()), kind.Value)
	default:
		return refuse(http.StatusBadRequest, codeMalformed, "%s", err.Error())
	}
}

// article names a Go kind in the words of JSON.
func article(kind string) string {
	switch kind {
	case "slice":
		return "an array"
	case "struct":
		return "an object"
	default:
		return "a " + kind
	}
}

// position turns an offset into a line and a column, both from 1.
func position(body []byte, offset int64) (row, column int) {
	before := body[:min(max(int(offset)-1, 0), len(body))]
	row = 1 + bytes.Count(before, []byte{'\n'})
	return row, 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
}

func checkCount(field string, n, maxSKUs int) *apiError {
	switch {
	case n == 0:
		return refuse(http.StatusBadRequest, codeBadData, "%s: must have at least one item", field)
	case n > maxSKUs:
		return refuse(http.StatusBadRequest, codeTooManySKUs, "%s: has %d items, at most %d are allowed", field, n, maxSKUs)
	}
	return nil
}

// decodeItem decodes one item of a list; where it cannot, only this item fails.
func decodeItem(raw json.RawMessage, into any, l *line, at string) bool {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		l.fail(codeInvalidItem, "%s: must be an object", at)
		return false
	}
	if err := json.Unmarshal(raw, into); err != nil {
		l.fail(codeInvalidItem, "%s: %v", at, err)
		return false
	}
	return true
}

func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

func (l *line) readSKU(raw json.RawMessage, at string) {
	if absent(raw) {
		l.fail(codeInvalidSKU, "%s: may not be missing", at)
		return
	}
	var sku string
	if json.Unmarshal(raw, &sku) != nil {
		l.sku = clip(string(raw))
		l.fail(codeInvalidSKU, "%s: %s is not a string", at, clip(string(raw)))
		return
	}
	l.sku = sku
	switch n := utf8.RuneCountInString(sku); {
	case strings.TrimSpace(sku) == "":
		l.fail(codeInvalidSKU, "%s: may not be empty", at)
	case n > inventoryv1alpha1.MaxSKULength:
		l.fail(codeInvalidSKU, "%s: has %d characters, at most %d are allowed", at, n, inventoryv1alpha1.MaxSKULength)
	}
}

func (l *line) readQuantity(raw json.RawMessage, at string) {
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
func (l *line) readID(raw json.RawMessage, at, code string, least int64) int64 {
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
func integer(raw json.RawMessage) (n int64, reason string) {
	if absent(raw) {
		return 0, "may not be missing"
	}
	text := string(raw)
	if text[0] == '"' {
		if json.Unmarshal(raw, &text) != nil {
			return 0, "is not a number"
		}
		text = strings.TrimSpace(text)
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

// clip bounds what an error repeats of a request.
func clip(text string) string {
	const most = 64
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
