package amazon

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// defaultTokenURL is Login with Amazon, which is the same for all regions.
	defaultTokenURL = "https://api.amazon.com/auth/o2/token" //nolint:gosec // no credential

	// tokenHeader carries the access token of a call.
	tokenHeader = "x-amz-access-token" //nolint:gosec // no credential
)

// login exchanges a refresh token for access tokens, which last for an hour.
type login struct {
	http  *channel.HTTPClient
	clock clock.PassiveClock
	url   string
	form  url.Values
}

// newLogin reads the credentials. Its error is an *Error of class Terminal.
func newLogin(cfg channel.Config, client *channel.HTTPClient) (*login, error) {
	form := url.Values{"grant_type": {"refresh_token"}}
	for key, field := range map[string]string{"clientId": "client_id", "clientSecret": "client_secret", "refreshToken": "refresh_token"} {
		value := strings.TrimSpace(string(cfg.Credentials[key])) // a file's line break is no part of it
		if value == "" {
			return nil, channel.NewError(channel.Terminal, "InvalidCredentials", "credentials: the key "+key+" is missing or empty")
		}
		form.Set(field, value)
	}
	return &login{client, cfg.Clock, cmp.Or(string(cfg.Channel.Spec.Amazon.TokenURL), defaultTokenURL), form}, nil
}

// token is the answer of Login with Amazon.
type token struct {
	AccessToken string `json:"access_token"`
	// ExpiresIn is in seconds.
	ExpiresIn int64 `json:"expires_in"`
}

// refusal is how Login with Amazon refuses.
type refusal struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
}

// fetch implements the Login of a channel.Session.
func (l *login) fetch(ctx context.Context) (*channel.Grant, error) {
	answer, err := l.http.Do(ctx, channel.Request{Method: http.MethodPost, URL: l.url, Body: l.form})
	if err != nil {
		return nil, l.refused(answer, err)
	}
	return l.grant(answer)
}

// grant reads a token. The answer holds secrets: it is not quoted.
func (l *login) grant(answer *channel.Response) (*channel.Grant, error) {
	var t token
	if json.Unmarshal(answer.Body, &t) != nil || t.AccessToken == "" || strings.ContainsAny(t.AccessToken, "\r\n\x00") {
		return nil, channel.NewError(channel.Retry, "InvalidToken", "the answer to the request for a token holds none")
	}
	l.http.Mask(t.AccessToken)
	out := &channel.Grant{Header: http.Header{}}
	out.Header.Set(tokenHeader, t.AccessToken)
	if t.ExpiresIn > 0 && t.ExpiresIn < int64((24*time.Hour).Seconds()) {
		out.Expires = l.clock.Now().Add(time.Duration(t.ExpiresIn) * time.Second)
	}
	return out, nil
}

// refused tells credentials that do not work, which Login with Amazon answers with 400 too, from
// errors that pass.
func (l *login) refused(answer *channel.Response, err error) error {
	if answer == nil {
		return err
	}
	switch answer.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
	default:
		return err
	}
	out := *channel.AsError(err)
	out.Class, out.Reason = channel.Unauthorized, "Unauthorized"
	var why refusal
	if json.Unmarshal(answer.Body, &why) == nil && why.Error != "" {
		out.Message = channel.Clean(l.http.Redact("no access token: " + why.Error + ": " + why.Description))
	}
	return &out
}

// lapsed tells whether a call was refused for its token. The Selling Partner API answers 403 then, as
// it does where a role is missing: only its words tell them apart.
func lapsed(answer *channel.Response, _ error) bool {
	switch {
	case answer == nil:
		return false
	case answer.Status == http.StatusForbidden:
		return bytes.Contains(bytes.ToLower(answer.Body), []byte("access token"))
	}
	return answer.Status == http.StatusUnauthorized
}
