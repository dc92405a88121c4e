package shopify

import (
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/graphql"
	"tallyman.dev/tallyman/controllers/channel/resolve"
)

const (
	// skusPerSearch is how many SKUs one search is for.
	skusPerSearch = 50

	// maxPages bounds the pages of one search, of 100 items each. A search by SKU also finds items whose
	// SKU resembles it.
	maxPages = 20
)

// item is what a SKU stands for.
type item struct {
	id string
	// untracked items are sold whatever their quantity.
	untracked bool
}

// row is an item of a batch with what Shopify calls it.
type row struct {
	resolve.Target[item, string]      // with the id of the location
	activated                    bool // stocked at the location by this push
}

// tracked refuses items whose quantity the shop does not track.
func tracked(i item) *channel.Error {
	if !i.untracked {
		return nil
	}
	return channel.NewError(channel.Unmapped, channel.ReasonNotTracked, "the shop does not track the item's quantity: it is sold without end")
}

// page is where a list goes on.
type page struct {
	HasNextPage bool   `json:"hasNextPage"`
	EndCursor   string `json:"endCursor"`
}

// searchItems is the look-up of items. SKUs are not unique, and what is searched is words without regard to
// case: only exact matches count.
func (c *connector) searchItems(ctx context.Context, skus []string) (map[string][]item, error) {
	wanted, out := sets.New(skus...), make(map[string][]item, len(skus))
	variables := searchVariables{Query: search(skus)}
	for range maxPages {
		var data struct {
			Items struct {
				Nodes []struct {
					ID      string `json:"id"`
					SKU     string `json:"sku"`
					Tracked bool   `json:"tracked"`
				} `json:"nodes"`
				PageInfo page `json:"pageInfo"`
			} `json:"inventoryItems"`
		}
		if _, err := c.api.Call(ctx, graphql.Request{Query: itemsQuery, Variables: variables}, &data); err != nil {
			return nil, err
		}
		if data.Items.Nodes == nil {
			return nil, invalidAnswer("inventoryItems")
		}
		for _, n := range data.Items.Nodes {
			found := item{n.ID, !n.Tracked}
			if wanted.Has(n.SKU) && !slices.Contains(out[n.SKU], found) { // pages shift while items are added
				out[n.SKU] = append(out[n.SKU], found)
			}
		}
		if !data.Items.PageInfo.HasNextPage {
			return out, nil
		}
		variables.After = data.Items.PageInfo.EndCursor
	}
	// Part of an answer must not be taken for all of it. The halves of the call are tried alone.
	return nil, channel.NewError(channel.Rejected, reasonTooManyMatches, "the search for SKUs finds too many items that resemble them")
}

// search returns Shopify's search for any of some SKUs.
func search(skus []string) string {
	terms := make([]string, len(skus))
	for i, sku := range skus {
		terms[i] = `sku:"` + quote.Replace(sku) + `"`
	}
	return strings.Join(terms, " OR ")
}

// quote escapes what has a meaning within the quotes of Shopify's search syntax.
var quote = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func invalidAnswer(field string) *channel.Error {
	return channel.InvalidAnswer("the answer has no " + field)
}
