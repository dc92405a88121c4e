package walmart

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// maxPages bounds how much is read about one feed, and pageSize is the most items on a page.
const (
	maxPages = 20
	pageSize = 1000
)

// report is what Walmart says of a feed.
type report struct {
	FeedStatus      string           `json:"feedStatus"`
	ItemsReceived   channel.Quantity `json:"itemsReceived"`
	IngestionErrors faults           `json:"ingestionErrors"`
	ItemDetails     struct {
		Items []feedItem `json:"itemIngestionStatus"`
	} `json:"itemDetails"`
}

type feedItem struct {
	SKU             string `json:"sku"`
	IngestionStatus string `json:"ingestionStatus"`
	IngestionErrors faults `json:"ingestionErrors"`
}

// ended reports whether Walmart works on a feed no more.
func (r *report) ended() bool {
	return strings.EqualFold(r.FeedStatus, "PROCESSED") || strings.EqualFold(r.FeedStatus, "ERROR")
}

// failed is the error of a feed of which nothing was used.
func (c *connector) failed(r *report) error {
	if !strings.EqualFold(r.FeedStatus, "ERROR") {
		return nil
	}
	e := c.itemError(http.StatusOK, r.IngestionErrors).WithReason(channel.ReasonFeedRefused)
	if e.Class == channel.Retry {
		return e
	}
	return e.With(channel.Rejected) // the halves are tried alone
}

// look reads what Walmart says of a feed, on request with all its items.
func (c *connector) look(ctx context.Context, id string, details bool) (*report, error) {
	var out *report
	for n := range maxPages {
		path := fmt.Sprintf("/v3/feeds/%s?includeDetails=%t", escape(id), details)
		if details {
			path += fmt.Sprintf("&offset=%d&limit=%d", n*pageSize, pageSize)
		}
		page := &report{}
		err := c.do(ctx, request{method: http.MethodGet, path: path, allotment: c.gets}, page)
		if refused := refusalOf(err); refused != nil && refused.status == http.StatusNotFound {
			return &report{FeedStatus: "RECEIVED"}, nil // it does not show yet
		}
		if err != nil {
			return nil, err
		}
		if page.FeedStatus == "" {
			return nil, channel.InvalidAnswer("Walmart does not tell the status of a feed")
		}
		if out == nil {
			out = page
		} else {
			out.ItemDetails.Items = append(out.ItemDetails.Items, page.ItemDetails.Items...)
		}
		if !details || len(page.ItemDetails.Items) == 0 || len(out.ItemDetails.Items) >= int(out.ItemsReceived.Units) {
			break
		}
	}
	return out, nil
}

// conclude notes what a report says of the items of a feed, and closes the feed if that is all.
func (c *connector) conclude(f *feed, r *report) {
	rows := map[string][]feedItem{}
	for _, row := range r.ItemDetails.Items {
		rows[row.SKU] = append(rows[row.SKU], row)
	}
	open := false
	for at, s := range f.items {
		if !s.ended {
			s.ended, s.err = c.outcome(rows[at.sku], r.ended())
			f.items[at] = s
		}
		open = open || !s.ended
	}
	if !open {
		c.feeds.close(f)
	}
}

// outcome is what became of a SKU, by its rows in the report of a feed.
func (c *connector) outcome(rows []feedItem, feedEnded bool) (ended bool, err *channel.Error) {
	for _, row := range rows {
		switch status := strings.ToUpper(row.IngestionStatus); status {
		case "SUCCESS":
			ended = true
		case "DATA_ERROR", "SYSTEM_ERROR", "TIMEOUT_ERROR", "ERROR":
			err = c.itemError(http.StatusOK, row.IngestionErrors)
			if status == "SYSTEM_ERROR" || status == "TIMEOUT_ERROR" {
				err = err.With(channel.Retry).WithReason(reasonOf(status))
			}
			return true, err
		default: // RECEIVED, INPROGRESS
			if !feedEnded {
				return false, nil
			}
			ended = false
		}
	}
	if !ended && feedEnded {
		return true, channel.NotConfirmed("Walmart has ended the feed, and says nothing of the SKU")
	}
	return ended, nil
}
