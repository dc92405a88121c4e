package odoo

import "tallyman.dev/tallyman/controllers/channel"

// Reasons that this connector alone gives; docs/channels/odoo.md says what each means.
const (
	reasonNotStorable  channel.Reason = "NotStorable"
	reasonTrackedByLot channel.Reason = "TrackedByLot"
)
