package amazon

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	itemsPath = "/listings/2021-08-01/items/"

	// maxPages bounds the answer to a search for at most maxIdentifiers SKUs, which a page holds.
	maxPages = 4

	// byAmazonPrefix begins the codes of fulfillment by Amazon.
	byAmazonPrefix = "AMAZON_"
)

// item is a listing as Amazon has it.
type item struct {
	SKU       string `json:"sku"`
	Summaries []struct {
		ProductType string `json:"productType"`
	} `json:"summaries"`
	Availability []availability `json:"fulfillmentAvailability"`
}

// availability is the quantity of one fulfillment channel.
type availability struct {
	Code     string           `json:"fulfillmentChannelCode"`
	Quantity channel.Quantity `json:"quantity"`
}

// page is an answer to a search.
type page struct {
	Items      *[]item `json:"items"` // nil where the answer is something else
	Pagination struct {
		NextToken string `json:"nextToken"`
	} `json:"pagination"`
}

// find asks for the listings of SKUs. One without a listing is left out. Only exact matches count.
func (a *api) find(ctx context.Context, skus []string) (map[string][]*item, error) {
	found := make(map[string][]*item, len(skus))
	var together []string
	for _, sku := range skus {
		if !strings.Contains(sku, ",") {
			together = append(together, sku)
			continue
		}
		// Amazon cannot tell a comma of a SKU from one between SKUs, not even where it is encoded.
		if err := a.findOne(ctx, sku, found); err != nil {
			return nil, err
		}
	}
	for len(together) > 0 {
		n := min(maxIdentifiers, len(together))
		if err := a.search(ctx, together[:n], found); err != nil {
			return nil, err
		}
		together = together[n:]
	}
	return found, nil
}

// search asks for the listings of at most maxIdentifiers SKUs.
func (a *api) search(ctx context.Context, skus []string, found map[string][]*item) error {
	query := a.included()
	query.Set("identifiersType", "SKU")
	query.Set("identifiers", strings.Join(skus, ","))
	query.Set("pageSize", strconv.Itoa(maxIdentifiers))
	wanted := make(map[string]bool, len(skus))
	for _, sku := range skus {
		wanted[sku] = true
	}
	for range maxPages {
		answer, err := a.call(ctx, searchListingsItems, http.MethodGet, itemsPath+url.PathEscape(a.sellerID), query, nil)
		if err != nil {
			return err
		}
		p, err := readPage(a.http, answer)
		if err != nil {
			return err
		}
		for i := range *p.Items {
			if it := &(*p.Items)[i]; wanted[it.SKU] {
				found[it.SKU] = append(found[it.SKU], it)
			}
		}
		if p.Pagination.NextToken == "" {
			return nil
		}
		query.Set("pageToken", p.Pagination.NextToken)
	}
	return channel.InvalidAnswer("the answer to a search for listings has too many pages")
}

// findOne asks for the listing of one SKU.
func (a *api) findOne(ctx context.Context, sku string, found map[string][]*item) error {
	answer, err := a.call(ctx, getListingsItem, http.MethodGet, a.itemPath(sku), a.included(), nil)
	if answer != nil && answer.Status == http.StatusNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	it, err := readItem(a.http, answer)
	if err == nil && it.SKU == sku {
		found[sku] = append(found[sku], &it)
	}
	return err
}

func (a *api) itemPath(sku string) string {
	return itemsPath + url.PathEscape(a.sellerID) + "/" + url.PathEscape(sku)
}

// markets is a query for the Channel's marketplaces.
func (a *api) markets() url.Values {
	return url.Values{"marketplaceIds": {strings.Join(a.marketIDs, ",")}}
}

// included is a query for what is read of listings.
func (a *api) included() url.Values {
	query := a.markets()
	query.Set("includedData", "summaries,fulfillmentAvailability")
	return query
}

// readPage reads the answer to a search: one without a list of listings says nothing of any SKU.
func readPage(client *channel.HTTPClient, answer *channel.Response) (page, error) {
	var p page
	if err := client.Decode(answer, &p); err != nil {
		return page{}, err
	}
	if p.Items == nil {
		return page{}, channel.InvalidAnswer("the answer to a search for listings has no items")
	}
	return p, nil
}

func readItem(client *channel.HTTPClient, answer *channel.Response) (item, error) {
	var it item
	if err := client.Decode(answer, &it); err != nil {
		return item{}, err
	}
	if it.SKU == "" {
		return item{}, channel.InvalidAnswer("the answer has no listing")
	}
	return it, nil
}

// byAmazonAlone reports whether Amazon fulfills all that is sold of a listing.
func (it item) byAmazonAlone() bool {
	for _, a := range it.Availability {
		if !strings.HasPrefix(a.Code, byAmazonPrefix) {
			return false
		}
	}
	return len(it.Availability) > 0
}

// quantity is what a fulfillment channel sells of a listing: none, where the listing has no such channel.
func (it item) quantity(code string) channel.Quantity {
	for _, a := range it.Availability {
		if a.Code == code && a.Quantity.Known {
			return a.Quantity
		}
	}
	return channel.Quantity{Known: true}
}

// productType is the type that Amazon says a listing has; empty if it does not.
func (it item) productType() string {
	for _, s := range it.Summaries {
		if s.ProductType != "" {
			return s.ProductType
		}
	}
	return ""
}
