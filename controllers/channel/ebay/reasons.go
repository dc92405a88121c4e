package ebay

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/ebay.md says what each means.
const (
	reasonInvalidLanguage channel.Reason = "InvalidLanguage"
	reasonRevisionLimit   channel.Reason = "RevisionLimit"
	reasonZeroRefused     channel.Reason = "ZeroRefused"
)
