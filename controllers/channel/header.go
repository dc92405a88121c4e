package channel

import (
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// SecretHeaders are the headers of a Channel whose Secret has one under each key. Its error is an *Error of
// class Terminal.
func SecretHeaders(credentials map[string][]byte) (http.Header, error) {
	out := http.Header{}
	for name, value := range credentials {
		if err := CheckHeader(name, string(value)); err != nil {
			return nil, err
		}
		if out.Values(name) != nil {
			return nil, NewError(Terminal, "InvalidHeader", fmt.Sprintf("credentials: two keys stand for the header %q", http.CanonicalHeaderKey(name)))
		}
		out.Set(name, string(value))
	}
	return out, nil
}

// CheckHeader refuses what cannot be a header, or must not be set from outside: what describes the
// body or the connection is the HTTP client's. Its error is an *Error of class Terminal.
func CheckHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	forbidden := strings.HasPrefix(canonical, "Content-") || strings.HasPrefix(canonical, "Proxy-")
	switch canonical {
	case "Host", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive", "Expect",
		"Accept", "Accept-Encoding", "User-Agent":
		forbidden = true
	}
	switch {
	case !httpguts.ValidHeaderFieldName(name) || forbidden:
		return NewError(Terminal, "InvalidHeader", fmt.Sprintf("credentials: %q cannot be used as a header", name))
	case !httpguts.ValidHeaderFieldValue(value):
		return NewError(Terminal, "InvalidHeader", fmt.Sprintf("credentials: the value of %q cannot be a header (is there a line break at its end?)", name))
	}
	return nil
}
