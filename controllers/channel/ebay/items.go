package ebay

import (
	"context"
	"maps"
	"net/http"
	"slices"

	"tallyman.dev/tallyman/controllers/channel"
)

type skuRef struct {
	SKU string `json:"sku"`
}

type itemsRequest struct {
	Requests []skuRef `json:"requests"`
}

type itemsAnswer struct {
	Responses []struct {
		SKU           string  `json:"sku"`
		StatusCode    int     `json:"statusCode"`
		Errors        []fault `json:"errors"`
		InventoryItem *struct {
			Availability struct {
				ShipToLocation stock `json:"shipToLocationAvailability"`
			} `json:"availability"`
		} `json:"inventoryItem"`
	} `json:"responses"`
}

// readItems reads the items of SKUs. Where eBay refuses the call because of one SKU, and does not
// say which, each is read alone.
func (c *connector) readItems(ctx context.Context, skus []string) (map[string]*listing, map[string]*channel.Error, error) {
	found, failures := map[string]*listing{}, map[string]*channel.Error{}
	if len(skus) == 0 {
		return found, failures, nil
	}
	request := itemsRequest{make([]skuRef, len(skus))}
	for i, sku := range skus {
		request.Requests[i].SKU = sku
	}
	var answer itemsAnswer
	err := c.call(ctx, http.MethodPost, inventoryPath+"/bulk_get_inventory_item", request, &answer)
	switch refused := refusalOf(err); {
	case err == nil:
		c.sortItems(skus, answer, found, failures)
		return found, failures, nil
	case refused == nil:
		return nil, nil, err
	case len(skus) == 1:
		failures[skus[0]] = c.skuError(refused.status, refused.faults)
		return found, failures, nil
	}
	for _, sku := range skus {
		one, failed, err := c.readItems(ctx, []string{sku})
		if err != nil {
			return nil, nil, err
		}
		maps.Copy(found, one)
		maps.Copy(failures, failed)
	}
	return found, failures, nil
}

func (c *connector) sortItems(skus []string, answer itemsAnswer, found map[string]*listing, failures map[string]*channel.Error) {
	for _, row := range answer.Responses {
		switch {
		case !slices.Contains(skus, row.SKU): // nobody asked for it
		case row.InventoryItem != nil && isSuccess(row.StatusCode):
			found[row.SKU] = &listing{stock: row.InventoryItem.Availability.ShipToLocation}
		default:
			failures[row.SKU] = c.skuError(row.StatusCode, row.Errors)
		}
	}
	for _, sku := range skus {
		if found[sku] == nil && failures[sku] == nil {
			failures[sku] = channel.InvalidAnswer("eBay was asked for the SKU, and answers nothing about it")
		}
	}
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }
