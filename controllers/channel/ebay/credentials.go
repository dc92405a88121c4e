package ebay

import (
	"context"
	"net/http"
	"net/url"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	tokenPath = "/identity/v1/oauth2/token" //nolint:gosec // an address, no credential

	// scope is the only right that is asked for: to read and to change items and offers.
	scope = "https://api.ebay.com/oauth/api_scope/sell.inventory"
)

// credentials are those of an application, and the consent of the seller to it.
type credentials struct{ clientID, clientSecret, refreshToken string }

func readCredentials(cfg channel.Config) (credentials, error) {
	values, err := cfg.Secret().Tokens("clientId", "clientSecret", "refreshToken")
	if err != nil {
		return credentials{}, err
	}
	return credentials{values[0], values[1], values[2]}, nil
}

// login returns the login of a session: the refresh token, which lasts for 18 months, is exchanged
// for a user token, which lasts for 2 hours.
func (c credentials) login(client *channel.HTTPClient, endpoint string) func(context.Context) (*channel.Grant, error) {
	return func(ctx context.Context) (*channel.Grant, error) {
		token, err := client.FetchToken(ctx, channel.TokenRequest{
			URL: endpoint, ClientID: c.clientID, ClientSecret: c.clientSecret,
			Form: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.refreshToken}, "scope": {scope}},
		})
		if err != nil {
			return nil, err
		}
		return &channel.Grant{Header: http.Header{"Authorization": {"Bearer " + token.Value}}, Expires: token.Expires}, nil
	}
}
