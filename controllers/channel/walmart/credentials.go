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
func (c *connector) login(cfg channel.Config) (func(context.Context) (*channel.Grant, error), error) {
	values, err := cfg.Secret().Tokens("clientId", "clientSecret")
	if err != nil {
		return nil, err
	}
	return c.http.TokenLogin(tokenHeader, "", func() channel.TokenRequest {
		return channel.TokenRequest{
			URL: c.url + tokenPath, ClientID: values[0], ClientSecret: values[1],
			Form: url.Values{"grant_type": {"client_credentials"}}, Header: c.newHeader(),
		}
	}), nil
}
