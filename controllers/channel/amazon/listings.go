package amazon

import (
	"cmp"
	"context"
	"net/http"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// fromListing stands for the product type that Amazon says a listing has.
const fromListing = "FromListing"

// listings tells quantities by patches of listings, alone or in feeds.
type listings struct {
	prober
	clock       clock.WithTicker
	productType string
	targets     resolve.Targets[listed, resolve.Nowhere]
	current     resolve.Targets[*item, resolve.Nowhere] // with what the listings show now
	applied     bool                                    // whether a quantity counts as told only when it is shown
	threshold   int                                     // from how many SKUs on a batch is a feed
	feeds       *feeds                                  // nil where there are none
}

// newListings builds the connector for the methods Listings and Feeds. Its error is an *Error of class Terminal.
func newListings(cfg channel.Config, a *api) (*listings, error) {
	spec := cfg.Channel.Spec.Amazon
	c := &listings{
		prober: prober{a, limits(cfg)}, clock: cfg.Clock,
		productType: cmp.Or(spec.ProductType, inventoryv1alpha1.DefaultAmazonProductType),
		applied:     spec.Confirm == inventoryv1alpha1.ConfirmApplied,
		threshold:   int(cmp.Or(spec.FeedThreshold, inventoryv1alpha1.DefaultAmazonFeedThreshold)),
	}
	c.targets.Sums, c.current.Sums = sumsLocation(spec), sumsLocation(spec)
	c.current.Items = resolve.Anew(maxMessages, a.find).Explained(noListing).
		Checked(func(it *item) *channel.Error { return bySeller(it.byAmazonAlone()) })
	if spec.UnknownSKUs != inventoryv1alpha1.CreateUnknownSKUs {
		c.targets.Items = resolve.New(cfg.Clock, maxIdentifiers, c.lookUp).Explained(noListing).
			Checked(func(l listed) *channel.Error { return bySeller(l.byAmazon) })
	}
	if spec.Method == inventoryv1alpha1.AmazonFeeds {
		var err error
		c.feeds, err = newFeeds(spec, a, c.applied)
		return c, err
	}
	return c, nil
}

// Probe implements channel.Connector. It searches for a SKU that there need not be.
func (c *listings) Probe(ctx context.Context) error {
	return c.probe(ctx, func(ctx context.Context) error {
		return channel.BlameNoItem(c.api.search(ctx, []string{"tallyman-probe"}, map[string][]*item{}))
	})
}

// Push implements channel.Connector.
func (c *listings) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	targets, failures, err := c.targets.Resolve(ctx, batch)
	if err != nil || len(targets) == 0 {
		return channel.Result{Failures: failures}, err
	}
	all, t := c.listingsOf(targets), newOutcomes(failures)
	err = c.send(ctx, batch.IdempotencyKey, all, t)
	return t.result(), err
}

// send sends listings by a feed or by patches. Many go by feed, and so do few while a feed of another process is not
// finished, which a patch would overtake: Amazon works on feeds one after the other. Feeds of this process that are
// about other batches are waited for first.
func (c *listings) send(ctx context.Context, key string, all []*listing, t *outcomes) error {
	if c.feeds == nil {
		return c.patchAll(ctx, all, t)
	}
	if _, underWay := c.feeds.pending.of(keyOf(key, all)); underWay {
		return c.feeds.push(ctx, key, all, t)
	}
	if err := c.feeds.catchUp(ctx); err != nil {
		return err
	}
	if len(all) < c.threshold {
		if err := c.feeds.prune(ctx); err != nil {
			return err
		}
		if others, _ := c.feeds.pending.open(); len(others) == 0 {
			return c.patchAll(ctx, all, t)
		}
	}
	return c.feeds.push(ctx, key, all, t)
}

// listing is one SKU of a batch.
type listing struct {
	sku         string
	productType string
	items       []int // of the batch
	quantities  []channelQuantity
}

// channelQuantity is the absolute quantity of one fulfillment channel.
type channelQuantity struct {
	Code     string `json:"fulfillment_channel_code"`
	Quantity int64  `json:"quantity"`
}

// listingsOf puts the quantities of a SKU at several locations together: they are one patch.
func (c *listings) listingsOf(targets []resolve.Target[listed, resolve.Nowhere]) []*listing {
	var all []*listing
	for _, ofSKU := range resolve.BySKU(targets) {
		l := &listing{sku: ofSKU[0].SKU, productType: c.productType}
		if l.productType == fromListing && c.targets.Items != nil {
			l.productType = cmp.Or(ofSKU[0].Found.productType, inventoryv1alpha1.DefaultAmazonProductType)
		}
		for _, t := range ofSKU {
			l.items = append(l.items, t.Index)
			l.quantities = append(l.quantities, channelQuantity{t.Code, t.Quantity})
		}
		all = append(all, l)
	}
	return all
}

// patchRequest is the body of patchListingsItem.
type patchRequest struct {
	ProductType string  `json:"productType"`
	Patches     []patch `json:"patches"`
}

// patch changes one attribute of a listing.
type patch struct {
	Op    string            `json:"op"`
	Path  string            `json:"path"`
	Value []channelQuantity `json:"value"`
}

// patches set the quantities of a listing, and leave other fulfillment channels, and the handling time
// and restock date of these, as they are: a replacement would not.
func (l *listing) patches() []patch {
	return []patch{{Op: "merge", Path: "/attributes/fulfillment_availability", Value: l.quantities}}
}

// patchAll patches one listing after the other.
func (c *listings) patchAll(ctx context.Context, all []*listing, t *outcomes) error {
	for i, l := range all {
		refusal, err := c.patch(ctx, l)
		if err != nil {
			return t.stop(err, i, all)
		}
		t.settle(l, refusal)
	}
	if c.applied {
		return c.awaitApplied(ctx, all, t)
	}
	return nil
}

// patch patches one listing. What Amazon says of it alone is no error.
func (c *listings) patch(ctx context.Context, l *listing) (*channel.Error, error) {
	answer, err := c.api.call(ctx, patchListingsItem, http.MethodPatch, c.api.itemPath(l.sku), c.api.markets(),
		patchRequest{l.productType, l.patches()})
	switch {
	case answer != nil && answer.Status == http.StatusNotFound:
		c.targets.Items.Forget(l.sku)
		return noListing(l.sku, 0), nil
	case err != nil:
		if e := channel.AsError(err); e.Class == channel.Rejected {
			return e, nil
		}
		return nil, err
	}
	return readSubmission(c.api.http, answer)
}
