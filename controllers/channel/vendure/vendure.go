// Package vendure is the connector for Vendure shops. It sets the stock on hand of product variants at
// stock locations by the Admin API, and reads it back.
//
// The facts are those of Vendure 3.7. A mutation is one transaction: it is applied as a whole or not at
// all, and errors come at the top of an answer with status 200. There are neither limits nor throttling.
package vendure

import (
	"context"
	"net/http"
	"slices"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most items in a call. Vendure has no limit, but changes one variant after the
	// other, with a dozen statements for each, in one transaction.
	BatchSize = 100

	// maxParallel is how many calls may be under way: those of one job change different rows.
	maxParallel = 2
)

// Headers of Vendure by their default names.
const (
	channelHeader = "Vendure-Token"
	apiKeyHeader  = "Vendure-Api-Key"    //nolint:gosec // the name of a header is no credential
	tokenHeader   = "Vendure-Auth-Token" //nolint:gosec // likewise
)

type connector struct {
	http      *channel.HTTPClient
	api       *graphql.Client // of calls with credentials
	open      *graphql.Client // of the login
	spec      inventoryv1alpha1.VendureChannel
	batchSize int
	targets   resolve.Targets[*variant, location]
	byKey     bool // is known to the shop by an API key
}

// New builds the connector.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.Vendure
	if spec == nil {
		return nil, channel.InvalidSpec("spec.vendure must be set")
	}
	who, err := newCredentials(cfg)
	if err != nil {
		return nil, err
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	header := http.Header{}
	if spec.ChannelToken != "" {
		header.Set(channelHeader, spec.ChannelToken)
	}
	open := graphql.Client{URL: string(spec.URL), Header: header, HTTP: client, Classify: classify}
	api := open
	c := &connector{http: client, open: &open, api: &api, spec: *spec, batchSize: cfg.BatchSize(BatchSize)}
	c.targets = c.newTargets()
	if who.apiKey != "" {
		api.Header = header.Clone()
		api.Header.Set(apiKeyHeader, who.apiKey)
		c.byKey = true
		return c, nil
	}
	session := &channel.Session{HTTP: client, Clock: cfg.Clock, Login: c.logIn(who), Lapsed: lapsed}
	api.Do = session.Do
	return c, nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{
		BatchSize: c.batchSize, MaxParallel: maxParallel,
		Patience: channel.MaxPatience, // a Push makes several calls
	}
}

// probed is the answer to the probe.
type probed struct {
	activeChannel
	Me *struct {
		Channels []struct {
			Token       string   `json:"token"`
			Permissions []string `json:"permissions"`
		} `json:"channels"`
	} `json:"me"`
}

// needed are the permissions that Push needs: one of each row.
var needed = [][]string{
	{"ReadCatalog", "ReadProduct"},
	{"ReadCatalog", "ReadStockLocation"},
	{"UpdateCatalog", "UpdateProduct"},
}

// Probe implements channel.Connector: it wants credentials that work, the channel, and the permissions
// that Push needs; of an API key, which a shop tells nothing about, those to read.
func (c *connector) Probe(ctx context.Context) error {
	query := probeQuery
	if c.byKey {
		query = probeKeyQuery
	}
	var p probed
	if err := c.ask(ctx, query, nil, &p); err != nil {
		return err
	}
	if err := c.checkChannel(p.activeChannel); err != nil || c.byKey {
		return err
	}
	if p.Me == nil {
		return channel.NewError(channel.Unauthorized, channel.ReasonUnauthorized, "the shop does not know the user")
	}
	var have []string
	for _, in := range p.Me.Channels {
		if in.Token == p.Channel.Token {
			have = in.Permissions
		}
	}
	for _, oneOf := range needed {
		if !slices.ContainsFunc(oneOf, func(p string) bool { return slices.Contains(have, p) }) {
			return channel.NewError(channel.Unauthorized, channel.ReasonAccessDenied, "the user lacks the permission "+oneOf[1])
		}
	}
	return nil
}
