package walmart

import (
	"cmp"
	"context"
	"net/http"
	"net/url"

	"github.com/google/uuid"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const tokenPath = "/v3/token"

// Names of headers, as Walmart writes them.
const (
	tokenHeader       = "WM_SEC.ACCESS_TOKEN" //nolint:gosec // a name, no credential
	correlationHeader = "WM_QOS.CORRELATION_ID"
	serviceHeader     = "WM_SVC.NAME"
	marketHeader      = "WM_MARKET"
	channelTypeHeader = "WM_CONSUMER.CHANNEL.TYPE"
)

type credentials struct{ clientID, clientSecret string }

func readCredentials(cfg channel.Config) (credentials, error) {
	values, err := cfg.Secret().Tokens("clientId", "clientSecret")
	if err != nil {
		return credentials{}, err
	}
	return credentials{values[0], values[1]}, nil
}

// staticHeader are the headers that are the same in all requests.
func staticHeader(spec *inventoryv1alpha1.WalmartChannel) http.Header {
	out := http.Header{serviceHeader: {cmp.Or(spec.ServiceName, defaultServiceName)}}
	if spec.Market != "" {
		out[marketHeader] = []string{spec.Market}
	}
	if spec.ChannelType != "" {
		out[channelTypeHeader] = []string{spec.ChannelType}
	}
	return out
}

// newHeader adds the identifier of one request.
func (c *connector) newHeader() http.Header {
	out := c.header.Clone()
	out[correlationHeader] = []string{uuid.NewString()}
	return out
}

// login returns the login of a session: client credentials are exchanged for a token, which lasts for
// 15 minutes.
func (c *connector) login(app credentials) func(context.Context) (*channel.Grant, error) {
	return func(ctx context.Context) (*channel.Grant, error) {
		token, err := c.http.FetchToken(ctx, channel.TokenRequest{
			URL: c.url + tokenPath, ClientID: app.clientID, ClientSecret: app.clientSecret,
			Form: url.Values{"grant_type": {"client_credentials"}}, Header: c.newHeader(),
		})
		if err != nil {
			return nil, err
		}
		return &channel.Grant{Header: http.Header{tokenHeader: {token.Value}}, Expires: token.Expires}, nil
	}
}
