package amazon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"tallyman.dev/tallyman/controllers/channel"
)

// backlog are the feeds whose end is not known. It is safe for concurrent use.
type backlog struct {
	mu    sync.Mutex
	asked bool              // Amazon was asked what former runs, or calls without an answer, have left
	feeds map[string]string // what keyOf says of a feed, by ID; empty where that is not known
}

// of returns the feed that a key stands for.
func (b *backlog) of(key string) (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id, of := range b.feeds {
		if of == key {
			return id, true
		}
	}
	return "", false
}

func (b *backlog) add(id, key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.feeds[id] = key
}

func (b *backlog) drop(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.feeds, id)
}

// unsure notes that there may be a feed that nobody knows the ID of.
func (b *backlog) unsure() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = false
}

// learn adds the feeds that Amazon has not finished. Complete tells whether they are all.
func (b *backlog) learn(unfinished []feed, complete bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = complete
	for _, f := range unfinished {
		if _, known := b.feeds[f.ID]; !known {
			b.feeds[f.ID] = ""
		}
	}
}

// own returns the IDs of the feeds that this process has submitted.
func (b *backlog) own() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []string
	for id, key := range b.feeds {
		if key != "" {
			out = append(out, id)
		}
	}
	return out
}

// open returns the IDs of the feeds, and whether Amazon has to be asked for more.
func (b *backlog) open() (ids []string, ask bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.feeds {
		ids = append(ids, id)
	}
	return ids, !b.asked
}

// catchUp waits for the feeds that this process has submitted and not seen to their end. Their verdicts
// are of no use any more: all that they are about is pushed again.
func (f *feeds) catchUp(ctx context.Context) error {
	for _, id := range f.backlog.own() {
		if _, err := f.follow(ctx, id); err != nil && !notFound(err) {
			return channel.BlameNoItem(err)
		}
		f.backlog.drop(id)
	}
	return nil
}

// finished tells whether no listings feed waits or is worked on, of those that this process knows of
// and of those that were there when it began.
func (f *feeds) finished(ctx context.Context) (bool, error) {
	if _, ask := f.backlog.open(); ask {
		if err := f.askUnfinished(ctx); err != nil {
			return false, channel.BlameNoItem(err)
		}
	}
	ids, _ := f.backlog.open()
	for _, id := range ids {
		got, err := f.look(ctx, id)
		switch {
		case notFound(err): // Amazon keeps feeds for some time only
		case err != nil:
			return false, channel.BlameNoItem(err)
		case !got.ended():
			return false, nil
		}
		f.backlog.drop(id)
	}
	return true, nil
}

func notFound(err error) bool {
	e, ok := errors.AsType[*channel.Error](err)
	return ok && e.Reason == channel.StatusReason(http.StatusNotFound)
}

// askUnfinished asks for feeds that were submitted before this process began.
func (f *feeds) askUnfinished(ctx context.Context) error {
	query := url.Values{"feedTypes": {feedType}, "processingStatuses": {"IN_QUEUE,IN_PROGRESS"}, "pageSize": {"100"}}
	answer, err := f.api.call(ctx, getFeeds, http.MethodGet, feedsPath, query, nil)
	if err != nil {
		return err
	}
	unfinished, complete, err := readFeeds(f.api.http, answer)
	if err != nil {
		return err
	}
	f.backlog.learn(unfinished, complete)
	return nil
}

// readFeeds reads the answer to getFeeds. Complete tells whether there are no further pages.
func readFeeds(client *channel.HTTPClient, answer *channel.Response) (all []feed, complete bool, err error) {
	var list struct {
		Feeds     *[]feed `json:"feeds"` // nil where the answer is something else
		NextToken string  `json:"nextToken"`
	}
	if err := client.Decode(answer, &list); err != nil {
		return nil, false, err
	}
	if list.Feeds == nil {
		return nil, false, channel.NewError(channel.Retry, channel.ReasonInvalidAnswer, "the answer has no list of feeds")
	}
	return *list.Feeds, list.NextToken == "", nil
}
