package channel

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
)

// maxRead bounds the quantities that are understood: as far as floating point knows every integer.
const maxRead = 1 << 53

// Quantity is what a channel says it has of something: a JSON number, or a string that holds one. Some
// channels sell more than there is, and have negative ones, or sell parts of units.
type Quantity struct {
	// Units are whole ones. A part counts as one more, so that a channel which has more than it should
	// is found.
	Units int64
	// Part means that the channel's quantity is no integer.
	Part bool
	// Known is false for null, and where there is no quantity.
	Known bool
}

// Is reports whether the channel has exactly that many.
func (q Quantity) Is(units int64) bool { return q.Known && !q.Part && q.Units == units }

// UnmarshalJSON implements json.Unmarshaler.
func (q *Quantity) UnmarshalJSON(raw []byte) error {
	*q = Quantity{}
	if bytes.Equal(raw, []byte("null")) {
		return nil
	}
	text := string(raw)
	if raw[0] == '"' {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err //nolint:wrapcheck // the caller's decoder says where
		}
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(value) <= maxRead) { // also what is not a number
		return fmt.Errorf("%.40q is no quantity", text)
	}
	whole := math.Ceil(value)
	*q = Quantity{Units: int64(whole), Part: whole != value, Known: true}
	return nil
}
