package amazon

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/amazon.md says what each means.
const (
	reasonDocumentFailed    channel.Reason = "DocumentFailed"
	reasonFeedFailed        channel.Reason = "FeedFailed"
	reasonForeignDocument   channel.Reason = "ForeignDocument"
	reasonFulfilledByAmazon channel.Reason = "FulfilledByAmazon"
	reasonInvalidInventory  channel.Reason = "InvalidInventory"
	reasonInvalidListing    channel.Reason = "InvalidListing"
	reasonInvalidReport     channel.Reason = "InvalidReport"
	reasonStaleSequence     channel.Reason = "StaleSequence"
)
