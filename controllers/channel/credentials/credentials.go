// Package credentials reads the values of Secrets that Channels and Clients refer to: one rule for what a
// value is, and one wording for what is wrong with it. It knows neither connectors nor the API server.
package credentials

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/net/http/httpguts"
)

// Rules that a value may break.
const (
	ruleThere  = "is missing or empty"
	ruleHeader = "must not hold a line break or another control character"
	ruleColon  = "must not hold a colon, as HTTP Basic ends the user's name with one"
	ruleToken  = "must be one word: no blank, as after the scheme of a header, and no line break or other control character"
)

// Error says what is wrong with a value. It never holds the value.
type Error struct {
	// Secret is the name of the Secret; empty where none is referred to.
	Secret string
	// Key of the value.
	Key string
	// Whole means that no single value is wrong, but what the Secret holds.
	Whole bool
	// Rule is what the value breaks, to be read after its name.
	Rule string
}

// Error implements error.
func (e *Error) Error() string {
	secret := "the Secret"
	if e.Secret != "" {
		secret = fmt.Sprintf("Secret %q", e.Secret)
	}
	if e.Whole {
		return secret + " " + e.Rule
	}
	return fmt.Sprintf("the key %q of %s %s", e.Key, secret, e.Rule)
}

// Missing reports whether the value is not there.
func (e *Error) Missing() bool { return e.Rule == ruleThere }

// Secret is a Secret that something refers to.
type Secret struct {
	// Name is for people; empty where none is referred to.
	Name string
	Data map[string][]byte
}

// Trim returns a value without the one line break at its end, which `kubectl create secret --from-file` keeps
// of a file.
func Trim(value []byte) []byte {
	if line, found := bytes.CutSuffix(value, []byte("\n")); found {
		return bytes.TrimSuffix(line, []byte("\r"))
	}
	return value
}

// Has reports whether a key has a value that is more than white space.
func (s Secret) Has(key string) bool { return len(bytes.TrimSpace(s.Data[key])) > 0 }

// Invalid returns the error of a key with the rule that its value breaks. The rule must not hold the value.
func (s Secret) Invalid(key, rule string) *Error { return &Error{Secret: s.Name, Key: key, Rule: rule} }

// Unfit returns the error of what the Secret holds, with the rule that this breaks.
func (s Secret) Unfit(rule string) *Error { return &Error{Secret: s.Name, Rule: rule, Whole: true} }

// File returns a value, which may have several lines and must be there. Its error is an *Error.
func (s Secret) File(key string) ([]byte, error) {
	if !s.Has(key) {
		return nil, s.Invalid(key, ruleThere)
	}
	return Trim(s.Data[key]), nil
}

// Optional returns a value that a header can hold, such as a password; empty where there is none. Its error
// is an *Error.
func (s Secret) Optional(key string) (string, error) {
	value := string(Trim(s.Data[key]))
	if !httpguts.ValidHeaderFieldValue(value) {
		return "", s.Invalid(key, ruleHeader)
	}
	return value, nil
}

// Texts returns values that must be there, in the order of their keys, each as Optional does.
func (s Secret) Texts(keys ...string) ([]string, error) {
	return s.read(keys, s.Optional)
}

// Tokens returns values that must be there and have no blanks, such as keys and tokens of an API, in the order
// of their keys. Its error is an *Error.
func (s Secret) Tokens(keys ...string) ([]string, error) {
	return s.read(keys, func(key string) (string, error) {
		value := string(Trim(s.Data[key]))
		if strings.ContainsFunc(value, unicode.IsSpace) || !httpguts.ValidHeaderFieldValue(value) {
			return "", s.Invalid(key, ruleToken)
		}
		return value, nil
	})
}

// Token returns one value as Tokens does.
func (s Secret) Token(key string) (string, error) {
	values, err := s.Tokens(key)
	if err != nil {
		return "", err
	}
	return values[0], nil
}

func (s Secret) read(keys []string, one func(string) (string, error)) ([]string, error) {
	out := make([]string, len(keys))
	for i, key := range keys {
		if !s.Has(key) {
			return nil, s.Invalid(key, ruleThere)
		}
		var err error
		if out[i], err = one(key); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Basic returns the name of a user and a password, both of which must be there and fit into HTTP Basic (RFC 7617).
// Its error is an *Error.
func (s Secret) Basic(usernameKey, passwordKey string) (username, password string, err error) {
	values, err := s.Texts(usernameKey, passwordKey)
	if err != nil {
		return "", "", err
	}
	if strings.Contains(values[0], ":") {
		return "", "", s.Invalid(usernameKey, ruleColon)
	}
	return values[0], values[1], nil
}

// OneOf returns the index of the one set of keys that the Secret holds. It must hold all keys of that, and
// none of the others. Its error is an *Error.
func (s Secret) OneOf(sets ...[]string) (int, error) {
	held, whole, partly := -1, 0, 0
	for i, keys := range sets {
		switch missing := slices.IndexFunc(keys, func(key string) bool { return !s.Has(key) }); {
		case missing < 0:
			held, whole = i, whole+1
		case slices.ContainsFunc(keys, s.Has):
			partly++
		}
	}
	if whole != 1 || partly > 0 {
		return 0, s.Unfit("must hold either " + list(sets) + ", and nothing of the others")
	}
	return held, nil
}

// list writes sets of keys for people.
func list(sets [][]string) string {
	words := make([]string, len(sets))
	for i, keys := range sets {
		words[i] = strings.Join(keys, " and ")
	}
	return strings.Join(words, ", or ")
}
