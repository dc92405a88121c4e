package channel

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("shop:pass:word"))
	cases := map[string]struct {
		credentials []string
		text, want  string
	}{
		"whole":                     {[]string{"s3cret"}, "key s3cret is wrong, s3cret!", "key *** is wrong, ***!"},
		"too short to be masked":    {[]string{"abc"}, "abc", "abc"},
		"longer ones first":         {[]string{"abcd", "abcdefgh", "xxabcd"}, "abcdefgh xxabcd abcd", "*** *** ***"},
		"without its scheme":        {[]string{"Bearer t0ken"}, "token t0ken has expired", "token *** has expired"},
		"a word that is no scheme":  {[]string{"acme corp"}, "acme corp, a corporation", "***, a corporation"},
		"password of a login":       {[]string{basic}, "user shop, password pass:word", "user shop, password ***"},
		"login that is no base64":   {[]string{"Basic !!!!"}, "!!!!", "***"},
		"in JSON":                   {[]string{`a"b\c<d`}, `{"key":"a\"b\\c<d"}`, `{"key":"***"}`},
		"in JSON, quote at its end": {[]string{`abcd"`}, `"abcd\""`, `"***"`},
		"in a query":                {[]string{"a b/c=d"}, "?key=a+b%2Fc%3Dd", "?key=***"},
		"in a path":                 {[]string{"a b/c"}, "/a%20b%2Fc/", "/***/"},
		"with a line break":         {[]string{"s3cret\n"}, "key s3cret.", "key ***."},
		"none":                      {nil, "text", "text"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := map[string][]byte{}
			given := newSecrets(nil)
			for i, value := range tc.credentials {
				data[strconv.Itoa(i)] = []byte(value)
				given.add(value)
			}
			if got := newSecrets(data).redact(tc.text); got != tc.want {
				t.Errorf("of the Secret: %q, want %q", got, tc.want)
			}
			if got := given.redact(tc.text); got != tc.want {
				t.Errorf("given by the channel: %q, want %q", got, tc.want)
			}
		})
	}
}

// TestSecretsAreBounded checks that credentials which the channel gives, again and again, displace
// old ones of their kind but never the Secret's.
func TestSecretsAreBounded(t *testing.T) {
	t.Parallel()
	s := newSecrets(map[string][]byte{"key": []byte("own-s3cret")})
	var calls sync.WaitGroup
	for i := range maxGiven {
		calls.Go(func() { s.add(fmt.Sprintf("old-%d", i)) })
	}
	calls.Wait()
	for i := range maxGiven {
		s.add(fmt.Sprintf("new-%d", i))
		s.add(fmt.Sprintf("new-%d", i))
	}
	if len(s.given) != maxGiven {
		t.Errorf("%d are remembered, want %d", len(s.given), maxGiven)
	}
	got := s.redact("own-s3cret new-0 old-0")
	if want := "*** *** old-0"; got != want {
		t.Errorf("redact = %q, want %q", got, want)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("s3cret", "before ", " after")
	f.Add(`quote"d\`, `{"a":"`, `"}`)
	f.Add("Bearer t0ken", "", "")
	f.Fuzz(func(t *testing.T, credential, before, after string) {
		credential = strings.TrimSpace(credential)
		if len(credential) < minSecret || strings.Contains(credential, "*") {
			t.Skip()
		}
		s := newSecrets(map[string][]byte{"key": []byte(credential)})
		if got := s.redact(before + credential + after); strings.Contains(got, credential) && !strings.Contains(before+mask+after, credential) {
			t.Errorf("redact leaves %q in %q", credential, got)
		}
	})
}

func TestRedactor(t *testing.T) {
	t.Parallel()
	redact := Redactor(Config{Credentials: map[string][]byte{"password": []byte("s3cret")}})
	if got, want := redact("user u, password s3cret"), "user u, password ***"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
