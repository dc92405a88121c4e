package omni

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/omni.md says what each means.
const (
	reasonChannelError channel.Reason = "ChannelError"
)
