// Package channelsync keeps every channel in step with the ledger, on the leader.
//
// Each Channel has a lane. It takes what its table of the sync state says is due, freezes the quantities
// that the channel is to be shown, calls the channel's connector, and settles what came of it. A lane makes
// one run at a time, so an older quantity can never overtake a newer one, and lanes do not wait for each
// other. Nothing is stored before a call: what is under way is due again after a restart, as
// controllers/syncstate says. ChannelSyncJobs are records of what channels were told, and written afterwards.
//
// The package knows the sync state, the ledger, exposure and the contract of connectors. It must not know
// how snapshots are written, nor which connectors there are.
package channelsync
