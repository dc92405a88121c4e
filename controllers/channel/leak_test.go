package channel

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestRedactEscapes has credentials quoted in JSON by encoders that escape more than they must.
func TestRedactEscapes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ credential, text, want string }{
		"HTML, as Go does":     {"a&b<c>d", `{"key":"a\u0026b\u003cc\u003ed"}`, `{"key":"***"}`},
		"slashes, as PHP does": {"abcd/efgh+/==", `{"key":"abcd\/efgh+\/=="}`, `{"key":"***"}`},
	}
	for name, tc := range cases {
		s := newSecrets(map[string][]byte{"key": []byte(tc.credential)})
		if got := s.redact(tc.text); got != tc.want {
			t.Errorf("%s: redact(%q) = %q, want %q", name, tc.text, got, tc.want)
		}
	}
}

// TestTransportErrorHidesSecrets looks at the whole chain, as a log may print the cause: net/http
// quotes what is no HTTP.
func TestTransportErrorHidesSecrets(t *testing.T) {
	t.Parallel()
	const secret = "s3cret-value"
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "NOT-HTTP "+r.Header.Get("X-Key")+"\r\n\r\n")
	})
	client := newClient(t, func(c *Config) { c.Credentials = map[string][]byte{"X-Key": []byte(secret)} })
	_, err := client.Do(t.Context(), Request{Method: http.MethodGet, URL: server.URL, Header: http.Header{"X-Key": {secret}}})
	wantError(t, err, Retry, "Failed")
	if e := AsError(err); !strings.Contains(e.Message, mask) {
		t.Errorf("message %q: it does not quote the answer, so that the test proves nothing", e.Message)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%T shows the credential: %v", err, err)
		}
	}
}
