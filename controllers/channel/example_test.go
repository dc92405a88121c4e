package channel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

// acme is the connector for shops of Acme, which exist in this example only.
type acme struct {
	http    *channel.HTTPClient
	url     string
	header  http.Header
	size    int
	targets resolve.Targets[string, resolve.Nowhere] // the shop's ids of articles
}

const (
	acmeBatchSize  = 50
	acmeLookupSize = 100

	reasonArticleLocked channel.Reason = "ArticleLocked"
)

// newAcme is a channel.Factory. A real connector reads its own struct of the spec.
func newAcme(cfg channel.Config) (channel.Connector, error) {
	spec := cfg.Channel.Spec.Omni
	if spec == nil {
		return nil, channel.InvalidSpec("spec.acme must be set")
	}
	key, err := cfg.Secret().Token("apiKey")
	if err != nil {
		return nil, err
	}
	client, err := channel.NewHTTPClient(cfg)
	if err != nil {
		return nil, err
	}
	c := &acme{http: client, url: string(spec.URL), header: http.Header{"X-Api-Key": {key}}, size: cfg.BatchSize(acmeBatchSize)}
	c.targets.Items = resolve.New(cfg.Clock, acmeLookupSize, c.lookUp)
	return c, nil
}

func (c *acme) Limits() channel.Limits {
	return channel.Limits{BatchSize: c.size, MaxParallel: 1, Patience: channel.MaxPatience}
}

func (c *acme) Probe(ctx context.Context) error {
	_, err := c.lookUp(ctx, []string{"tallyman-probe"})
	return err
}

// lookUp is a resolve.Lookup. What it is refused blames no item.
func (c *acme) lookUp(ctx context.Context, skus []string) (map[string][]string, error) {
	answer, err := c.http.Do(ctx, channel.Request{
		Method: http.MethodGet, URL: c.url + "/articles?" + url.Values{"sku": skus}.Encode(), Header: c.header,
	})
	if err != nil {
		return nil, channel.BlameNoItem(err)
	}
	var articles []struct{ ID, SKU string }
	if err := c.http.Decode(answer, &articles); err != nil {
		return nil, err
	}
	out := map[string][]string{}
	for _, a := range articles {
		out[a.SKU] = append(out[a.SKU], a.ID)
	}
	return out, nil
}

func (c *acme) Push(ctx context.Context, b channel.Batch) (channel.Result, error) {
	targets, failures, err := c.targets.Resolve(ctx, b)
	if err != nil || len(targets) == 0 {
		return channel.Result{Failures: failures}, err
	}
	stock := map[string]int64{}
	for _, t := range targets {
		stock[t.Found] = t.Quantity
	}
	answer, err := c.http.Do(ctx, channel.Request{Method: http.MethodPut, URL: c.url + "/stock", Header: c.header, Body: stock})
	if err != nil {
		return channel.Result{}, err
	}
	var states map[string]string
	if err := c.http.Decode(answer, &states); err != nil {
		return channel.Result{}, err
	}
	for _, t := range targets {
		switch states[t.Found] {
		case "set":
		case "locked":
			failures[t.Index] = channel.NewError(channel.Unconfirmed, reasonArticleLocked, "somebody edits the article")
		default:
			failures[t.Index] = channel.NotConfirmed("the answer says nothing of the article")
		}
	}
	return channel.Result{Failures: failures}, nil
}

// A connector: credentials, the look-up of SKUs, and a call that says what became of each item.
func Example() {
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_ = json.NewEncoder(w).Encode([]map[string]string{{"id": "7", "sku": "MUG"}, {"id": "8", "sku": "PEN"}})
			return
		}
		_, _ = w.Write([]byte(`{"7":"set","8":"locked"}`))
	}))
	defer shop.Close()
	ch := &inventoryv1alpha1.Channel{}
	ch.Spec.Omni = &inventoryv1alpha1.OmniChannel{URL: inventoryv1alpha1.HTTPURL(shop.URL)}
	c, err := newAcme(channel.Config{Channel: ch, Credentials: map[string][]byte{"apiKey": []byte("s3cret\n")}, Clock: clock.RealClock{}})
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := c.Push(context.Background(), channel.Batch{Mode: inventoryv1alpha1.Consolidated, Items: []channel.Item{
		{SKU: "MUG", Quantity: 3}, {SKU: "PEN", Quantity: 4}, {SKU: "CUP", Quantity: 5},
	}})
	fmt.Println(err)
	for i := range 3 {
		fmt.Println(i, result.Failures[i])
	}
	// Output:
	// <nil>
	// 0 <nil>
	// 1 ArticleLocked: somebody edits the article
	// 2 UnknownSKU: the channel has no item with this SKU
}
