package shopify

import (
	"net/http"
	"net/url"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
)

// Keys of the credentials Secret: an access token that does not expire, of a custom app made in the shop's
// admin, or what an app of the shop's own organisation gets tokens for, which last for a day.
const (
	accessTokenKey  = "accessToken"
	clientIDKey     = "clientId"
	clientSecretKey = "clientSecret"
)

const tokenHeader = "X-Shopify-Access-Token" //nolint:gosec // the name of a header

// authenticate makes calls carry an access token.
func authenticate(api *graphql.Client, cfg channel.Config, tokenURL string) error {
	secret, kinds := cfg.Secret(), [][]string{{accessTokenKey}, {clientIDKey, clientSecretKey}}
	kind, err := secret.OneOf(kinds...)
	if err != nil {
		return err
	}
	values, err := secret.Tokens(kinds[kind]...)
	if err != nil {
		return err
	}
	if len(values) == 1 {
		api.Header = http.Header{tokenHeader: {values[0]}}
		return nil
	}
	grant := channel.TokenRequest{URL: tokenURL, Form: url.Values{
		"grant_type": {"client_credentials"}, "client_id": {values[0]}, "client_secret": {values[1]},
	}}
	login := api.HTTP.TokenLogin(tokenHeader, "", func() channel.TokenRequest { return grant })
	session := &channel.Session{HTTP: api.HTTP, Clock: cfg.Clock, Login: login}
	api.Do = session.Do
	return nil
}
