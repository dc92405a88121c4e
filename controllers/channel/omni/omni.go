// Package omni is the connector for receivers of the omni standard's available-to-promise calls:
// PUT with absolute quantities, for one location or summed over all, answered by lists of the
// SKUs that succeeded and failed.
//
// Of the standard's optional fields, channelSerialNo, listingId and expiry dates are not sent:
// nothing in Tallyman knows them.
package omni

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// BatchSize is the most SKUs in a call, by the standard.
	BatchSize = 200

	// maxParallel is how many calls may be under way. The standard has no sequence numbers, but
	// calls of one job never share a SKU and a location.
	maxParallel = 4
)

type connector struct {
	http        *channel.HTTPClient
	spec        inventoryv1alpha1.OmniChannel
	credentials *credentials
}

// New builds the connector. Every key of the credentials Secret is a header that calls carry.
func New(cfg channel.Config) (channel.Connector, error) {
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	static := http.Header{}
	for name, value := range cfg.Credentials {
		if err := checkHeader(name, string(value)); err != nil {
			return nil, err
		}
		static.Set(name, string(value))
	}
	spec := *cfg.Channel.Spec.Omni
	return &connector{
		http: client, spec: spec,
		credentials: &credentials{http: client, url: spec.CredentialURL, static: static},
	}, nil
}

// checkHeader refuses what cannot be a header, or must not be set from outside.
func checkHeader(name, value string) error {
	canonical := http.CanonicalHeaderKey(name)
	forbidden := strings.HasPrefix(canonical, "Content-") || strings.HasPrefix(canonical, "Proxy-")
	switch canonical {
	case "Host", "Connection", "Transfer-Encoding", "Te", "Trailer", "Upgrade", "Keep-Alive", "Accept", "User-Agent":
		forbidden = true
	}
	switch {
	case !httpguts.ValidHeaderFieldName(name) || forbidden:
		return channel.NewError(channel.Terminal, "InvalidHeader", fmt.Sprintf("credentials: %q cannot be used as a header", name))
	case !httpguts.ValidHeaderFieldValue(value):
		return channel.NewError(channel.Terminal, "InvalidHeader", fmt.Sprintf("credentials: the value of %q cannot be a header (is there a line break at its end?)", name))
	}
	return nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{BatchSize: BatchSize, OneLocationPerCall: true, MaxParallel: maxParallel}
}

// Probe implements channel.Connector. With Get Credential, that is asked. Otherwise an OPTIONS
// request tells whether somebody answers: only 401 and 403 count against the channel, as few
// receivers implement OPTIONS.
func (c *connector) Probe(ctx context.Context) error {
	if c.spec.CredentialURL != "" {
		_, err := c.credentials.refresh(ctx, c.credentials.current())
		return err
	}
	answer, err := c.http.Do(ctx, channel.Request{Method: http.MethodOptions, URL: c.spec.URL, Header: c.credentials.static})
	if err == nil || answer != nil && channel.AsError(err).Class != channel.Unauthorized {
		return nil
	}
	return err
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	headers, err := c.credentials.get(ctx)
	if err != nil {
		return channel.Result{}, err
	}
	request := channel.Request{Method: http.MethodPut, URL: c.spec.URL, Header: headers.header, Body: c.body(batch)}
	answer, err := c.http.Do(ctx, request)
	if answer != nil && answer.Status == http.StatusUnauthorized && c.spec.CredentialURL != "" {
		// The standard: 401 means that the headers have expired. Fetch new ones, and try once more.
		if headers, err = c.credentials.refresh(ctx, headers); err != nil {
			return channel.Result{}, err
		}
		request.Header = headers.header
		answer, err = c.http.Do(ctx, request)
	}
	if err != nil {
		return channel.Result{}, err
	}
	return c.read(answer, batch)
}

// locationBody is the location-wise call.
type locationBody struct {
	LocationCode string         `json:"locationCode"`
	Inventories  []locationItem `json:"inventories"`
}

type locationItem struct {
	ChannelSKUCode string `json:"channelSkuCode"`
	Quantity       int64  `json:"quantity"`
}

// consolidatedBody is the consolidated call.
type consolidatedBody struct {
	ConsolidationType string             `json:"consolidationType"`
	Inventories       []consolidatedItem `json:"inventories"`
}

type consolidatedItem struct {
	ChannelSKUCode       string `json:"channelSkuCode"`
	ConsolidatedQuantity int64  `json:"consolidatedQuantity"`
	// Quantity and LocationCode only say which location caused the call.
	Quantity          int64  `json:"quantity"`
	LocationCode      string `json:"locationCode"`
	ConsolidationType string `json:"consolidationType"`
}

func (c *connector) body(batch channel.Batch) any {
	if batch.Mode == inventoryv1alpha1.Consolidated {
		body := consolidatedBody{ConsolidationType: c.consolidationType()}
		for _, it := range batch.Items {
			body.Inventories = append(body.Inventories, consolidatedItem{
				it.SKU, it.Quantity, it.LocationQuantity, it.LocationCode, body.ConsolidationType,
			})
		}
		return body
	}
	body := locationBody{LocationCode: batch.Items[0].LocationCode}
	for _, it := range batch.Items {
		body.Inventories = append(body.Inventories, locationItem{it.SKU, it.Quantity})
	}
	return body
}

func (c *connector) consolidationType() string {
	if c.spec.ConsolidationType == "" {
		return "ALL"
	}
	return c.spec.ConsolidationType
}
