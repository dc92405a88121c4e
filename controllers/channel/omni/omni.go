// Package omni is the connector for receivers of the omni standard's available-to-promise calls:
// PUT with absolute quantities, for one location or summed over all, answered by lists of the
// SKUs that succeeded and failed.
//
// Of the standard's optional fields, channelSerialNo, listingId and expiry dates are not sent:
// nothing in Tallyman knows them.
package omni

import (
	"context"
	"net/http"

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
	http      *channel.HTTPClient
	spec      inventoryv1alpha1.OmniChannel
	batchSize int
	static    http.Header
	session   *channel.Session // nil without Get Credential
}

// New builds the connector. Every key of the credentials Secret is a header that calls carry.
func New(cfg channel.Config) (channel.Connector, error) {
	if cfg.Channel.Spec.Omni == nil {
		return nil, channel.InvalidSpec("spec.omni must be set")
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	client.Validate = func(r *channel.Response) error { return hasError(client, r) }
	static, err := cfg.Secret().Headers()
	if err != nil {
		return nil, err
	}
	c := &connector{http: client, spec: *cfg.Channel.Spec.Omni, batchSize: cfg.BatchSize(BatchSize), static: static}
	if url := c.spec.CredentialURL; url != "" {
		c.session = &channel.Session{HTTP: client, Clock: cfg.Clock, Login: getCredential(client, string(url), static)}
	}
	return c, nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{
		BatchSize: c.batchSize, OneLocationPerCall: true, MaxParallel: maxParallel,
		Patience: channel.MaxPatience, // waiting for the rate limit and for Get Credential is no time-out
	}
}

// Probe implements channel.Connector. With Get Credential, that is asked. Otherwise an OPTIONS
// request tells whether somebody answers: only 401 and 403 count against the channel, as few
// receivers implement OPTIONS.
func (c *connector) Probe(ctx context.Context) error {
	if c.session != nil {
		_, err := c.session.Renew(ctx, c.session.Held())
		return err
	}
	answer, err := c.http.Do(ctx, channel.Request{Method: http.MethodOptions, URL: string(c.spec.URL), Header: c.static})
	if err == nil || answer != nil && channel.AsError(err).Class != channel.Unauthorized {
		return nil
	}
	return err
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	body, err := c.body(batch)
	if err != nil {
		return channel.Result{}, err
	}
	answer, err := c.put(ctx, body)
	if err != nil {
		return channel.Result{}, err
	}
	return read(c.http, answer, batch.Items)
}

func (c *connector) put(ctx context.Context, body any) (*channel.Response, error) {
	request := channel.Request{Method: http.MethodPut, URL: string(c.spec.URL), Header: c.static, Body: body}
	if c.session == nil {
		return c.http.Do(ctx, request)
	}
	return c.session.Do(ctx, request)
}
