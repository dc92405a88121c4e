package amazon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"tallyman.dev/tallyman/controllers/channel"
)

// feed is what Amazon says of a feed.
type feed struct {
	ID     string `json:"feedId"`
	Status string `json:"processingStatus"`
	Report string `json:"resultFeedDocumentId"`
}

// ended reports whether nothing more happens to a feed.
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
		return last, channel.NewError(channel.Retry, channel.ReasonFeedPending, fmt.Sprintf("feed %s is still %s; it is followed on", id, last.Status))
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
		return feed{}, channel.InvalidAnswer("the answer has no state of the feed")
	}
	return got, err
}

// settle reads what became of the listings of a feed that has ended.
func (f *feeds) settle(ctx context.Context, ended feed, all []*listing, t *outcomes) error {
	if ended.Status != "DONE" {
		// Some, none or all of it may have been applied: it is pushed again.
		f.pending.drop(ended.ID)
		return channel.NewError(channel.Retry, reasonFeedFailed, fmt.Sprintf("feed %s ended as %s", ended.ID, ended.Status))
	}
	if ended.Report == "" {
		f.pending.drop(ended.ID)
		return channel.NewError(channel.Retry, reasonInvalidReport, fmt.Sprintf("feed %s has no processing report", ended.ID))
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
		f.pending.drop(ended.ID)
		return err
	}
	if err := r.settle(f.api.http, all, t); err != nil {
		f.pending.drop(ended.ID)
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
		return location{}, channel.InvalidAnswer("the answer has no feed document")
	}
	return l, nil
}

func readFeed(client *channel.HTTPClient, answer *channel.Response) (feed, error) {
	var f feed
	if err := client.Decode(answer, &f); err != nil {
		return feed{}, err
	}
	if f.ID == "" {
		return feed{}, channel.InvalidAnswer("the answer has no feed")
	}
	return f, nil
}
