package channel

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecretHeaders(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		secret map[string]string
		want   http.Header // nil where the Secret is refused
	}{
		"none":             {nil, http.Header{}},
		"several":          {map[string]string{"Authorization": "Bearer s3cret", "x-key": "s3cret"}, http.Header{"Authorization": {"Bearer s3cret"}, "X-Key": {"s3cret"}}},
		"one twice":        {map[string]string{"X-Key": "s3cret", "x-key": "other"}, nil},
		"line break":       {map[string]string{"X-Key": "s3cret\n"}, nil},
		"no token":         {map[string]string{"X Key": "s3cret"}, nil},
		"of the body":      {map[string]string{"content-type": "s3cret"}, nil},
		"of the transport": {map[string]string{"Host": "s3cret"}, nil},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := map[string][]byte{}
			for key, value := range tc.secret {
				data[key] = []byte(value)
			}
			got, err := SecretHeaders(data)
			if tc.want == nil {
				e := AsError(err)
				if e == nil || e.Class != Terminal || e.Reason != "InvalidHeader" || strings.Contains(e.Message, "s3cret") {
					t.Errorf("SecretHeaders = %v, %v, want InvalidHeader, of class Terminal, without the value", got, err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("SecretHeaders: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}
