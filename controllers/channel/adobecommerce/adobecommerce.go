// Package adobecommerce is the connector for shops of Adobe Commerce and Magento Open Source, from version
// 2.4, that manage stock by sources (MSI). A source has a quantity of each SKU; what customers may buy is
// the sum over the sources of a stock, less the reservations of orders that were not shipped.
//
// What is said here of the API is from its webapi.xml, service classes and API tests.
package adobecommerce

import (
	"cmp"
	"context"
	"net/http"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/semaphore"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most quantities in a call that is answered when they are stored. The shop has no
	// limit, unless input limiting is on; then it says what it is, and is obeyed.
	BatchSize = 100

	// BulkSize is the most quantities that may be queued by one call, by the default of input limiting.
	BulkSize = 5000

	// tokenName is the key of the credentials Secret.
	tokenName = "accessToken"

	defaultStoreView = "all"
	deliveryBulk     = "Bulk"
	statusInStock    = "InStock"
)

type connector struct {
	http      *channel.HTTPClient
	clock     clock.WithTicker
	spec      inventoryv1alpha1.AdobeCommerceChannel
	rest      string // address of the API for a store view
	header    http.Header
	batchSize int
	most      atomic.Int64 // quantities in a call, as the shop said; 0 before
	targets   resolve.Targets[product, source]

	turn    *semaphore.Weighted // of the Push whose bulk is followed
	pending *push               // whose bulk may not be done; nil for none. The turn's holder has it.
}

// New builds the connector. The credentials Secret holds the access token of an integration.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.AdobeCommerce
	switch {
	case spec == nil:
		return nil, channel.InvalidSpec("spec.adobeCommerce must be set")
	case (cfg.Channel.Spec.Mode == inventoryv1alpha1.Consolidated) != (spec.Source != ""):
		return nil, channel.InvalidSpec("spec.adobeCommerce.source must be set if and only if spec.mode is Consolidated")
	}
	token, err := cfg.Secret().Token(tokenName)
	if err != nil {
		return nil, err
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	c := &connector{
		http: client, clock: cfg.Clock, spec: *spec,
		rest:      strings.TrimRight(string(spec.URL), "/") + "/rest/" + cmp.Or(spec.StoreView, defaultStoreView),
		header:    http.Header{"Authorization": {"Bearer " + token}},
		batchSize: cfg.BatchSize(BatchSize), turn: semaphore.NewWeighted(1),
	}
	if c.queues() {
		c.batchSize = cfg.BatchSize(BulkSize)
	}
	c.targets = resolve.Targets[product, source]{
		Items:     resolve.New(cfg.Clock, lookupSize, c.lookUpProducts).Checked(stockManaged),
		Locations: resolve.New(cfg.Clock, lookupSize, c.lookUpSources).Explained(unknownSource),
		Sums:      spec.Source,
	}
	return c, nil
}

// queues reports whether quantities are queued.
func (c *connector) queues() bool { return c.spec.Delivery == deliveryBulk }

// Limits implements channel.Connector. Calls go one at a time: parallel ones wait for each other in the
// shop's index, or fail there; and the order in which two bulks are worked off is not known.
func (c *connector) Limits() channel.Limits {
	out := channel.Limits{BatchSize: c.batchSize, MaxParallel: 1, Patience: channel.MaxPatience}
	if c.queues() {
		out.JobItems = c.batchSize
	}
	return out
}

// nobody is a bulk that no shop has.
const nobody = "00000000-0000-0000-0000-000000000000"

// Probe implements channel.Connector. It asks for one thing of each kind that the connector needs to see,
// and saves an empty list, which the shop refuses after it has looked at the rights.
func (c *connector) Probe(ctx context.Context) error {
	if _, _, err := find[source](ctx, c, productsPath, "total_count", nil, 1, 1); err != nil {
		return err
	}
	if _, _, err := find[source](ctx, c, sourcesPath, "total_count", nil, 1, 1); err != nil {
		return err
	}
	_, err := c.call(ctx, channel.Request{Method: http.MethodPost, URL: saveBase + itemsPath, Body: saveBody{[]sourceItem{}}})
	if e := channel.AsError(err); e != nil && e.Class != channel.Rejected {
		return err
	}
	if !c.queues() {
		return nil
	}
	answer, err := c.call(ctx, channel.Request{Method: http.MethodGet, URL: statusPath(nobody)})
	if answer != nil && answer.Status == http.StatusNotFound {
		return nil
	}
	return err
}
