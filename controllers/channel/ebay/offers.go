package ebay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"tallyman.dev/tallyman/controllers/channel"
)

type offersAnswer struct {
	Total  int     `json:"total"`
	Offers []offer `json:"offers"`
}

// readOffers reads the offers of a SKU that can be revised. There are at most 25, which fit on the
// first page.
func (c *connector) readOffers(ctx context.Context, sku string) ([]offer, *channel.Error, error) {
	var answer offersAnswer
	err := c.call(ctx, http.MethodGet, inventoryPath+"/offer?sku="+escape(sku), nil, &answer)
	if refused := refusalOf(err); refused != nil {
		if refused.has(noOffer) || refused.status == http.StatusNotFound {
			return nil, nil, nil // the item is not offered yet
		}
		return nil, c.skuError(refused.status, refused.faults), nil
	}
	if err != nil {
		return nil, nil, err
	}
	if answer.Total > len(answer.Offers) { // a part of the truth must not be taken for it
		return nil, channel.InvalidAnswer(fmt.Sprintf("eBay tells %d of %d offers", len(answer.Offers), answer.Total)), nil
	}
	return answer.revisable(sku), nil, nil
}

// revisable are the offers of a SKU that are published at a fixed price.
func (a offersAnswer) revisable(sku string) []offer {
	var out []offer
	for _, o := range a.Offers {
		if o.SKU == sku && o.ID != "" && o.Status == "PUBLISHED" && o.Format != "AUCTION" {
			out = append(out, o)
		}
	}
	return out
}

func (r *refusal) has(id int) bool {
	for _, f := range r.faults {
		if f.ErrorID == id {
			return true
		}
	}
	return false
}

// escape writes a value of a query. A plus stands for itself in some servers.
func escape(value string) string { return strings.ReplaceAll(url.QueryEscape(value), "+", "%20") }
