package vendure

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/vendure.md says what each means.
const (
	reasonLoginRefused     channel.Reason = "LoginRefused"
	reasonQuantityTooLarge channel.Reason = "QuantityTooLarge"
	reasonUnknownChannel   channel.Reason = "UnknownChannel"
	reasonUserInputError   channel.Reason = "UserInputError"
)
