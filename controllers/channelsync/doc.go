// Package channelsync keeps every channel in step with the ledger, on the leader.
//
// Each Channel has a lane. The ledger tells the lane which SKUs changed; the lane collects them,
// freezes their present quantities into a ChannelSyncJob, pushes them through the channel's
// connector, records the outcome and goes on. A lane runs one job at a time, so an older quantity
// can never overtake a newer one, and lanes do not wait for each other.
//
// What is not in step is kept in memory and written into InventorySnapshots by the fold. A SKU that a
// snapshot does not list is in step, so a restart pushes again only what changed since the last fold.
package channelsync
