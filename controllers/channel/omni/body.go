package omni

import (
	"cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// defaultConsolidationType stands for stores and warehouses together.
const defaultConsolidationType = "ALL"

// locationBody is the location-wise call.
type locationBody struct {
	LocationCode string         `json:"locationCode"`
	Inventories  []locationItem `json:"inventories"`
}

type locationItem struct {
	ChannelSKUCode string `json:"channelSkuCode"`
	Quantity       int64  `json:"quantity"`
}

// consolidatedBody is the consolidated call.
type consolidatedBody struct {
	ConsolidationType string             `json:"consolidationType"`
	Inventories       []consolidatedItem `json:"inventories"`
}

type consolidatedItem struct {
	ChannelSKUCode       string `json:"channelSkuCode"`
	ConsolidatedQuantity int64  `json:"consolidatedQuantity"`
	// Quantity and LocationCode only say which location caused the call.
	Quantity     int64  `json:"quantity"`
	LocationCode string `json:"locationCode"`
	// ConsolidationType is that of the call: the standard wants it on each item too.
	ConsolidationType string `json:"consolidationType"`
}

// body returns what a batch looks like on the wire.
func (c *connector) body(batch channel.Batch) (any, error) {
	if batch.Mode == inventoryv1alpha1.Consolidated {
		return c.consolidated(batch.Items), nil
	}
	code, err := batch.OneLocation("")
	if err != nil {
		return nil, err
	}
	body := locationBody{LocationCode: code}
	for _, it := range batch.Items {
		body.Inventories = append(body.Inventories, locationItem{it.SKU, it.Quantity})
	}
	return body, nil
}

func (c *connector) consolidated(items []channel.Item) consolidatedBody {
	body := consolidatedBody{ConsolidationType: cmp.Or(c.spec.ConsolidationType, defaultConsolidationType)}
	for _, it := range items {
		body.Inventories = append(body.Inventories, consolidatedItem{
			ChannelSKUCode: it.SKU, ConsolidatedQuantity: it.Quantity,
			Quantity: it.LocationQuantity, LocationCode: it.LocationCode,
			ConsolidationType: body.ConsolidationType,
		})
	}
	return body
}
