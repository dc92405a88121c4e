package tryton

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/tryton.md says what each means.
const (
	reasonCodeChanged     channel.Reason = "CodeChanged"
	reasonInactiveProduct channel.Reason = "InactiveProduct"
	reasonInvalidLocation channel.Reason = "InvalidLocation"
	reasonNoCompany       channel.Reason = "NoCompany"
	reasonNotGoods        channel.Reason = "NotGoods"
	reasonStockMoved      channel.Reason = "StockMoved"
)
