package erpnext

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/erpnext.md says what each means.
const (
	reasonInvalid          channel.Reason = "Invalid"
	reasonNotSubmitted     channel.Reason = "NotSubmitted"
	reasonUnfitItem        channel.Reason = "UnfitItem"
	reasonUnknownCompany   channel.Reason = "UnknownCompany"
	reasonUnknownWarehouse channel.Reason = "UnknownWarehouse"
)
