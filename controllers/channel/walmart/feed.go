package walmart

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// feedPatience is how long a push waits for its feed. Walmart works on most for a few minutes, and
	// documents half an hour.
	feedPatience = 12 * time.Minute

	// feedPause is how long a SKU rests whose feed takes longer.
	feedPause = 2 * time.Minute
)

// feedBackoff is the pause between two looks at a feed.
func feedBackoff() wait.Backoff {
	return wait.Backoff{Duration: 10 * time.Second, Factor: 1.5, Steps: 10, Cap: time.Minute}
}

// Types of feeds: of one node, and of several. Their schemas write the same keys in different cases.
const (
	totalFeed = "inventory"
	nodesFeed = "MP_INVENTORY"
)

// totalsBody is a feed of one node, version 1.4.
type totalsBody struct {
	InventoryHeader feedHeader
	Inventory       []total
}

// nodesBody is a feed of several nodes, version 1.5.
type nodesBody struct {
	InventoryHeader feedHeader  `json:"inventoryHeader"`
	Inventory       []feedNodes `json:"inventory"`
}

type feedHeader struct {
	Version string `json:"version"`
}

type feedNodes struct {
	SKU       string     `json:"sku"`
	ShipNodes []feedNode `json:"shipNodes"`
}

type feedNode struct {
	ShipNode string   `json:"shipNode"`
	Quantity quantity `json:"quantity"`
}

// feedOf returns the path and the content of a feed.
func (c *connector) feedOf(mode inventoryv1alpha1.ChannelMode, groups []group) (path string, content any) {
	if mode == inventoryv1alpha1.Consolidated {
		body := totalsBody{InventoryHeader: feedHeader{"1.4"}}
		for _, g := range groups {
			body.Inventory = append(body.Inventory, total{g.sku, units(g.items[0].Quantity)})
		}
		path = "/v3/feeds?feedType=" + totalFeed
		if c.shipNode != "" {
			path += "&shipNode=" + escape(c.shipNode)
		}
		return path, body
	}
	body := nodesBody{InventoryHeader: feedHeader{"1.5"}}
	for _, g := range groups {
		of := feedNodes{SKU: g.sku}
		for _, it := range g.items {
			of.ShipNodes = append(of.ShipNodes, feedNode{it.LocationCode, units(it.Quantity)})
		}
		body.Inventory = append(body.Inventory, of)
	}
	return "/v3/feeds?feedType=" + nodesFeed, body
}

// file writes a feed as the upload of a file.
func file(content any) (channel.Raw, error) {
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	part, err := form.CreateFormFile("file", "inventory.json")
	if err != nil {
		return channel.Raw{}, fmt.Errorf("write the feed: %w", err)
	}
	if err := json.NewEncoder(part).Encode(content); err != nil {
		return channel.Raw{}, fmt.Errorf("write the feed: %w", err)
	}
	if err := form.Close(); err != nil {
		return channel.Raw{}, fmt.Errorf("write the feed: %w", err)
	}
	return channel.Raw{ContentType: form.FormDataContentType(), Content: out.Bytes()}, nil
}

// submit sends a feed. Where it is not known whether Walmart has it, feeds are looked for before the next push.
func (c *connector) submit(ctx context.Context, path string, content any) (id string, err error) {
	body, err := file(content)
	if err != nil {
		return "", err
	}
	var answer struct {
		FeedID string `json:"feedId"`
	}
	err = c.do(ctx, request{method: http.MethodPost, path: path, body: body, allotment: c.posts}, &answer)
	if err == nil && answer.FeedID == "" {
		err = channel.InvalidAnswer("Walmart does not name the feed that it has taken")
	}
	if err != nil && channel.AsError(err).Class == channel.Retry {
		c.feeds.looked = false
	}
	return answer.FeedID, err
}

// pushFeed sets groups by a feed, and waits for it.
func (c *connector) pushFeed(ctx context.Context, mode inventoryv1alpha1.ChannelMode, groups []group, failures map[int]*channel.Error) error {
	path, content := c.feedOf(mode, groups)
	id, err := c.submit(ctx, path, content)
	if err != nil {
		return err
	}
	f := newFeed(id, c.clock.Now(), groups)
	c.feeds.open = append(c.feeds.open, f)
	err = channel.Poll(ctx, c.clock, feedBackoff(), func(ctx context.Context) (bool, error) {
		report, err := c.look(ctx, id, false)
		return err == nil && (report.ended() || c.clock.Since(f.began) >= feedPatience), err
	})
	if err != nil {
		return err // the feed stays open, and is looked at before the next push
	}
	report, err := c.look(ctx, id, true)
	if err != nil {
		return err
	}
	if err := c.failed(report); err != nil {
		c.feeds.close(f)
		return err
	}
	c.conclude(f, report)
	for _, g := range groups {
		f.tell(g, failures)
	}
	return nil
}
