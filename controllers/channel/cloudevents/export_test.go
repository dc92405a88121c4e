package cloudevents

import (
	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// Subject is where the event of an item goes.
func Subject(prefix string, mode inventoryv1alpha1.ChannelMode, it channel.Item) string {
	return subjects{prefix}.of(mode, it)
}
