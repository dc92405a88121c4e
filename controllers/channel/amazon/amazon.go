// Package amazon is the connector for sellers at Amazon, by the Selling Partner API. It tells
// quantities in one of three ways: by patches of single listings, by feeds of many, or as the stock of
// locations in the External Fulfillment network.
package amazon

import (
	"cmp"
	"context"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// maxIdentifiers is the most SKUs in a search for listings, by the model of the Listings Items API.
	// Patches go one by one: a batch of as many needs one search before.
	maxIdentifiers = 20

	// maxMessages is the most messages in a listings feed, by its schema.
	maxMessages = 25_000

	// maxInventoryRequests is the most requests in a batchInventory call, by its model.
	maxInventoryRequests = 10

	// patchesInParallel is how many batches of patches may be under way: Amazon takes five patches a
	// second, each of some hundred milliseconds.
	patchesInParallel = 5

	// inventoryInParallel is how many batchInventory calls may be under way.
	inventoryInParallel = 4
)

// New builds the connector. The credentials are those of an application that the seller has authorized:
// clientId, clientSecret and refreshToken.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.Amazon
	if spec == nil {
		return nil, channel.InvalidSpec("spec.amazon must be set")
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	a, err := newAPI(cfg, client)
	if err != nil {
		return nil, err
	}
	if spec.Method == inventoryv1alpha1.AmazonExternalFulfillment {
		return newExternal(cfg, a), nil
	}
	return newListings(cfg, a)
}

// limits are those of a method.
func limits(cfg channel.Config) channel.Limits {
	out := channel.Limits{Patience: channel.MaxPatience} // waiting for Amazon's rates is no time-out
	switch cfg.Channel.Spec.Amazon.Method {
	case inventoryv1alpha1.AmazonExternalFulfillment:
		out.BatchSize, out.MaxParallel = maxInventoryRequests, inventoryInParallel
	case inventoryv1alpha1.AmazonFeeds:
		// Feeds are few and worked on one after the other.
		out.BatchSize, out.MaxParallel, out.JobItems = maxMessages, 1, inventoryv1alpha1.MaxJobItems
	default:
		out.BatchSize, out.MaxParallel = maxIdentifiers, patchesInParallel
	}
	out.BatchSize = cfg.BatchSize(out.BatchSize)
	return out
}

// sumsLocation is what Amazon calls the location that takes the sums.
func sumsLocation(spec *inventoryv1alpha1.AmazonChannel) string {
	return cmp.Or(spec.ConsolidatedLocation, inventoryv1alpha1.DefaultAmazonLocation)
}

// prober is what both kinds of connectors share.
type prober struct {
	api    *api
	limits channel.Limits
}

// Limits implements channel.Connector.
func (p prober) Limits() channel.Limits { return p.limits }

// probe gets a new token, which tells at once of credentials that were revoked, and reads something.
func (p prober) probe(ctx context.Context, read func(context.Context) error) error {
	if _, err := p.api.session.Renew(ctx, p.api.session.Held()); err != nil {
		return err
	}
	return read(ctx)
}
