package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
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
		return nil, refuse(http.StatusBadRequest, codeBadData, "locationCode: must not be missing or empty")
	}
	if err := checkCount("products", len(in.Products), maxSKUs); err != nil {
		return nil, err
	}
	out := &payload{locationCode: *in.LocationCode, lines: make([]line, len(in.Products))}
	for i, raw := range in.Products {
		l, at := &out.lines[i], path{list: "products", index: i}
		var sku, quantity string
		if l.readItem(raw, at, field{"channelSkuCode", &sku}, field{"quantity", &quantity}) {
			l.readSKU(sku, at.of("channelSkuCode"))
			l.readQuantity(quantity, at.of("quantity"))
		}
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
		l, at := &out.lines[i], path{index: i}
		var client, sku, pool, quantity, location string
		if !l.readItem(raw, at, field{"clientId", &client}, field{"clientSkuId", &sku}, field{"inventoryPoolId", &pool},
			field{"quantity", &quantity}, field{"fulfillmentLocationId", &location}) {
			continue
		}
		l.readSKU(sku, at.of("clientSkuId"))
		l.readQuantity(quantity, at.of("quantity"))
		l.clientID = l.readID(client, at.of("clientId"), codeInvalidClient, 1)
		l.locationID = l.readID(location, at.of("fulfillmentLocationId"), codeInvalidLocation, 1)
		if !absent(pool) {
			l.pool = l.readID(pool, at.of("inventoryPoolId"), codeInvalidPool, 0)
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

// clip bounds what an error repeats of a request.
func clip(text string) string {
	const most = 64
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
