package walmart

import (
	"context"
	"net/url"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

// request is one call of the API.
type request struct {
	method, path string
	body         any
	allotment    *allotment
}

// do makes a request and reads its answer.
func (c *connector) do(ctx context.Context, r request, into any) error {
	if err := r.allotment.wait(ctx); err != nil {
		return err
	}
	answer, err := c.session.Do(ctx, channel.Request{Method: r.method, URL: c.url + r.path, Header: c.newHeader(), Body: r.body})
	if answer != nil {
		r.allotment.learn(answer.Header)
	}
	if err != nil {
		return c.explain(r, answer, err)
	}
	return c.http.Decode(answer, into)
}

// escape writes a value into a path or a query. Walmart wants everything encoded but letters, digits
// and a few marks, and a space as %20.
func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }

// quantity is a number of units, in requests.
type quantity struct {
	Unit   string `json:"unit"`
	Amount int64  `json:"amount"`
}

func units(n int64) quantity { return quantity{"EACH", n} }

// amount is a number of units, in answers.
type amount struct {
	Amount channel.Quantity `json:"amount"`
}
