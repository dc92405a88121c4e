package vendure

import (
	"context"
	"fmt"

	"tallyman.dev/tallyman/controllers/channel"
)

// pageSize is how many items a list is asked for at once. Vendure allows 1,000 unless configured otherwise.
const pageSize = 100

// maxItems bounds a list: what is asked for are a page's names, each of which few items share.
const maxItems = 10_000

// page is a part of a list.
type page[T any] struct {
	TotalItems int `json:"totalItems"`
	Items      []T `json:"items"`
}

// options of a list.
type options struct {
	Filter filter `json:"filter"`
	Sort   order  `json:"sort"`
	Skip   int    `json:"skip"`
	Take   int    `json:"take"`
}

// filter finds items that have one of some values; all without any.
type filter struct {
	ID   *oneOf `json:"id,omitempty"`
	Name *oneOf `json:"name,omitempty"`
	SKU  *oneOf `json:"sku,omitempty"`
}

type oneOf struct {
	In []string `json:"in"`
}

// order is by id: pages must not overlap.
type order struct {
	ID string `json:"id"`
}

// listing is the variables of a list.
type listing struct {
	Options options `json:"options"`
}

// list reads all pages of a list. Pick finds the page in an answer.
func list[A, T any](ctx context.Context, c *connector, query string, f filter, pick func(*A) (page[T], error)) ([]T, error) {
	var all []T
	for {
		var answer A
		variables := listing{options{Filter: f, Sort: order{"ASC"}, Skip: len(all), Take: pageSize}}
		if err := c.ask(ctx, query, variables, &answer); err != nil {
			return nil, err
		}
		p, err := pick(&answer)
		if err != nil {
			return nil, err
		}
		all = append(all, p.Items...)
		switch {
		case len(all) >= p.TotalItems:
			return all, nil
		case len(p.Items) == 0: // a part must not be taken for the whole
			return nil, channel.InvalidAnswer("a list ends before its last item")
		case len(all) > maxItems:
			return nil, channel.InvalidAnswer(fmt.Sprintf("a list has more than %d items", maxItems))
		}
	}
}
