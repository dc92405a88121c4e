package medusa

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/medusa.md says what each means.
const (
	reasonIncompleteAnswer channel.Reason = "IncompleteAnswer"
	reasonLevelsChanged    channel.Reason = "LevelsChanged"
)
