package omnitest

import (
	"net/http"

	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

// Require lets in only requests, also those for credentials, that carry these headers; nil lets in
// all. Others are answered 401.
func (r *Receiver) Require(header http.Header) { r.mu.Do(func() { r.required = header.Clone() }) }

// IssueTokens offers Get Credential: it answers with a header of that name and a new token each
// time. Only the newest one works.
func (r *Receiver) IssueTokens(header string) { r.mu.Do(func() { r.header = header }) }

// permits reports whether a request carries the required headers and, but for Get Credential, the
// newest token.
func (r *Receiver) permits(req *http.Request) bool {
	r.mu.Lock()
	want, header := r.required.Clone(), r.header
	r.mu.Unlock()
	if header != "" && req.Method != http.MethodGet {
		if !r.Admits(req.Header.Get(header)) {
			return false
		}
		want.Del(header)
	}
	return fakeserver.Carries(req, want)
}

// credential answers Get Credential.
func (r *Receiver) credential(w http.ResponseWriter) {
	r.mu.Lock()
	name := r.header
	r.mu.Unlock()
	if name == "" {
		refuse(w, http.StatusNotFound, "this channel gives no credentials")
		return
	}
	fakeserver.JSON(w, http.StatusOK, map[string]string{name: r.Issue("Bearer token-")})
}
