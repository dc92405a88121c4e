package amazon

import (
	"bytes"
	"cmp"
	"context"
	"net/http"
	"net/url"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// defaultTokenURL is Login with Amazon, which is the same for all regions.
	defaultTokenURL = "https://api.amazon.com/auth/o2/token" //nolint:gosec // no credential

	// tokenHeader carries the access token of a call.
	tokenHeader = "x-amz-access-token" //nolint:gosec // no credential
)

// login returns the login of a session: it exchanges the refresh token for an access token, which lasts
// for an hour. Its error is an *Error of class Terminal.
func login(cfg channel.Config, client *channel.HTTPClient) (func(context.Context) (*channel.Grant, error), error) {
	values, err := cfg.Secret().Tokens("clientId", "clientSecret", "refreshToken")
	if err != nil {
		return nil, err
	}
	request := channel.TokenRequest{URL: cmp.Or(string(cfg.Channel.Spec.Amazon.TokenURL), defaultTokenURL), Form: url.Values{
		"grant_type": {"refresh_token"}, "client_id": {values[0]}, "client_secret": {values[1]}, "refresh_token": {values[2]},
	}}
	return client.TokenLogin(http.CanonicalHeaderKey(tokenHeader), "", func() channel.TokenRequest { return request }), nil
}

// lapsed reports whether a call was refused for its token. The Selling Partner API answers 403 then, as
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
