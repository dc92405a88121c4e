package shopify

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/shopify.md says what each means.
const (
	reasonActivationFailed channel.Reason = "ActivationFailed"
	reasonCallTooLarge     channel.Reason = "CallTooLarge"
	reasonMissingScope     channel.Reason = "MissingScope"
	reasonStaleItem        channel.Reason = "StaleItem"
	reasonTooManyErrors    channel.Reason = "TooManyErrors"
	reasonTooManyLocations channel.Reason = "TooManyLocations"
	reasonTooManyMatches   channel.Reason = "TooManyMatches"
)
