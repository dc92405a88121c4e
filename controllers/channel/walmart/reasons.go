package walmart

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/walmart.md says what each means.
const (
	reasonUnknownShipNode channel.Reason = "UnknownShipNode"
)
