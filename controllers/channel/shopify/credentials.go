package shopify

import (
	"context"
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
	session := &channel.Session{HTTP: api.HTTP, Clock: cfg.Clock, Login: func(ctx context.Context) (*channel.Grant, error) {
		return login(ctx, api.HTTP, tokenURL, values[0], values[1])
	}}
	api.Do = session.Do
	return nil
}

// login is the client credentials grant.
func login(ctx context.Context, client *channel.HTTPClient, tokenURL, id, secret string) (*channel.Grant, error) {
	token, err := client.FetchToken(ctx, channel.TokenRequest{URL: tokenURL, Form: url.Values{
		"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret},
	}})
	if err != nil {
		return nil, err
	}
	return &channel.Grant{Header: http.Header{tokenHeader: {token.Value}}, Expires: token.Expires}, nil
}
