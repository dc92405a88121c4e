package amazon

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	backlog   backlog
	applied   bool // whether reports shall show the listings
}

// newFeeds makes what submits feeds. Its error is an *Error of class Terminal.
func newFeeds(spec *inventoryv1alpha1.AmazonChannel, a *api, applied bool) (*feeds, error) {
	d, err := newDocuments(spec, a.http)
	if err != nil {
		return nil, err
	}
	return &feeds{api: a, documents: d, backlog: backlog{feeds: map[string]string{}}, applied: applied}, nil
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
func (f *feeds) push(ctx context.Context, key string, all []*listing, t *tally) error {
	key = keyOf(key, all)
	id, under := f.backlog.of(key)
	if !under {
		var err error
		if id, err = f.submit(ctx, key, all); err != nil {
			return notOfItems(err)
		}
	}
	ended, err := f.follow(ctx, id)
	if err != nil {
		if notFound(err) { // Amazon keeps feeds for some time only
			f.backlog.drop(id)
		}
		return notOfItems(err)
	}
	if err := f.settle(ctx, ended, all, t); err != nil {
		return notOfItems(err)
	}
	f.backlog.drop(id)
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
		f.backlog.unsure() // the feed may have been made
		return "", err
	}
	made, err := readFeed(f.api.http, answer)
	if err != nil {
		f.backlog.unsure()
		return "", err
	}
	f.backlog.add(made.ID, key)
	return made.ID, nil
}

// feedRequest is the body of createFeed.
type feedRequest struct {
	FeedType            string   `json:"feedType"`
	MarketplaceIDs      []string `json:"marketplaceIds"`
	InputFeedDocumentID string   `json:"inputFeedDocumentId"`
}

// feed is what Amazon says of a feed.
type feed struct {
	ID     string `json:"feedId"`
	Status string `json:"processingStatus"`
	Report string `json:"resultFeedDocumentId"`
}

// ended tells whether nothing more happens to a feed.
func (f feed) ended() bool {
	switch f.Status {
	case "DONE", "FATAL", "CANCELLED":
		return true
	}
	return false
}

// follow waits for the end of a feed.
func (f *feeds) follow(ctx context.Context, id string) (feed, error) {
	var last feed
	err := channel.Poll(ctx, f.api.clock, feedBackoff, func(ctx context.Context) (bool, error) {
		got, err := f.look(ctx, id)
		if err != nil {
			return false, err
		}
		last = got
		return got.ended(), nil
	})
	if err != nil && last.Status != "" && errors.Is(err, context.DeadlineExceeded) {
		// No time-out: smaller feeds would take as long.
		return last, channel.NewError(channel.Retry, "FeedPending", fmt.Sprintf("feed %s is still %s; it is followed on", id, last.Status))
	}
	return last, err
}

// look asks for the state of a feed.
func (f *feeds) look(ctx context.Context, id string) (feed, error) {
	answer, err := f.api.call(ctx, getFeed, http.MethodGet, feedsPath+"/"+url.PathEscape(id), nil, nil)
	if err != nil {
		return feed{}, err
	}
	got, err := readFeed(f.api.http, answer)
	if err == nil && got.Status == "" {
		return feed{}, channel.NewError(channel.Retry, "InvalidAnswer", "the answer has no state of the feed")
	}
	return got, err
}

// settle reads the verdicts of a feed that has ended.
func (f *feeds) settle(ctx context.Context, ended feed, all []*listing, t *tally) error {
	if ended.Status != "DONE" {
		// Some, none or all of it may have been applied: it is pushed again.
		f.backlog.drop(ended.ID)
		return channel.NewError(channel.Retry, "FeedFailed", fmt.Sprintf("feed %s ended as %s", ended.ID, ended.Status))
	}
	if ended.Report == "" {
		f.backlog.drop(ended.ID)
		return channel.NewError(channel.Retry, "InvalidReport", fmt.Sprintf("feed %s has no processing report", ended.ID))
	}
	answer, err := f.api.call(ctx, getFeedDocument, http.MethodGet, documentsPath+"/"+url.PathEscape(ended.Report), nil, nil)
	if err != nil {
		return err
	}
	source, err := readDocument(f.api.http, answer)
	if err != nil {
		return err
	}
	content, err := f.documents.download(ctx, source.URL)
	if err != nil {
		return err
	}
	r, err := readReport(f.api.http, content)
	if err != nil {
		f.backlog.drop(ended.ID)
		return err
	}
	if err := r.judge(f.api.http, all, t); err != nil {
		f.backlog.drop(ended.ID)
		return err
	}
	if f.applied {
		r.compare(all, t)
	}
	return nil
}

// location is where a document is.
type location struct {
	ID  string `json:"feedDocumentId"`
	URL string `json:"url"`
}

func readDocument(client *channel.HTTPClient, answer *channel.Response) (location, error) {
	var l location
	if err := client.Decode(answer, &l); err != nil {
		return location{}, err
	}
	if l.ID == "" || l.URL == "" {
		return location{}, channel.NewError(channel.Retry, "InvalidAnswer", "the answer has no feed document")
	}
	return l, nil
}

func readFeed(client *channel.HTTPClient, answer *channel.Response) (feed, error) {
	var f feed
	if err := client.Decode(answer, &f); err != nil {
		return feed{}, err
	}
	if f.ID == "" {
		return feed{}, channel.NewError(channel.Retry, "InvalidAnswer", "the answer has no feed")
	}
	return f, nil
}
