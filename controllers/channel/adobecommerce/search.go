package adobecommerce

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// maxQuery bounds the values in the address of a search, in bytes as they are sent. Many servers
	// refuse addresses beyond 8 KiB.
	maxQuery = 3 << 10

	// commaCost is what a value with a comma adds to that, which takes a filter of its own.
	commaCost = 250

	// maxPages bounds the answer to a search, whose values match few rows each.
	maxPages = 10
)

// filter compares a field with values: at least one must match.
type filter struct {
	field  string
	values []string
}

// page is a part of the answer to a search.
type page[T any] struct {
	Items      []T  `json:"items"`
	TotalCount *int `json:"total_count"`
}

// search returns all rows that match every filter. The database compares without regard to case: the
// caller looks again.
func search[T any](ctx context.Context, c *connector, path, fields string, filters []filter, size int) ([]T, error) {
	var out []T
	for current, pages := 1, 1; current <= pages; current++ {
		rows, total, err := find[T](ctx, c, path, fields, filters, size, current)
		if err != nil {
			return nil, err
		}
		if pages = (total + size - 1) / size; pages > maxPages {
			return nil, channel.InvalidAnswer(fmt.Sprintf("a search found %d rows, many more than were asked for", total))
		}
		out = append(out, rows...)
	}
	return out, nil
}

// find returns one page, and how many rows there are. Beyond the last page, the shop repeats that.
func find[T any](ctx context.Context, c *connector, path, fields string, filters []filter, size, current int) ([]T, int, error) {
	query := criteria(filters)
	query.Set("searchCriteria[pageSize]", strconv.Itoa(size))
	query.Set("searchCriteria[currentPage]", strconv.Itoa(current))
	query.Set("fields", fields)
	answer, err := c.call(ctx, channel.Request{Method: http.MethodGet, URL: path + "?" + query.Encode()})
	if err != nil {
		return nil, 0, err
	}
	return readPage[T](c, answer)
}

// readPage reads one page of an answer.
func readPage[T any](c *connector, answer *channel.Response) ([]T, int, error) {
	var p page[T]
	if err := c.http.Decode(answer, &p); err != nil {
		return nil, 0, err
	}
	if p.TotalCount == nil || *p.TotalCount < 0 {
		return nil, 0, channel.InvalidAnswer("the answer to a search does not say how many rows there are")
	}
	return p.Items, *p.TotalCount, nil
}

// criteria writes filters as parameters. Values stand in one list, which commas divide; those that have a
// comma themselves are compared alone.
func criteria(filters []filter) url.Values {
	out := url.Values{}
	for group, f := range filters {
		var list []string
		n := 0
		add := func(condition, value string) {
			prefix := fmt.Sprintf("searchCriteria[filter_groups][%d][filters][%d]", group, n)
			out.Set(prefix+"[field]", f.field)
			out.Set(prefix+"[condition_type]", condition)
			out.Set(prefix+"[value]", value)
			n++
		}
		for _, value := range f.values {
			if strings.Contains(value, ",") {
				add("eq", value)
				continue
			}
			list = append(list, value)
		}
		if len(list) > 0 {
			add("in", strings.Join(list, ","))
		}
	}
	return out
}

// portions divides values into searches whose addresses are short enough.
func portions(values []string) [][]string {
	return resolve.Portions(values, lookupSize, maxQuery, func(value string) int {
		length := len(url.QueryEscape("," + value))
		if strings.Contains(value, ",") {
			length += commaCost
		}
		return length
	})
}
