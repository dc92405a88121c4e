package amazon

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"sync"

	"tallyman.dev/tallyman/controllers/channel"
)

// pendingFeeds are the feeds whose end is not known. It is safe for concurrent use.
type pendingFeeds struct {
	mu    sync.Mutex
	asked bool              // Amazon was asked what former runs, or calls without an answer, have left
	feeds map[string]string // what keyOf says of a feed, by ID; empty where that is not known
}

// of returns the feed that a key stands for.
func (p *pendingFeeds) of(key string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, of := range p.feeds {
		if of == key {
			return id, true
		}
	}
	return "", false
}

func (p *pendingFeeds) add(id, key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.feeds[id] = key
}

func (p *pendingFeeds) drop(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.feeds, id)
}

// unsure notes that there may be a feed that nobody knows the ID of.
func (p *pendingFeeds) unsure() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = false
}

// learn adds the feeds that Amazon has not finished. Complete means that they are all.
func (p *pendingFeeds) learn(unfinished []feed, complete bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = complete
	for _, f := range unfinished {
		if _, known := p.feeds[f.ID]; !known {
			p.feeds[f.ID] = ""
		}
	}
}

// own returns the IDs of the feeds that this process has submitted.
func (p *pendingFeeds) own() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for id, key := range p.feeds {
		if key != "" {
			out = append(out, id)
		}
	}
	return out
}

// open returns the IDs of the feeds, and whether Amazon has to be asked for more.
func (p *pendingFeeds) open() (ids []string, ask bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := range p.feeds {
		ids = append(ids, id)
	}
	return ids, !p.asked
}

// catchUp waits for the feeds that this process has submitted and not seen to their end. What these say
// is of no use any more: all that they are about is pushed again.
func (f *feeds) catchUp(ctx context.Context) error {
	for _, id := range f.pending.own() {
		if _, err := f.follow(ctx, id); err != nil && !notFound(err) {
			return channel.BlameNoItem(err)
		}
		f.pending.drop(id)
	}
	return nil
}

// prune drops the feeds that Amazon has ended, of those that this process knows of and of those that were there when
// it began. It stops at the first that waits or is worked on, as there is one then.
func (f *feeds) prune(ctx context.Context) error {
	if _, ask := f.pending.open(); ask {
		if err := f.askUnfinished(ctx); err != nil {
			return channel.BlameNoItem(err)
		}
	}
	ids, _ := f.pending.open()
	for _, id := range ids {
		got, err := f.look(ctx, id)
		switch {
		case notFound(err): // Amazon keeps feeds for some time only
		case err != nil:
			return channel.BlameNoItem(err)
		case !got.ended():
			return nil
		}
		f.pending.drop(id)
	}
	return nil
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
	f.pending.learn(unfinished, complete)
	return nil
}

// readFeeds reads the answer to getFeeds. Complete means that there are no further pages.
func readFeeds(client *channel.HTTPClient, answer *channel.Response) (all []feed, complete bool, err error) {
	var list struct {
		Feeds     *[]feed `json:"feeds"` // nil where the answer is something else
		NextToken string  `json:"nextToken"`
	}
	if err := client.Decode(answer, &list); err != nil {
		return nil, false, err
	}
	if list.Feeds == nil {
		return nil, false, channel.InvalidAnswer("the answer has no list of feeds")
	}
	return *list.Feeds, list.NextToken == "", nil
}
