package amazon

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// rateHeader tells the rate of an operation, in requests a second.
	rateHeader = "X-Amzn-Ratelimit-Limit"

	// Rates beyond these are not believed.
	minRate, maxRate = 1.0 / 3600, 1000.0
)

// endpoints of the Selling Partner API.
var endpoints = map[inventoryv1alpha1.AmazonRegion]string{
	inventoryv1alpha1.AmazonNorthAmerica: "https://sellingpartnerapi-na.amazon.com",
	inventoryv1alpha1.AmazonEurope:       "https://sellingpartnerapi-eu.amazon.com",
	inventoryv1alpha1.AmazonFarEast:      "https://sellingpartnerapi-fe.amazon.com",
}

// operation is a call of the Selling Partner API. Each has a rate of its own.
type operation string

const (
	patchListingsItem   operation = "patchListingsItem"
	getListingsItem     operation = "getListingsItem"
	searchListingsItems operation = "searchListingsItems"
	createFeedDocument  operation = "createFeedDocument"
	createFeed          operation = "createFeed"
	getFeed             operation = "getFeed"
	getFeeds            operation = "getFeeds"
	getFeedDocument     operation = "getFeedDocument"
	batchInventory      operation = "batchInventory"
)

// usagePlan is how Amazon calls a token bucket.
type usagePlan struct {
	rate  float64 // requests a second
	burst int
}

// plans are the default usage plans of the models. That of createFeed is the one for listings feeds, five
// in five minutes; that of batchInventory, of which the model says nothing, is documented by its guide.
var plans = map[operation]usagePlan{
	patchListingsItem:   {5, 5},
	getListingsItem:     {5, 10},
	searchListingsItems: {5, 5},
	createFeedDocument:  {0.5, 15},
	createFeed:          {5.0 / 300, 5},
	getFeed:             {2, 15},
	getFeeds:            {0.0222, 10},
	getFeedDocument:     {0.0222, 10},
	batchInventory:      {50, 100},
}

// api makes calls of the Selling Partner API, at the rates that it grants.
type api struct {
	http      *channel.HTTPClient
	session   *channel.Session
	clock     clock.WithTicker
	endpoint  string
	sellerID  string
	limiters  map[operation]*rate.Limiter
	marketIDs []string
}

// newAPI makes the calls of a Channel. Its error is an *Error of class Terminal.
func newAPI(cfg channel.Config, client *channel.HTTPClient) (*api, error) {
	fetch, err := login(cfg, client)
	if err != nil {
		return nil, err
	}
	spec := cfg.Channel.Spec.Amazon
	a := &api{
		http: client, clock: cfg.Clock, endpoint: endpoints[spec.Region], sellerID: spec.SellerID,
		session:  &channel.Session{HTTP: client, Clock: cfg.Clock, Login: fetch, Lapsed: lapsed},
		limiters: make(map[operation]*rate.Limiter, len(plans)),
	}
	if spec.Endpoint != "" {
		a.endpoint = strings.TrimRight(string(spec.Endpoint), "/")
	}
	if a.endpoint == "" {
		return nil, channel.InvalidSpec("spec.amazon.region must be NA, EU or FE")
	}
	for name, p := range plans {
		a.limiters[name] = rate.NewLimiter(rate.Limit(p.rate), p.burst)
	}
	for _, id := range spec.MarketplaceIDs {
		a.marketIDs = append(a.marketIDs, string(id))
	}
	return a, nil
}

// call makes a call as soon as the operation's rate allows it. Its error is an *Error, or that of the context.
func (a *api) call(ctx context.Context, op operation, method, path string, query url.Values, body any) (*channel.Response, error) {
	if err := channel.TakeToken(ctx, a.clock, a.limiters[op]); err != nil {
		return nil, err
	}
	target := a.endpoint + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	answer, err := a.session.Do(ctx, channel.Request{Method: method, URL: target, Body: body, Header: http.Header{
		"X-Amz-Date": {a.clock.Now().UTC().Format("20060102T150405Z")},
	}})
	a.learn(op, answer)
	return answer, a.throttled(op, err)
}

// learn takes over the rate that an answer grants. Amazon adapts rates to a seller's business.
func (a *api) learn(op operation, answer *channel.Response) {
	if answer == nil {
		return
	}
	granted, err := strconv.ParseFloat(answer.Header.Get(rateHeader), 64)
	if err != nil || math.IsNaN(granted) || granted < minRate || granted > maxRate {
		return
	}
	a.limiters[op].SetLimitAt(a.clock.Now(), rate.Limit(granted))
}

// throttled adds to a refusal for the rate how long it takes until the next request is allowed: the
// Selling Partner API does not say it.
func (a *api) throttled(op operation, err error) error {
	e, ok := errors.AsType[*channel.Error](err)
	if !ok || e.Class != channel.Throttled || e.RetryAfter > 0 {
		return err
	}
	return e.WithPause(time.Duration(float64(time.Second) / float64(a.limiters[op].Limit())))
}
