package credentials_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tallyman.dev/tallyman/controllers/channel/credentials"
)

func TestTrim(t *testing.T) {
	t.Parallel()
	for _, tc := range [][2]string{
		{"", ""},
		{"s3cret", "s3cret"},
		{"s3cret\n", "s3cret"},
		{"s3cret\r\n", "s3cret"},
		{"s3cret\n\n", "s3cret\n"},
		{"s3cret\r", "s3cret\r"},
		{" s3cret ", " s3cret "},
		{"\n", ""},
		{"a\nb\n", "a\nb"},
	} {
		if got := string(credentials.Trim([]byte(tc[0]))); got != tc[1] {
			t.Errorf("Trim(%q) = %q, want %q", tc[0], got, tc[1])
		}
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		value       string
		text, token bool // whether it can be read as such
		file        bool
		want        string
	}{
		"plain":                {"s3cret", true, true, true, "s3cret"},
		"of a file":            {"s3cret\n", true, true, true, "s3cret"},
		"of a file of Windows": {"s3cret\r\n", true, true, true, "s3cret"},
		"with blanks":          {"correct horse ", true, false, true, "correct horse "},
		"beyond ASCII":         {"geheim-ß", true, true, true, "geheim-ß"},
		"two lines":            {"a\nb", false, false, true, "a\nb"},
		"two line breaks":      {"a\n\n", false, false, true, "a\n"},
		"control character":    {"a\x00b", false, false, true, "a\x00b"},
		"blank":                {" \n", false, false, false, ""},
		"empty":                {"", false, false, false, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := credentials.Secret{Name: "shop", Data: map[string][]byte{"key": []byte(tc.value)}}
			texts, err := s.Texts("key")
			check(t, "Texts", tc.text, tc.want, first(texts), err)
			token, err := s.Token("key")
			check(t, "Token", tc.token, tc.want, token, err)
			file, err := s.File("key")
			check(t, "File", tc.file, tc.want, string(file), err)
			if got := s.Has("key"); got != tc.file {
				t.Errorf("Has = %t, want %t", got, tc.file)
			}
		})
	}
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// check wants a value, or an error that names the Secret and the key.
func check(t *testing.T, how string, readable bool, want, got string, err error) {
	t.Helper()
	if !readable {
		e, ok := errors.AsType[*credentials.Error](err)
		if !ok || e.Secret != "shop" || e.Key != "key" || e.Rule == "" || got != "" {
			t.Errorf("%s = %q, %v, want an error that names the Secret, the key and a rule", how, got, err)
		}
		return
	}
	if err != nil || got != want {
		t.Errorf("%s = %q, %v, want %q", how, got, err, want)
	}
}

// TestBasic reads a user and a password, or says what is wrong with them.
func TestBasic(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		username, password string
		want               [2]string
		wantErr            string
		missing            bool
	}{
		"plain":                 {"u", "p", [2]string{"u", "p"}, "", false},
		"of files":              {"u\n", "p\r\n", [2]string{"u", "p"}, "", false},
		"blanks":                {"a user", " pass word ", [2]string{"a user", " pass word "}, "", false},
		"colon in the password": {"u", "a:b", [2]string{"u", "a:b"}, "", false},
		"colon in the username": {"u:v", "p", [2]string{}, `the key "username" of Secret "wms" must not hold a colon, as HTTP Basic ends the user's name with one`, false},
		"two lines":             {"u", "a\nb", [2]string{}, `the key "password" of Secret "wms" must not hold a line break or another control character`, false},
		"no username":           {"", "p", [2]string{}, `the key "username" of Secret "wms" is missing or empty`, true},
		"no password":           {"u", "\n", [2]string{}, `the key "password" of Secret "wms" is missing or empty`, true},
		"neither":               {"", "", [2]string{}, `the key "username" of Secret "wms" is missing or empty`, true},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := map[string][]byte{"other": []byte("o"), "username": []byte(tc.username), "password": []byte(tc.password)}
			username, password, err := credentials.Secret{Name: "wms", Data: data}.Basic("username", "password")
			if got := [2]string{username, password}; got != tc.want || message(err) != tc.wantErr {
				t.Errorf("Basic = %q, %v, want %q, %s", got, err, tc.want, tc.wantErr)
			}
			if e, invalid := errors.AsType[*credentials.Error](err); invalid && e.Missing() != tc.missing {
				t.Errorf("missing: %t, want %t", e.Missing(), tc.missing)
			}
		})
	}
}

func TestOneOf(t *testing.T) {
	t.Parallel()
	sets := [][]string{{"token"}, {"id", "secret"}}
	cases := map[string]struct {
		keys []string
		want int // -1 for none
	}{
		"the first":          {[]string{"token"}, 0},
		"the second":         {[]string{"id", "secret"}, 1},
		"other keys, too":    {[]string{"token", "note"}, 0},
		"none":               {nil, -1},
		"a half":             {[]string{"id"}, -1},
		"both":               {[]string{"token", "id", "secret"}, -1},
		"one, and half more": {[]string{"token", "secret"}, -1},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := credentials.Secret{Data: map[string][]byte{}}
			for _, key := range tc.keys {
				s.Data[key] = []byte("x")
			}
			got, err := s.OneOf(sets...)
			if tc.want < 0 {
				if diff := cmp.Diff("the Secret must hold either token, or id and secret, and nothing of the others", message(err)); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				return
			}
			if err != nil || got != tc.want {
				t.Errorf("OneOf = %d, %v, want %d", got, err, tc.want)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
