package woocommerce

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// lookupSize is the most SKUs in a look-up: as many products as a page may hold.
	lookupSize = 100

	// maxQuery bounds the SKUs in the address of a look-up, in bytes as they are sent. Many servers
	// refuse addresses beyond 8 KiB.
	maxQuery = 4 << 10

	// maxRead is the most SKUs that are read at once, in look-ups of lookupSize.
	maxRead = 10 * lookupSize

	// maxPages bounds the answer to a look-up. A shop whose products have no SKUs (there is a filter for
	// that) ignores the parameter, and answers with all it has.
	maxPages = 10

	// unbounded is read where nothing bounds what a product sells: more than any quantity.
	unbounded = inventoryv1alpha1.MaxQuantity + 1
)

// lookupFields are those of a row.
const lookupFields = "id,parent_id,type,sku,manage_stock,stock_quantity,stock_status"

// product is what a SKU stands for.
type product struct {
	id     int64
	parent int64 // of a variation; 0 for other products
}

// row is a product or a variation in the answer to a look-up.
type row struct {
	ID       int64  `json:"id"`
	ParentID int64  `json:"parent_id"`
	Type     string `json:"type"`
	SKU      string `json:"sku"`
	stock
}

// product identifies a row. Products that are no variations may have a parent too, which does not count.
func (r row) product() product {
	if r.Type != "variation" {
		return product{id: r.ID}
	}
	return product{id: r.ID, parent: r.ParentID}
}

// lookUp is the resolver's way to the shop.
func (c *connector) lookUp(ctx context.Context, skus []string) (map[string][]product, error) {
	rows, err := c.find(ctx, skus)
	if err != nil {
		return nil, fmt.Errorf("look up SKUs: %w", err)
	}
	out := make(map[string][]product, len(rows))
	for sku, some := range rows {
		for _, r := range some {
			out[sku] = append(out[sku], r.product())
		}
	}
	return out, nil
}

// Read implements channel.Reader.
func (c *connector) Read(ctx context.Context, b channel.Batch) (channel.Readings, error) {
	rows, failures, err := c.rows.Resolve(ctx, b)
	if err != nil {
		return channel.Readings{}, err
	}
	out := channel.Readings{Quantities: make(map[int]int64, len(rows)), Failures: failures}
	for _, r := range rows {
		out.Quantities[r.Index] = r.Found.sells()
	}
	return out, nil
}

// find returns the products of the shop that have one of some SKUs.
func (c *connector) find(ctx context.Context, skus []string) (map[string][]*row, error) {
	out := make(map[string][]*row, len(skus))
	for _, some := range queries(skus) {
		if err := c.findSome(ctx, some, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// queries divides SKUs into look-ups. A comma divides SKUs, but the whole is tried as one too: a SKU
// with a comma is looked up alone.
func queries(skus []string) [][]string {
	return resolve.Portions(skus, lookupSize, maxQuery, func(sku string) int {
		if strings.Contains(sku, ",") {
			return maxQuery
		}
		return len(url.QueryEscape("," + sku))
	})
}

// findSome makes one look-up, page by page. The database compares without regard to case and accents,
// and WordPress takes tags and some spaces out of a parameter: what is not exactly asked for is left out.
func (c *connector) findSome(ctx context.Context, skus []string, into map[string][]*row) error {
	seen := map[int64]bool{} // pages shift when products are created meanwhile
	for page, pages := 1, 1; page <= pages; page++ {
		answer, err := c.call(ctx, channel.Request{Method: http.MethodGet, URL: "/products"}, url.Values{
			"sku": {strings.Join(skus, ",")}, "per_page": {strconv.Itoa(lookupSize)}, "page": {strconv.Itoa(page)},
			"orderby": {"id"}, "order": {"asc"}, "_fields": {lookupFields},
		})
		if err != nil {
			return err
		}
		if pages, err = c.readPage(answer, skus, seen, into); err != nil {
			return err
		}
	}
	return nil
}

// readPage takes what is new in a page, and returns how many pages there are.
func (c *connector) readPage(answer *channel.Response, skus []string, seen map[int64]bool, into map[string][]*row) (int, error) {
	pages, err := countPages(answer)
	if err != nil {
		return 0, err
	}
	var rows []row
	if err := c.http.Decode(answer, &rows); err != nil {
		return 0, err
	}
	for i := range rows {
		r := &rows[i]
		if slices.Contains(skus, r.SKU) && !seen[r.ID] {
			seen[r.ID] = true
			into[r.SKU] = append(into[r.SKU], r)
		}
	}
	return pages, nil
}

// countPages reads how many pages there are.
func countPages(answer *channel.Response) (int, error) {
	pages, err := strconv.Atoi(answer.Header.Get("X-WP-TotalPages"))
	switch {
	case err != nil:
		return 0, channel.InvalidAnswer("the answer does not say in X-WP-TotalPages how many pages there are")
	case pages > maxPages:
		return 0, channel.InvalidAnswer(fmt.Sprintf(
			"the look-up found %d pages of products, more than %d: are SKUs switched off in the shop?", pages, maxPages))
	}
	return pages, nil
}
