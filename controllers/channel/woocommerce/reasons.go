package woocommerce

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/woocommerce.md says what each means.
const (
	// reasonShopCrashed is of calls that ended with an error of PHP.
	reasonShopCrashed channel.Reason = "ShopCrashed"

	reasonProductGone        channel.Reason = "ProductGone"
	reasonRenamedSKU         channel.Reason = "RenamedSKU"
	reasonStockManagementOff channel.Reason = "StockManagementOff"
)
