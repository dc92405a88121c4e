// Package woocommerce is the connector for WooCommerce shops, by version 3 of their REST API. A shop
// has one quantity for each product and each variation of a product; variations are updated in one call
// for each parent product.
//
// What is said here of the API is from WooCommerce's REST controllers (wc/v3) and WordPress's REST server.
package woocommerce

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
	// BatchSize is the most products in a call, unless the shop's filter
	// woocommerce_rest_batch_items_limit says otherwise. They are saved one by one: a slow shop may not
	// manage as many before its time limit.
	BatchSize = 100

	// maxParallel is how many calls may be under way: each keeps a PHP process of the shop busy.
	maxParallel = 2

	// apiPath is where the API lies below the shop's address.
	apiPath = "/wp-json/wc/v3"
)

type connector struct {
	http      *channel.HTTPClient
	api       string // address of the API
	header    http.Header
	query     url.Values // added to every call
	batchSize int
	targets   resolve.Targets[product, resolve.Nowhere]
	rows      resolve.Targets[*row, resolve.Nowhere] // with what they sell now
}

// New builds the connector. The credentials Secret holds a consumer key and its secret.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.WooCommerce
	switch {
	case spec == nil:
		return nil, channel.InvalidSpec("spec.wooCommerce must be set")
	case cfg.Channel.Spec.Mode != inventoryv1alpha1.Consolidated: // one location's stock would overwrite another's
		return nil, channel.InvalidSpec("spec.mode must be Consolidated: WooCommerce has one quantity for each product")
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	c := &connector{
		http: client, api: strings.TrimRight(string(spec.URL), "/") + apiPath,
		batchSize: cfg.BatchSize(BatchSize),
	}
	if err := c.authenticate(cfg); err != nil {
		return nil, err
	}
	c.targets.Items = resolve.New(cfg.Clock, lookupSize, c.lookUp)
	c.rows.Items = resolve.Anew(maxRead, c.find)
	return c, nil
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{
		BatchSize: c.batchSize, MaxParallel: maxParallel,
		Patience: channel.MaxPatience, // a Push is one call for each parent product, and look-ups
	}
}

// stockSetting is the option that makes a shop keep stock at all.
const stockSetting = "/settings/products/woocommerce_manage_stock"

// keepsNoStock reports whether the shop's setting says so; an answer that cannot be read says nothing.
func (c *connector) keepsNoStock(answer *channel.Response) bool {
	var setting struct {
		Value string `json:"value"`
	}
	return c.http.Decode(answer, &setting) == nil && setting.Value == "no"
}

// Probe implements channel.Connector. It sends a batch without items, which takes the right to change
// products, and changes nothing. Whether the shop keeps stock is asked too; few keys may know that.
func (c *connector) Probe(ctx context.Context) error {
	if _, err := c.call(ctx, channel.Request{Method: http.MethodPost, URL: "/products/batch", Body: updateBody{Update: []update{}}}, nil); err != nil {
		return err
	}
	answer, err := c.call(ctx, channel.Request{Method: http.MethodGet, URL: stockSetting}, nil)
	if err != nil {
		return ctx.Err() // the key may change stock: it need not see settings
	}
	if c.keepsNoStock(answer) {
		return channel.NewError(channel.Retry, reasonStockManagementOff,
			"the shop keeps no stock: WooCommerce, Settings, Products, Inventory, Enable stock management")
	}
	return nil
}
