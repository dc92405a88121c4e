package shopify

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

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
	token, id, secret := credential(cfg, accessTokenKey), credential(cfg, clientIDKey), credential(cfg, clientSecretKey)
	switch {
	case token != "" && id == "" && secret == "":
		if !httpguts.ValidHeaderFieldValue(token) {
			return channel.NewError(channel.Terminal, "InvalidCredentials", accessTokenKey+" cannot be a header's value")
		}
		api.Header = http.Header{tokenHeader: {token}}
	case token == "" && id != "" && secret != "":
		session := &channel.Session{HTTP: api.HTTP, Clock: cfg.Clock, Login: func(ctx context.Context) (*channel.Grant, error) {
			return login(ctx, api.HTTP, tokenURL, id, secret)
		}}
		api.Do = session.Do
	default:
		return channel.NewError(channel.Terminal, "InvalidCredentials",
			"spec.credentialsSecretRef must name a Secret with either accessToken, or clientId and clientSecret")
	}
	return nil
}

// credential is a value of the Secret without the line break at its end that files have.
func credential(cfg channel.Config, key string) string {
	return strings.TrimSpace(string(cfg.Credentials[key]))
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
