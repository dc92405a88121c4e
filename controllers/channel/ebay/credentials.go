package ebay

import (
	"context"
	"net/url"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	tokenPath = "/identity/v1/oauth2/token" //nolint:gosec // an address, no credential

	// scope is the only right that is asked for: to read and to change items and offers.
	scope = "https://api.ebay.com/oauth/api_scope/sell.inventory"
)

// login returns the login of a session, by the credentials of an application and the consent of the seller to it: the
// refresh token, which lasts for 18 months, is exchanged for a user token, which lasts for 2 hours.
func login(cfg channel.Config, client *channel.HTTPClient, endpoint string) (func(context.Context) (*channel.Grant, error), error) {
	values, err := cfg.Secret().Tokens("clientId", "clientSecret", "refreshToken")
	if err != nil {
		return nil, err
	}
	return client.TokenLogin("Authorization", "Bearer ", func() channel.TokenRequest {
		return channel.TokenRequest{
			URL: endpoint, ClientID: values[0], ClientSecret: values[1],
			Form: url.Values{"grant_type": {"refresh_token"}, "refresh_token": {values[2]}, "scope": {scope}},
		}
	}), nil
}
