// Package ebay is the connector for a seller's account on eBay, by the Sell Inventory API.
//
// eBay keeps two quantities of a SKU: the item's total, and one for each offer, which is a listing
// on one marketplace. Buyers see the smaller one, so a push sets both. A listing can be revised 250
// times in a day, and then not before the next: what eBay has already is therefore not sent again.
package ebay

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// BatchSize is the most items in a call of bulkUpdatePriceQuantity and bulkGetInventoryItem.
	BatchSize = 25

	// maxParallel is how many pushes may be under way that share no SKU.
	maxParallel = 4

	// maxLookups is how many requests for offers a push makes at once: eBay tells those of one SKU
	// at a time.
	maxLookups = 4

	// maxSKULength is the longest SKU, in characters.
	maxSKULength = 50

	defaultURL      = "https://api.ebay.com"
	defaultLanguage = "en-US"
	inventoryPath   = "/sell/inventory/v1"
)

type connector struct {
	http        *channel.HTTPClient
	session     *channel.Session
	clock       clock.PassiveClock
	url         string // without a slash at its end
	header      http.Header
	batchSize   int
	maxParallel int
	targets     resolve.Targets[*listing, resolve.Nowhere]
}

// New builds the connector.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.EBay
	if spec == nil {
		return nil, channel.InvalidSpec("spec.ebay must be set")
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(cmp.Or(string(spec.URL), defaultURL), "/")
	fetch, err := login(cfg, client, base+tokenPath)
	if err != nil {
		return nil, err
	}
	c := &connector{
		http: client, clock: cfg.Clock, batchSize: cfg.BatchSize(BatchSize), maxParallel: maxParallel,
		url:    base,
		header: languageHeader(cmp.Or(spec.Language, defaultLanguage)),
	}
	if cfg.Channel.Spec.Mode == inventoryv1alpha1.LocationWise {
		c.maxParallel = 1 // calls of one job may be about one SKU at several locations, and its total
	}
	// What eBay has is read anew for each batch.
	c.targets.Items = resolve.Anew(BatchSize, c.lookUp).Checked(func(l *listing) *channel.Error { return l.failure })
	c.session = &channel.Session{HTTP: client, Clock: cfg.Clock, Login: fetch}
	return c, nil
}

// languageHeader is sent with every request: eBay answers 25709 "Invalid value for header
// Accept-Language" to those without one, though its reference calls the header optional.
func languageHeader(language string) http.Header {
	return http.Header{"Accept-Language": {language}, "Content-Language": {language}}
}

// Limits implements channel.Connector.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{BatchSize: c.batchSize, MaxParallel: c.maxParallel, Patience: channel.MaxPatience}
}

// Probe implements channel.Connector: it reads one item, which takes the rights that a push takes.
func (c *connector) Probe(ctx context.Context) error {
	var page struct{}
	return c.call(ctx, http.MethodGet, inventoryPath+"/inventory_item?limit=1", nil, &page)
}

// call makes a request and reads its answer.
func (c *connector) call(ctx context.Context, method, path string, body, into any) error {
	request := channel.Request{Method: method, URL: c.url + path, Header: c.header, Body: body}
	answer, err := c.session.Do(ctx, request)
	if err != nil {
		return c.explain(ctx, answer, err)
	}
	return c.http.Decode(answer, into)
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Result{}, err
	}
	refused, err := c.update(ctx, updates(targets, batch.Mode))
	if err != nil {
		return channel.Result{}, err
	}
	for _, t := range targets {
		if e := refused[t.SKU]; e != nil {
			failures[t.Index] = e
		}
	}
	return channel.Result{Failures: failures}, nil
}

// Read implements channel.Reader.
func (c *connector) Read(ctx context.Context, batch channel.Batch) (channel.Readings, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(targets)), Failures: failures}
	for _, t := range targets {
		if batch.Mode == inventoryv1alpha1.Consolidated {
			out.Quantities[t.Index] = t.Found.forSale()
		} else {
			out.Quantities[t.Index] = t.Found.at(t.Code)
		}
	}
	return out, nil
}
