package omnitest

import (
	"crypto/subtle"
	"fmt"
	"maps"
	"net/http"
)

// access is who may call.
type access struct {
	required http.Header // nil for everybody
	header   string      // carries the token; empty without Get Credential
	issued   int         // tokens given
	token    string      // the one that works; empty for none
}

// Require lets in only requests, also those for credentials, that carry these headers; nil lets in
// all. Others are answered 401.
func (r *Receiver) Require(header http.Header) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.access.required = header.Clone()
}

// IssueTokens offers Get Credential: it answers with a header of that name and a new token each
// time. Only the newest one works.
func (r *Receiver) IssueTokens(header string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.access.header = header
}

// ExpireToken makes the newest token work no more.
func (r *Receiver) ExpireToken() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.access.token = ""
}

// TokensIssued is how often Get Credential gave a token.
func (r *Receiver) TokensIssued() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.access.issued
}

// permits tells whether a request carries the required headers and, but for Get Credential, the
// newest token.
func (r *Receiver) permits(req *http.Request) bool {
	r.mu.Lock()
	want := maps.Clone(r.access.required)
	if r.access.header != "" && req.Method != http.MethodGet {
		if r.access.token == "" {
			r.mu.Unlock()
			return false
		}
		if want == nil {
			want = http.Header{}
		}
		want.Set(r.access.header, r.access.token)
	}
	r.mu.Unlock()
	for name := range want {
		if subtle.ConstantTimeCompare([]byte(req.Header.Get(name)), []byte(want.Get(name))) == 0 {
			return false
		}
	}
	return true
}

// credential answers Get Credential.
func (r *Receiver) credential(w http.ResponseWriter) {
	r.mu.Lock()
	name := r.access.header
	if name == "" {
		r.mu.Unlock()
		refuse(w, http.StatusNotFound, "this channel gives no credentials")
		return
	}
	r.access.issued++
	r.access.token = fmt.Sprintf("Bearer token-%d", r.access.issued)
	token := r.access.token
	r.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]string{name: token})
}
