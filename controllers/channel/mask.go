package channel

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
)

const (
	// minSecret is the length from which a credential is masked in foreign text, in bytes: masking
	// shorter ones would garble it.
	minSecret = 4

	// maxGiven bounds the credentials given by the channel that are remembered for masking. The
	// oldest go first.
	maxGiven = 128

	// mask stands for a credential.
	mask = "***"
)

// secrets are what must never be shown: the credentials of the Channel's Secret, and those that the
// channel has given since.
type secrets struct {
	own []string // forms of the Secret's values

	mu       sync.RWMutex
	given    []string
	replacer *strings.Replacer
}

// Redactor returns what masks a Channel's credentials in foreign text, for connectors that do without the
// HTTP client, which does so by itself.
func Redactor(cfg Config) func(string) string { return newSecrets(cfg.Credentials).redact }

func newSecrets(credentials map[string][]byte) *secrets {
	s := &secrets{}
	for _, value := range credentials {
		s.own = append(s.own, forms(string(value))...)
	}
	s.rebuild()
	return s
}

func (s *secrets) add(credential string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.given, credential) {
		return
	}
	s.given = append(s.given, credential)
	s.given = s.given[max(0, len(s.given)-maxGiven):]
	s.rebuild()
}

// rebuild makes the replacer. Longer forms are masked first: a shorter one may be a part of them.
func (s *secrets) rebuild() {
	all := slices.Clone(s.own)
	for _, credential := range s.given {
		all = append(all, forms(credential)...)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, form := range all {
		pairs = append(pairs, form, mask)
	}
	s.replacer = strings.NewReplacer(pairs...)
}

func (s *secrets) redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.replacer.Replace(text)
}

// forms returns how a channel may quote a credential: whole, without the scheme of an Authorization
// header, the password of a Basic one, and each as JSON and URLs write it.
func forms(credential string) []string {
	credential = strings.TrimSpace(credential)
	plain := []string{credential}
	if scheme, rest, ok := strings.Cut(credential, " "); ok {
		switch strings.ToLower(scheme) {
		case "bearer", "token":
			plain = append(plain, rest)
		case "basic":
			plain = append(plain, rest)
			if login, err := base64.StdEncoding.DecodeString(rest); err == nil {
				_, password, _ := strings.Cut(string(login), ":")
				plain = append(plain, string(login), password)
			}
		}
	}
	var out []string
	for _, p := range plain {
		if len(p) >= minSecret {
			out = append(out, p, url.QueryEscape(p), url.PathEscape(p))
			out = append(out, inJSON(p)...)
		}
	}
	return out
}

// inJSON returns text as it stands between the quotes of a JSON string: as it must be, with the
// slashes that PHP escapes too, and with the characters of HTML that Go does.
func inJSON(text string) []string {
	html, _ := json.Marshal(text) // a string always encodes
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text)
	plain := string(out.Bytes()[1 : out.Len()-len("\"\n")])
	return []string{plain, strings.ReplaceAll(plain, "/", `\/`), string(html[1 : len(html)-1])}
}
