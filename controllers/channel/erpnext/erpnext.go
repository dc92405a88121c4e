// Package erpnext is the connector for ERPNext: quantities are booked by submitted Stock Reconciliations,
// and read back from the Bins of warehouses.
package erpnext

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most rows of a Stock Reconciliation. ERPNext submits longer ones later, in the
	// background, if they are submitted by hand.
	BatchSize = 100

	// lookupSize is the most names in one look-up.
	lookupSize = 200

	// itemCode is the field that names an Item.
	itemCode = "item_code"
)

type connector struct {
	http      *channel.HTTPClient
	header    http.Header
	base      string
	spec      inventoryv1alpha1.ERPNextChannel
	batchSize int
	targets   resolve.Targets[stockItem, warehouse]
}

var _ channel.Reader = (*connector)(nil)

// New builds the connector. The Secret has apiKey and apiSecret of a user.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.ERPNext
	if spec == nil {
		return nil, channel.InvalidSpec("spec.erpNext must be set")
	}
	if err := cfg.CheckSums("spec.erpNext.warehouse", spec.Warehouse); err != nil {
		return nil, err
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	key, err := cfg.Secret().Tokens("apiKey", "apiSecret")
	if err != nil {
		return nil, err
	}
	c := &connector{
		http: client, header: http.Header{"Authorization": {"token " + key[0] + ":" + key[1]}}, base: strings.TrimRight(string(spec.URL), "/"), spec: *spec,
		batchSize: cfg.BatchSize(BatchSize),
	}
	c.spec.SKUField = cmp.Or(spec.SKUField, itemCode)
	c.targets = resolve.Targets[stockItem, warehouse]{
		Items:     resolve.New(cfg.Clock, lookupSize, c.lookUpItems),
		Locations: resolve.New(cfg.Clock, lookupSize, c.lookUpWarehouses).Explained(unknownWarehouse),
		Sums:      spec.Warehouse,
	}
	return c, nil
}

// Limits implements channel.Connector. Documents that are submitted side by side lock each other out.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{BatchSize: c.batchSize, MaxParallel: 1, Patience: channel.MaxPatience}
}

// Probe implements channel.Connector: it looks for a warehouse of the company.
func (c *connector) Probe(ctx context.Context) error {
	var found []warehouseRow
	err := c.list(ctx, query{
		Doctype: "Warehouse", Fields: []string{"name"}, Filters: []filter{{"company", "=", c.spec.Company}}, Limit: 1,
	}, &found)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return channel.NewError(channel.Retry, reasonUnknownCompany, "the user sees no warehouse of the company "+c.spec.Company)
	}
	return nil
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	r := reconciliation{c, failures}
	if err := r.book(ctx, bookable(targets, failures)); err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Failures: failures}, nil
}
