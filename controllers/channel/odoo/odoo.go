// Package odoo is the connector for the JSON-2 API of Odoo, an ERP, from version 19.
//
// A quantity is what is on hand of a product at a stock location: the quantity of the quant without
// lot, package and owner. It is set as Odoo's own list of stock does it: a quant is created in inventory
// mode with inventory_quantity_auto_apply. Odoo then takes the quant that exists or makes one, and books
// the difference, all in the one transaction of the call. To write inventory_quantity and to call
// action_apply_inventory would take two, between which stock can move: then nothing is applied, by an
// answer of 200, and a count stays behind that somebody may apply later.
package odoo

import (
	"context"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most quants in a call. Odoo has no limit; it books a stock move for each that
	// changes, and ends calls that take minutes.
	BatchSize = 100

	// maxParallel is how many calls may be under way: each writes the date of the last count into its
	// location, so that two at one location get into each other's way.
	maxParallel = 1

	// maxAsked is how many SKUs or locations are looked up at once.
	maxAsked = 500

	// apiKey is the key of the Secret that holds the API key.
	apiKey = "apiKey"
)

type connector struct {
	http      *channel.HTTPClient
	base      string
	header    http.Header
	batchSize int
	targets   resolve.Targets[product, int64]
}

// New builds the connector.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.Odoo
	if spec == nil {
		return nil, channel.InvalidSpec("spec.odoo must be set")
	}
	if err := cfg.CheckSums("spec.odoo.location", spec.Location); err != nil {
		return nil, err
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	key, err := cfg.Secret().Token(apiKey)
	if err != nil {
		return nil, err
	}
	c := &connector{
		http:      client,
		base:      strings.TrimRight(string(spec.URL), "/") + "/json/2/",
		header:    http.Header{"Authorization": {"bearer " + key}},
		batchSize: cfg.BatchSize(BatchSize),
	}
	if spec.Database != "" {
		c.header.Set("X-Odoo-Database", spec.Database)
	}
	c.targets = resolve.Targets[product, int64]{
		Items:     resolve.New(cfg.Clock, maxAsked, c.lookUpProducts).Checked(counted),
		Locations: resolve.New(cfg.Clock, maxAsked, c.lookUpLocations).Explained(noLocation),
		Sums:      spec.Location, KeepFirst: true,
	}
	return c, nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{BatchSize: c.batchSize, MaxParallel: maxParallel, Patience: channel.MaxPatience}
}

// Probe implements channel.Connector. It reads a quant, which takes the key, the database, the app and the
// right to see stock; in Consolidated mode the location must exist.
func (c *connector) Probe(ctx context.Context) error {
	if _, err := c.search(ctx, "stock.quant", 1, []condition{}, "id"); err != nil {
		return err
	}
	sums := c.targets.Sums
	if sums == "" {
		return nil
	}
	_, failures, err := c.targets.Locations.Resolve(ctx, []string{sums})
	if err != nil {
		return err
	}
	if failure := failures[sums]; failure != nil {
		return failure.With(channel.Retry) // it may be made or renamed
	}
	return nil
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	counts := make([]count, len(targets))
	for i, t := range targets {
		counts[i] = count{t.Found.id, t.Location, t.Quantity}
	}
	if len(counts) == 0 {
		return channel.Result{Failures: failures}, nil
	}
	answer, err := c.call(ctx, "stock.quant", "create", creation{counts, inventoryContext{InventoryMode: true, InventoryName: moveName}})
	if err != nil {
		// What was looked up may be out of date: a product or location that has gone is refused like a
		// quantity. The repetition, with fewer SKUs, looks again.
		c.targets.Forget(targets...)
		return channel.Result{}, err
	}
	if err := c.confirm(answer, len(counts)); err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Failures: failures}, nil
}

// Read implements channel.Reader. A product without a quant at a location has none there.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(targets)), Failures: failures}
	if len(targets) == 0 {
		return out, nil
	}
	onHand, err := c.onHand(ctx, targets)
	if err != nil {
		return channel.Readings{}, err
	}
	for _, t := range targets {
		out.Quantities[t.Index] = whole(onHand[quantKey{t.Found.id, t.Location}])
	}
	return out, nil
}
