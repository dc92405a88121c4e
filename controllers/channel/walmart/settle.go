package walmart

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tallyman.dev/tallyman/controllers/channel"
)

// settle looks at open feeds before a push. It returns the groups that are to be sent, and notes what
// became of those that a feed has set, or still holds.
func (c *connector) settle(ctx context.Context, groups []group, failures map[int]*channel.Error) ([]group, error) {
	if err := c.adopt(ctx); err != nil {
		return nil, err
	}
	rest := groups
	for _, f := range slices.Clone(c.feeds.open) {
		report, err := c.look(ctx, f.id, f.items != nil)
		if err != nil {
			return nil, err
		}
		stuck := c.clock.Since(f.began) >= feedLife
		if f.items == nil { // nobody knows what is in it
			if !report.ended() && !stuck {
				return nil, pending(f)
			}
			c.feeds.close(f)
			continue
		}
		if c.failed(report) != nil {
			c.feeds.close(f)
			continue
		}
		c.conclude(f, report)
		if stuck {
			c.feeds.close(f)
		}
		var open []group
		for _, g := range rest {
			if f.decides(g, stuck) {
				f.tell(g, failures)
			} else {
				open = append(open, g)
			}
		}
		rest = open
	}
	return rest, nil
}

// listed is a feed in a list.
type listed struct {
	FeedID     string `json:"feedId"`
	FeedType   string `json:"feedType"`
	FeedStatus string `json:"feedStatus"`
	FeedDate   when   `json:"feedDate"`
}

// feedList is a page of feeds.
type feedList struct {
	Results struct {
		Feed []listed `json:"feed"`
	} `json:"results"`
}

// when is a time in an answer; zero where it cannot be read.
type when struct{ time.Time }

// UnmarshalJSON implements json.Unmarshaler.
func (w *when) UnmarshalJSON(raw []byte) error {
	w.Time, _ = moment(string(raw))
	return nil
}

func (c *connector) listFeeds(ctx context.Context, limit int) ([]listed, error) {
	var answer feedList
	err := c.do(ctx, request{method: http.MethodGet, path: fmt.Sprintf("/v3/feeds?offset=0&limit=%d", limit), allotment: c.gets}, &answer)
	if refused := refusalOf(err); refused != nil && refused.status == http.StatusNotFound {
		return nil, nil // there were none yet
	}
	return answer.Results.Feed, err
}

// adopt looks for feeds of an earlier life that are under way: they would overwrite what is sent now.
func (c *connector) adopt(ctx context.Context) error {
	if c.feeds.looked {
		return nil
	}
	all, err := c.listFeeds(ctx, maxListed)
	if err != nil {
		return err
	}
	c.take(all)
	c.feeds.looked = true
	return nil
}

// take remembers the inventory feeds of a list that are under way.
func (c *connector) take(all []listed) {
	now := c.clock.Now()
	for _, l := range all {
		ours := strings.EqualFold(l.FeedType, totalFeed) || strings.EqualFold(l.FeedType, nodesFeed)
		ended := (&report{FeedStatus: l.FeedStatus}).ended()
		known := slices.ContainsFunc(c.feeds.open, func(f *feed) bool { return f.id == l.FeedID })
		if !ours || ended || known || l.FeedID == "" {
			continue
		}
		began := l.FeedDate.Time
		if began.IsZero() || began.After(now) {
			began = now
		}
		c.feeds.open = append(c.feeds.open, &feed{id: l.FeedID, began: began})
	}
}

// maxListed is the most feeds that a list holds.
const maxListed = 50
