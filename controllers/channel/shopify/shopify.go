// Package shopify is the connector for Shopify shops, by the GraphQL Admin API: it sets the available or
// the on-hand quantity of inventory items at locations, up to 250 in a call that succeeds or fails as a
// whole and names the items it fails for.
package shopify

import (
	"context"
	"fmt"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most items in a call: Shopify takes no longer array as an argument.
	BatchSize = 250

	// MaxQuantity is the largest quantity that Shopify keeps.
	MaxQuantity = 1_000_000_000

	// maxParallel is how many calls may be under way. A call that sets quantities is cheap; look-ups
	// share the shop's bucket of points.
	maxParallel = 2

	// writeScope lets an app set quantities, and read them.
	writeScope = "write_inventory"
)

type connector struct {
	api       *graphql.Client
	spec      inventoryv1alpha1.ShopifyChannel
	dialect   dialect
	batchSize int
	targets   resolve.Targets[item, string] // with the ids of locations
}

// New builds the connector. The credentials Secret holds accessToken, or clientId and clientSecret.
func New(cfg channel.Config) (channel.Connector, error) {
	if cfg.Channel.Spec.Shopify == nil {
		return nil, channel.InvalidSpec("spec.shopify must be set")
	}
	spec := *cfg.Channel.Spec.Shopify
	base := strings.TrimSuffix(string(spec.URL), "/")
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	api := &graphql.Client{
		URL: fmt.Sprintf("%s/admin/api/%s/graphql.json", base, spec.APIVersion), HTTP: client, Classify: classify,
	}
	if err := authenticate(api, cfg, base+"/admin/oauth/access_token"); err != nil {
		return nil, err
	}
	c := &connector{api: api, spec: spec, dialect: dialectOf(spec.APIVersion), batchSize: cfg.BatchSize(BatchSize)}
	c.targets = resolve.Targets[item, string]{
		Items:     resolve.New(cfg.Clock, skusPerSearch, c.searchItems).Checked(tracked),
		Locations: resolve.New(cfg.Clock, MaxLocations, c.lookUpLocations).Explained(noLocation),
		Sums:      spec.Location,
	}
	return c, nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{
		BatchSize: c.batchSize, MaxParallel: maxParallel,
		Patience: channel.MaxPatience, // a Push may look up SKUs, stock items and resend what is left
	}
}

// Probe implements channel.Connector. It also wants the app to have been granted what it needs.
func (c *connector) Probe(ctx context.Context) error {
	var data struct {
		CurrentAppInstallation struct {
			AccessScopes []struct {
				Handle string `json:"handle"`
			} `json:"accessScopes"`
		} `json:"currentAppInstallation"`
	}
	if _, err := c.api.Call(ctx, graphql.Request{Query: accessQuery}, &data); err != nil {
		return err
	}
	for _, scope := range data.CurrentAppInstallation.AccessScopes {
		if scope.Handle == writeScope {
			return nil
		}
	}
	return channel.NewError(channel.Unauthorized, reasonMissingScope, "the app has not been granted the access scope "+writeScope)
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	rows := make([]row, 0, len(targets))
	for _, t := range targets {
		if t.Quantity < 0 || t.Quantity > MaxQuantity {
			failures[t.Index] = channel.NewError(channel.Rejected, channel.ReasonInvalidQuantity, fmt.Sprintf("Shopify keeps quantities from 0 to %d", MaxQuantity))
			continue
		}
		rows = append(rows, row{Target: t})
	}
	if err := c.set(ctx, batch.IdempotencyKey, rows, failures); err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Failures: failures}, nil
}
