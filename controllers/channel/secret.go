package channel

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"tallyman.dev/tallyman/controllers/channel/credentials"
)

// secretField begins what is said of a Channel's Secret.
const secretField = "spec.credentialsSecretRef: "

// Secret reads the credentials of a Channel, by the rules of package credentials. Its errors are *Errors of
// class Terminal and reason InvalidCredentials, which name the Secret, the key and the rule, and never a value.
type Secret struct{ secret credentials.Secret }

// Secret is the Secret of spec.credentialsSecretRef.
func (c Config) Secret() Secret {
	out := credentials.Secret{Data: c.Credentials}
	if ref := c.Channel.Spec.CredentialsSecretRef; ref != nil {
		out.Name = ref.Name
	}
	return Secret{out}
}

// Has reports whether a key has a value that is more than white space.
func (s Secret) Has(key string) bool { return s.secret.Has(key) }

// Token returns a value that must be there and has no blanks, such as the key of an API.
func (s Secret) Token(key string) (string, error) { return usable(s.secret.Token(key)) }

// Tokens returns several such values, in the order of their keys.
func (s Secret) Tokens(keys ...string) ([]string, error) { return usable(s.secret.Tokens(keys...)) }

// Texts returns values that must be there and may have blanks, such as a user and a password, in the order of
// their keys.
func (s Secret) Texts(keys ...string) ([]string, error) { return usable(s.secret.Texts(keys...)) }

// Optional returns a value that may have blanks; empty where there is none.
func (s Secret) Optional(key string) (string, error) { return usable(s.secret.Optional(key)) }

// File returns a value that must be there and may have several lines.
func (s Secret) File(key string) ([]byte, error) { return usable(s.secret.File(key)) }

// OneOf returns the index of the one set of keys that the Secret holds.
func (s Secret) OneOf(sets ...[]string) (int, error) { return usable(s.secret.OneOf(sets...)) }

// Invalid is the error of a key with the rule that its value breaks, to be read after its name. The rule must
// not hold the value.
func (s Secret) Invalid(key, rule string) error {
	_, err := usable(key, s.secret.Invalid(key, rule))
	return err
}

// Unfit is the error of what the Secret holds, with the rule that this breaks.
func (s Secret) Unfit(rule string) error {
	_, err := usable(rule, s.secret.Unfit(rule))
	return err
}

// Headers are the headers of a Channel whose Secret has one under each key. Its error is an *Error of class
// Terminal and reason InvalidHeader.
func (s Secret) Headers() (http.Header, error) {
	out := http.Header{}
	for name, raw := range s.secret.Data {
		value := string(credentials.Trim(raw))
		rule := headerRule(name, value)
		if rule == "" && out.Values(name) != nil {
			rule = fmt.Sprintf("stands for the header %q, and so does another key", http.CanonicalHeaderKey(name))
		}
		if rule != "" {
			return nil, NewError(Terminal, ReasonInvalidHeader, secretField+s.secret.Invalid(name, rule).Error())
		}
		out.Set(name, value)
	}
	return out, nil
}

// usable makes an error in credentials one of the Channel.
func usable[T any](value T, err error) (T, error) {
	if err != nil {
		return value, NewError(Terminal, ReasonInvalidCredentials, secretField+err.Error())
	}
	return value, nil
}

// CheckHeader refuses what cannot be a header, or must not be set from outside. Its error is an *Error of class
// Terminal, which does not hold the value.
func CheckHeader(name, value string) error {
	if rule := headerRule(name, value); rule != "" {
		return NewError(Terminal, ReasonInvalidHeader, fmt.Sprintf("the header %q %s", name, rule))
	}
	return nil
}

// headerRule returns the rule that a header breaks; empty for none. What describes the body or the connection
// is the HTTP client's.
func headerRule(name, value string) string {
	canonical := http.CanonicalHeaderKey(name)
	reserved := strings.HasPrefix(canonical, "Content-") || strings.HasPrefix(canonical, "Proxy-")
	switch canonical {
	case "Host", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive", "Expect",
		"Accept", "Accept-Encoding", "User-Agent":
		reserved = true
	}
	switch {
	case reserved || !httpguts.ValidHeaderFieldName(name):
		return "cannot be used as a header"
	case !httpguts.ValidHeaderFieldValue(value):
		return "must not hold a line break or another control character"
	}
	return ""
}

// BasicAuth returns the header Authorization of a user and a password, and masks it from then on.
func (c *HTTPClient) BasicAuth(user, password string) string {
	out := "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
	c.Mask(out)
	return out
}
