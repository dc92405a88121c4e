package adobecommerce

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/adobecommerce.md says what each means.
const (
	reasonBulkLost        channel.Reason = "BulkLost"
	reasonBulkPending     channel.Reason = "BulkPending"
	reasonCouldNotSave    channel.Reason = "CouldNotSave"
	reasonOperationFailed channel.Reason = "OperationFailed"
	reasonUnknownSource   channel.Reason = "UnknownSource"
)
