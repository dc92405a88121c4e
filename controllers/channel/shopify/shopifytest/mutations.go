package shopifytest

import (
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"strconv"
)

const (
	// maxInput is the most elements of an argument.
	maxInput = 250

	maxQuantity = 1_000_000_000
)

// UserError is why a mutation was refused.
type UserError struct {
	Code    *string  `json:"code"`
	Field   []string `json:"field"`
	Message string   `json:"message"`
}

// NewUserError makes the error of an argument; none for one of the whole call.
func NewUserError(code, message string, field ...string) UserError {
	return UserError{Code: &code, Field: field, Message: message}
}

type payload struct {
	UserErrors []UserError `json:"userErrors"`
}

// attempt is what became of a call with a key.
type attempt struct {
	content [sha256.Size]byte
	result  payload
}

// keyed wraps a mutation in what the directive @idempotent does. An attempt that failed uses its key up.
func (s *Shop) keyed(run func(*call) (payload, *Error)) func(*call) (any, *Error) {
	return func(c *call) (any, *Error) {
		directive := c.root.Directives.ForName("idempotent")
		if directive == nil {
			if c.version >= requiredSince {
				return nil, failure("BAD_REQUEST", "The @idempotent directive is required for this mutation but was not provided.")
			}
			return s.attempt(c, run)
		}
		key, _ := directive.ArgumentMap(c.variables)["key"].(string)
		raw, err := json.Marshal(c.root.ArgumentMap(c.variables))
		if key == "" || err != nil {
			return nil, failure("BAD_REQUEST", "no key: %v", err)
		}
		content := sha256.Sum256(raw)
		switch earlier, used := s.keys[key]; {
		case used && earlier.content != content:
			return refuse("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", "The same idempotency key cannot be used with different operation parameters."), nil
		case used && len(earlier.result.UserErrors) > 0:
			return refuse("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "A previous request with this idempotency key failed. Retry with a new idempotency key."), nil
		case used:
			return earlier.result, nil
		}
		result, failed := s.attempt(c, run)
		if failed == nil {
			s.keys[key] = attempt{content, result}
		}
		return result, failed
	}
}

func refuse(code, message string) payload {
	return payload{[]UserError{NewUserError(code, message)}}
}

// attempt runs a mutation, unless the next is to fail.
func (s *Shop) attempt(c *call, run func(*call) (payload, *Error)) (payload, *Error) {
	if due := s.refusals[c.root.Name]; len(due) > 0 {
		s.refusals[c.root.Name] = due[1:]
		return payload{due[:1]}, nil
	}
	return run(c)
}

type setInput struct {
	Name                  string          `json:"name"`
	Reason                string          `json:"reason"`
	ReferenceDocumentURI  string          `json:"referenceDocumentUri"`
	IgnoreCompareQuantity bool            `json:"ignoreCompareQuantity"`
	Quantities            []quantityInput `json:"quantities"`
}

type quantityInput struct {
	ItemID             string          `json:"inventoryItemId"`
	LocationID         string          `json:"locationId"`
	Quantity           json.Number     `json:"quantity"`
	CompareQuantity    *int64          `json:"compareQuantity"`
	ChangeFromQuantity json.RawMessage `json:"changeFromQuantity"` // nil where it is left out
}

func (s *Shop) setQuantities(c *call) (payload, *Error) {
	var args struct {
		Input setInput `json:"input"`
	}
	if err := arguments(c.root, c.variables, &args); err != nil {
		return payload{}, failure("INTERNAL_SERVER_ERROR", "%v", err)
	}
	in := args.Input
	if len(in.Quantities) > maxInput {
		return payload{}, tooMany(len(in.Quantities))
	}
	numbers := make([]int64, len(in.Quantities))
	for i, q := range in.Quantities {
		n, err := strconv.ParseInt(q.Quantity.String(), 10, 32) // an Int of GraphQL
		if err != nil {
			return payload{}, failure("INVALID_VARIABLE", "quantities.%d.quantity: %v", i, err)
		}
		if c.version >= requiredSince && q.ChangeFromQuantity == nil {
			return payload{}, failure("INVALID_FIELD_ARGUMENTS", "InventoryQuantityInput must include the following argument: changeFromQuantity.")
		}
		numbers[i] = n
	}
	if errs := s.refusalsOf(c.version, in, numbers); len(errs) > 0 {
		if s.terse {
			errs = errs[:1]
		}
		return payload{errs}, nil
	}
	for i, q := range in.Quantities {
		s.levels[itemLocation{q.ItemID, q.LocationID}] = s.levels[itemLocation{q.ItemID, q.LocationID}].set(in.Name, numbers[i])
	}
	return payload{[]UserError{}}, nil
}

// set changes one quantity; the other follows, as what orders have taken stays.
func (l Level) set(name string, quantity int64) Level {
	l.Set++
	l.OnHand = quantity
	if name == "available" {
		l.OnHand += l.Committed
	}
	return l
}

func (l Level) quantity(name string) int64 {
	if name == "available" {
		return l.Available()
	}
	return l.OnHand
}

func tooMany(n int) *Error {
	return failure("MAX_INPUT_SIZE_EXCEEDED", "The input array size of %d is greater than the maximum allowed of %d.", n, maxInput)
}

// refusalsOf returns what is wrong with a call.
func (s *Shop) refusalsOf(version string, in setInput, numbers []int64) []UserError {
	switch uri, err := url.Parse(in.ReferenceDocumentURI); {
	case in.Name != "available" && in.Name != "on_hand":
		return refuse("INVALID_NAME", "The quantity name must be either 'available' or 'on_hand'.").UserErrors
	case in.Reason != "correction" && in.Reason != "received":
		return refuse("INVALID_REASON", "The specified reason is invalid.").UserErrors
	case in.ReferenceDocumentURI != "" && (err != nil || uri.Scheme == "" || uri.Host+uri.Opaque == ""):
		return refuse("INVALID_REFERENCE_DOCUMENT", "The specified reference document is invalid.").UserErrors
	}
	var out []UserError
	seen := map[itemLocation]bool{}
	for i, q := range in.Quantities {
		row := []string{"input", "quantities", strconv.Itoa(i)}
		at := itemLocation{q.ItemID, q.LocationID}
		if e, ok := s.refusalOf(version, in, q, numbers[i]); ok {
			e.Field = append(row, e.Field...)
			out = append(out, e)
		} else if seen[at] {
			out = append(out, NewUserError("NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR", "The combination of inventoryItemId and locationId must be unique.", row...))
		}
		seen[at] = true
	}
	return out
}

// refusalOf returns what is wrong with a row, with the field below the row.
func (s *Shop) refusalOf(version string, in setInput, q quantityInput, number int64) (UserError, bool) {
	item := s.item(q.ItemID)
	at := itemLocation{q.ItemID, q.LocationID}
	now := s.levels[at].quantity(in.Name)
	switch {
	case item == nil:
		return NewUserError("INVALID_INVENTORY_ITEM", "The specified inventory item could not be found.", "inventoryItemId"), true
	case !s.open(q.LocationID):
		return NewUserError("INVALID_LOCATION", "The specified location could not be found.", "locationId"), true
	case item.Bundle:
		return NewUserError("NON_MUTABLE_INVENTORY_ITEM", "The specified inventory item is not allowed to be adjusted via API.", "inventoryItemId"), true
	case !s.stocked(at):
		return NewUserError("ITEM_NOT_STOCKED_AT_LOCATION", "The specified inventory item is not stocked at the location."), true
	case number < 0:
		return NewUserError("INVALID_QUANTITY_NEGATIVE", "The quantity can't be negative.", "quantity"), true
	case number > maxQuantity:
		return NewUserError("INVALID_QUANTITY_TOO_HIGH", "The total quantity can't be higher than 1,000,000,000.", "quantity"), true
	case version < requiredSince && !in.IgnoreCompareQuantity && q.CompareQuantity == nil && q.ChangeFromQuantity == nil:
		return NewUserError("COMPARE_QUANTITY_REQUIRED", "The compareQuantity argument must be given to each quantity or ignored using ignoreCompareQuantity.", "compareQuantity"), true
	case version < requiredSince && !in.IgnoreCompareQuantity && q.CompareQuantity != nil && *q.CompareQuantity != now:
		return NewUserError("COMPARE_QUANTITY_STALE", "The compareQuantity value does not match persisted value.", "compareQuantity"), true
	case len(q.ChangeFromQuantity) > 0 && string(q.ChangeFromQuantity) != "null" && string(q.ChangeFromQuantity) != strconv.FormatInt(now, 10):
		return NewUserError("CHANGE_FROM_QUANTITY_STALE", "The changeFromQuantity value does not match persisted value.", "changeFromQuantity"), true
	}
	return UserError{}, false
}

// open reports whether there is a location.
func (s *Shop) open(id string) bool {
	for _, l := range s.locations {
		if l.ID == id {
			return true
		}
	}
	return false
}

// stocked reports whether an item is stocked at a location.
func (s *Shop) stocked(at itemLocation) bool {
	_, ok := s.levels[at]
	return ok
}

func (s *Shop) activate(c *call) (payload, *Error) {
	var args struct {
		ItemID     string `json:"inventoryItemId"`
		LocationID string `json:"locationId"`
	}
	if err := arguments(c.root, c.variables, &args); err != nil {
		return payload{}, failure("INTERNAL_SERVER_ERROR", "%v", err)
	}
	if s.item(args.ItemID) == nil || !s.open(args.LocationID) {
		return payload{[]UserError{{Field: []string{"locationId"}, Message: "The item or the location could not be found."}}}, nil
	}
	if at := (itemLocation{args.ItemID, args.LocationID}); !s.stocked(at) {
		s.levels[at] = Level{}
	}
	return payload{[]UserError{}}, nil
}
