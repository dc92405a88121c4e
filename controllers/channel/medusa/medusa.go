// Package medusa is the connector for the Admin API of Medusa 2, an open-source shop.
//
// A quantity is the level of an inventory item at a stock location. Levels are written by the batch of
// location levels, which takes many items and locations at once, and applies all or nothing. Whether a
// level is to be created or updated is the caller's to know, so levels are read before every push; that
// also finds the items by their SKUs anew, and no stale identifier is ever written to.
package medusa

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most levels in a call. Medusa bounds the body alone, at 2 MB; an update of 200
	// levels takes it about half a second.
	BatchSize = 200

	// maxParallel is how many calls may be under way. Medusa keeps no order between calls, but those of
	// one job never share a level.
	maxParallel = 2

	// maxAsked is the most SKUs that are looked up at once, in queries of maxValues.
	maxAsked = 1000

	// apiKey is the key of the Secret that holds the secret API key.
	apiKey = "apiKey"
)

type connector struct {
	http      *channel.HTTPClient
	base      string
	header    http.Header
	targets   resolve.Targets[*inventoryItem, resolve.Nowhere]
	available bool // quantities leave out what is reserved
	batchSize int
}

// New builds the connector.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.Medusa
	if spec == nil {
		return nil, channel.InvalidSpec("spec.medusa must be set")
	}
	if err := cfg.CheckSums("spec.medusa.locationId", spec.LocationID); err != nil {
		return nil, err
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	key, err := cfg.Secret().Token(apiKey)
	switch {
	case err != nil:
		return nil, err
	case strings.Contains(key, ":"):
		return nil, cfg.Secret().Invalid(apiKey, "must not hold a colon: the key is the user name of a call, which has no password")
	}
	c := &connector{
		http:      client,
		base:      strings.TrimRight(string(spec.URL), "/") + "/admin/",
		header:    http.Header{"Authorization": {client.BasicAuth(key, "")}},
		available: spec.Quantity == inventoryv1alpha1.MedusaAvailable,
		batchSize: cfg.BatchSize(BatchSize),
	}
	c.targets = resolve.Targets[*inventoryItem, resolve.Nowhere]{Items: resolve.Anew(maxAsked, c.items), Sums: spec.LocationID}
	return c, nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{BatchSize: c.batchSize, MaxParallel: maxParallel, Patience: channel.MaxPatience}
}

// Probe implements channel.Connector. It reads a stock location: in Consolidated mode, the one that is
// told the sums, which must exist.
func (c *connector) Probe(ctx context.Context) error {
	sums := c.targets.Sums
	if sums == "" {
		_, err := c.get(ctx, "stock-locations", url.Values{"fields": {"id"}, "limit": {"1"}})
		return err
	}
	known, err := c.locations(ctx, []string{sums})
	if err == nil && !known.Has(sums) {
		return unknownLocation(channel.Terminal, sums)
	}
	return err
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	p, err := c.plan(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	if err := c.checkLocations(ctx, p); err != nil {
		return channel.Result{}, err
	}
	if len(p.index) == 0 {
		return channel.Result{Failures: p.failures}, nil
	}
	answer, err := c.http.Do(ctx, channel.Request{
		Method: http.MethodPost, URL: c.base + "inventory-items/location-levels/batch", Header: c.header, Body: p.changes,
	})
	if err != nil {
		return channel.Result{}, c.explain(ctx, batch, p, answer, err)
	}
	if err := c.confirm(p, answer); err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Failures: p.failures}, nil
}

// Read implements channel.Reader. An item that is not stocked at a location has none there.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(targets)), Failures: failures}
	for _, t := range targets {
		out.Quantities[t.Index] = c.quantity(t.Found.at(t.Code))
	}
	return out, nil
}
