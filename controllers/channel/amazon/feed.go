package amazon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

const (
	feedsPath     = "/feeds/2021-06-30/feeds"
	documentsPath = "/feeds/2021-06-30/documents"

	// feedType is the only one left for listings.
	feedType = "JSON_LISTINGS_FEED"

	// feedVersion is that of the feed's schema.
	feedVersion = "2.0"

	// listingsVersion is that of the Listings Items API, in whose terms a report shows listings.
	listingsVersion = "2021-08-01"
)

// feedBackoff are the pauses between two looks at a feed. Most take some minutes.
var feedBackoff = wait.Backoff{Duration: 5 * time.Second, Factor: 1.5, Cap: time.Minute, Steps: 1 << 20}

// feeds submits listings feeds and follows them to their end.
type feeds struct {
	api       *api
	documents *documents
	pending   pendingFeeds
	applied   bool // whether reports shall show the listings
}

// newFeeds makes what submits feeds. Its error is an *Error of class Terminal.
func newFeeds(spec *inventoryv1alpha1.AmazonChannel, a *api, applied bool) (*feeds, error) {
	d, err := newDocuments(spec, a.http)
	if err != nil {
		return nil, err
	}
	return &feeds{api: a, documents: d, pending: pendingFeeds{feeds: map[string]string{}}, applied: applied}, nil
}

// document is the content of a feed.
type document struct {
	Header   header    `json:"header"`
	Messages []message `json:"messages"`
}

// header begins a feed.
type header struct {
	SellerID string   `json:"sellerId"`
	Version  string   `json:"version"`
	Report   *include `json:"report,omitempty"`
}

// include asks for listings in the report, which is then made only when the feed has been applied.
type include struct {
	IncludedData []string `json:"includedData"`
	APIVersion   string   `json:"apiVersion"`
}

// message is what a feed says of one listing.
type message struct {
	MessageID     int     `json:"messageId"` // from 1 on
	SKU           string  `json:"sku"`
	OperationType string  `json:"operationType"`
	ProductType   string  `json:"productType"`
	Patches       []patch `json:"patches"`
}

func (f *feeds) document(all []*listing) ([]byte, error) {
	doc := document{Header: header{SellerID: f.api.sellerID, Version: feedVersion}, Messages: make([]message, len(all))}
	if f.applied {
		doc.Header.Report = &include{[]string{"issues", "fulfillmentAvailability"}, listingsVersion}
	}
	for i, l := range all {
		doc.Messages[i] = message{i + 1, l.sku, "PATCH", l.productType, l.patches()}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // what is no web page need not be three times as long
	err := encoder.Encode(doc)
	return out.Bytes(), err
}

// push submits a feed, or takes up one that was submitted for the same batch, and settles its listings.
func (f *feeds) push(ctx context.Context, key string, all []*listing, t *outcomes) error {
	key = keyOf(key, all)
	id, under := f.pending.of(key)
	if !under {
		var err error
		if id, err = f.submit(ctx, key, all); err != nil {
			return channel.BlameNoItem(err)
		}
	}
	ended, err := f.follow(ctx, id)
	if err != nil {
		if notFound(err) { // Amazon keeps feeds for some time only
			f.pending.drop(id)
		}
		return channel.BlameNoItem(err)
	}
	if err := f.settle(ctx, ended, all, t); err != nil {
		return channel.BlameNoItem(err)
	}
	f.pending.drop(id)
	return nil
}

// keyOf identifies a feed: the batch, and those of its listings that it is about. Which are left out as
// unknown may change between two attempts, and with it the meaning of the message IDs.
func keyOf(key string, all []*listing) string {
	digest := sha256.New()
	for _, l := range all {
		_, _ = fmt.Fprintf(digest, "%q", l.sku) // a hash takes everything
	}
	return fmt.Sprintf("%s/%x", key, digest.Sum(nil))
}

// submit makes a feed, and returns its ID.
func (f *feeds) submit(ctx context.Context, key string, all []*listing) (string, error) {
	content, err := f.document(all)
	if err != nil {
		return "", err
	}
	answer, err := f.api.call(ctx, createFeedDocument, http.MethodPost, documentsPath, nil, map[string]string{"contentType": feedContentType})
	if err != nil {
		return "", err
	}
	target, err := readDocument(f.api.http, answer)
	if err != nil {
		return "", err
	}
	if err := f.documents.upload(ctx, target.URL, content); err != nil {
		return "", err
	}
	answer, err = f.api.call(ctx, createFeed, http.MethodPost, feedsPath, nil, feedRequest{feedType, f.api.marketIDs, target.ID})
	if err != nil {
		f.pending.unsure() // the feed may have been made
		return "", err
	}
	made, err := readFeed(f.api.http, answer)
	if err != nil {
		f.pending.unsure()
		return "", err
	}
	f.pending.add(made.ID, key)
	return made.ID, nil
}

// feedRequest is the body of createFeed.
type feedRequest struct {
	FeedType            string   `json:"feedType"`
	MarketplaceIDs      []string `json:"marketplaceIds"`
	InputFeedDocumentID string   `json:"inputFeedDocumentId"`
}
