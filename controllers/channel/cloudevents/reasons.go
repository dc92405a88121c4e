package cloudevents

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/cloudevents.md says what each means.
const (
	reasonContended        channel.Reason = "Contended"
	reasonNoStream         channel.Reason = "NoStream"
	reasonOvertaken        channel.Reason = "Overtaken"
	reasonPermissionDenied channel.Reason = "PermissionDenied"
	reasonForeignEvent     channel.Reason = "ForeignEvent"
	reasonGone             channel.Reason = "Gone"
	reasonInvalidEvent     channel.Reason = "InvalidEvent"
	reasonNoEvent          channel.Reason = "NoEvent"
	reasonTooLarge         channel.Reason = "TooLarge"
	reasonUnsuitableStream channel.Reason = "UnsuitableStream"
)
