// Package walmart is the connector for a seller's account on Walmart Marketplace.
//
// A few SKUs are set by a request for each, which is answered at once. Many are set by a feed: a
// file that Walmart works on in its own time. What is sent while a feed is under way could be
// overwritten by the older quantity in it, so that a SKU is not sent again before its feed has ended.
package walmart

import (
	"cmp"
	"context"
	"net/http"
	"strings"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// BatchSize is the most items in a push: what a job can hold. As a feed they take less than the
	// 1 MB that one of several nodes may have, even with SKUs of 255 characters.
	BatchSize = inventoryv1alpha1.MaxJobItems

	// FeedThreshold is from how many SKUs a feed is used: Walmart takes about 200 requests for single
	// items in a minute, and 10 feeds in an hour.
	FeedThreshold = 200

	// maxRequests is how many requests for single items are under way at once.
	maxRequests = 4

	defaultURL         = "https://marketplace.walmartapis.com"
	defaultServiceName = "Walmart Marketplace"
)

type connector struct {
	http          *channel.HTTPClient
	session       *channel.Session
	clock         clock.WithTicker
	url           string // without a slash at its end
	header        http.Header
	shipNode      string
	batchSize     int
	feedThreshold int

	puts, gets, posts *allotment
	feeds             feeds
}

// New builds the connector.
func New(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.Walmart
	if spec == nil {
		return nil, channel.InvalidSpec("spec.walmart must be set")
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	c := &connector{
		http: client, clock: cfg.Clock, batchSize: cfg.BatchSize(BatchSize),
		url: strings.TrimSuffix(cmp.Or(string(spec.URL), defaultURL), "/"), header: staticHeader(spec), shipNode: spec.ShipNode,
		feedThreshold: cmp.Or(int(spec.FeedThreshold), FeedThreshold),
		puts:          &allotment{clock: cfg.Clock}, gets: &allotment{clock: cfg.Clock}, posts: &allotment{clock: cfg.Clock},
		feeds: newFeeds(),
	}
	login, err := c.login(cfg)
	if err != nil {
		return nil, err
	}
	c.session = &channel.Session{HTTP: client, Clock: cfg.Clock, Login: login}
	return c, nil
}

// Limits implements channel.Connector. One push at a time: what a feed holds is decided in order.
func (c *connector) Limits() channel.Limits {
	return channel.Limits{BatchSize: c.batchSize, MaxParallel: 1, JobItems: c.batchSize, Patience: channel.MaxPatience}
}

// Probe implements channel.Connector.
func (c *connector) Probe(ctx context.Context) error {
	_, err := c.listFeeds(ctx, 1)
	return err
}

// Push implements channel.Connector.
func (c *connector) Push(ctx context.Context, batch channel.Batch) (channel.Result, error) {
	if err := c.feeds.enter(ctx); err != nil {
		return channel.Result{}, err
	}
	defer c.feeds.leave()
	failures := map[int]*channel.Error{}
	rest, err := c.settle(ctx, groupsOf(batch, failures), failures)
	if err != nil {
		return channel.Result{}, err
	}
	switch {
	case len(rest) == 0:
	case len(rest) < c.feedThreshold:
		err = c.pushEach(ctx, batch.Mode, rest, failures)
	default:
		err = c.pushFeed(ctx, batch.Mode, rest, failures)
	}
	if err != nil {
		return channel.Result{}, err
	}
	return channel.Result{Failures: failures}, nil
}

// group is the items of one SKU, at one or several nodes.
type group struct {
	sku   string
	items []channel.Item
	index []int // of the items in the batch
}

// fail notes an error for all items of a group.
func (g group) fail(failures map[int]*channel.Error, e *channel.Error) {
	for _, i := range g.index {
		failures[i] = e
	}
}

// groupsOf groups the items of a batch by SKU, in order.
func groupsOf(batch channel.Batch, failures map[int]*channel.Error) []group {
	var out []group
	position := map[string]int{}
	for i, it := range batch.Items {
		if strings.Trim(it.SKU, ".") == "" { // it would leave the path of the request
			failures[i] = channel.NewError(channel.Unmapped, channel.ReasonUnknownSKU, "a SKU of dots only cannot be asked for: spec.skuMapping can give it another name")
			continue
		}
		it.LocationCode = batch.LocationOf(it, "") // that of a sum only says what caused the push
		at, ok := position[it.SKU]
		if !ok {
			at = len(out)
			position[it.SKU] = at
			out = append(out, group{sku: it.SKU})
		}
		out[at].items, out[at].index = append(out[at].items, it), append(out[at].index, i)
	}
	return out
}
