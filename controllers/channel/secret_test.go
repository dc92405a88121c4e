package channel

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

func TestHeadersOfASecret(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		secret map[string]string
		want   http.Header // nil where the Secret is refused
	}{
		"none":             {nil, http.Header{}},
		"several":          {map[string]string{"Authorization": "Bearer s3cret", "x-key": "s3cret"}, http.Header{"Authorization": {"Bearer s3cret"}, "X-Key": {"s3cret"}}},
		"one twice":        {map[string]string{"X-Key": "s3cret", "x-key": "other"}, nil},
		"two lines":        {map[string]string{"X-Key": "s3cret\nmore"}, nil},
		"two line breaks":  {map[string]string{"X-Key": "s3cret\n\n"}, nil},
		"of a file":        {map[string]string{"X-Key": "s3cret\n", "X-Dos": "s3cret\r\n"}, http.Header{"X-Key": {"s3cret"}, "X-Dos": {"s3cret"}}},
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
			got, err := Config{Channel: &inventoryv1alpha1.Channel{}, Credentials: data}.Secret().Headers()
			if tc.want == nil {
				e := AsError(err)
				if e == nil || e.Class != Terminal || e.Reason != "InvalidHeader" || strings.Contains(e.Message, "s3cret") {
					t.Errorf("Headers = %v, %v, want InvalidHeader, of class Terminal, without the value", got, err)
				}
				return
			}
			if diff := cmp.Diff(tc.want, got); err != nil || diff != "" {
				t.Errorf("Headers: %v (-want +got):\n%s", err, diff)
			}
		})
	}
}

// TestCredentials checks what a Channel is told of its Secret: the names and the rule, and never a value.
func TestCredentials(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		data map[string][]byte
		read func(Secret) error
		want string
	}{
		"no key": {
			nil, func(s Secret) error { _, err := s.Token("apiKey"); return err },
			`the key "apiKey" of Secret "shop" is missing or empty`,
		},
		"two lines": {
			map[string][]byte{"apiKey": []byte("s3cret\n2")},
			func(s Secret) error { _, err := s.Tokens("apiKey"); return err },
			`the key "apiKey" of Secret "shop" must be one word: no blank, as after the scheme of a header, and no line break or other control character`,
		},
		"password": {
			map[string][]byte{"password": []byte("s3cret\x00")},
			func(s Secret) error { _, err := s.Optional("password"); return err },
			`the key "password" of Secret "shop" must not hold a line break or another control character`,
		},
		"file": {
			map[string][]byte{"creds": []byte(" \n")},
			func(s Secret) error { _, err := s.File("creds"); return err },
			`the key "creds" of Secret "shop" is missing or empty`,
		},
		"neither": {
			nil, func(s Secret) error {
				_, err := s.OneOf([]string{"token"}, []string{"username", "password"})
				return err
			},
			`Secret "shop" must hold either token, or username and password, and nothing of the others`,
		},
		"own rule": {
			nil, func(s Secret) error { return s.Invalid("username", "must not hold a colon") },
			`the key "username" of Secret "shop" must not hold a colon`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := &inventoryv1alpha1.Channel{}
			ch.Spec.CredentialsSecretRef = &inventoryv1alpha1.NameRef{Name: "shop"}
			want := &Error{Class: Terminal, Reason: "InvalidCredentials", Message: "spec.credentialsSecretRef: " + tc.want}
			if diff := cmp.Diff(want, AsError(tc.read(Config{Channel: ch, Credentials: tc.data}.Secret()))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
