package ebay

import (
	"context"
	"net/http"
	"time"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	quotaPath = "/developer/analytics/v1_beta/user_rate_limit/?api_name=inventory&api_context=sell"

	// maxPause bounds how long a channel rests without looking again.
	maxPause = time.Hour
)

// quotas is the answer of getUserRateLimits.
type quotas struct {
	RateLimits []struct {
		Resources []struct {
			Rates []quota `json:"rates"`
		} `json:"resources"`
	} `json:"rateLimits"`
}

type quota struct {
	Remaining channel.Quantity `json:"remaining"`
	Reset     time.Time        `json:"reset"`
}

// untilReset asks how long a quota is used up: an answer of 429 does not say it. It is 0 where that
// cannot be found out.
func (c *connector) untilReset(ctx context.Context) time.Duration {
	answer, err := c.session.Do(ctx, channel.Request{Method: http.MethodGet, URL: c.url + quotaPath, Header: c.header})
	if err != nil {
		return 0
	}
	var q quotas
	if c.http.Decode(answer, &q) != nil {
		return 0
	}
	return q.pause(c.clock.Now())
}

// pause is how long it takes until every quota that is used up is reset.
func (q quotas) pause(now time.Time) time.Duration {
	var out time.Duration
	for _, limit := range q.RateLimits {
		for _, resource := range limit.Resources {
			for _, r := range resource.Rates {
				if r.Remaining.Known && r.Remaining.Units <= 0 {
					out = max(out, r.Reset.Sub(now))
				}
			}
		}
	}
	return min(out, maxPause)
}
