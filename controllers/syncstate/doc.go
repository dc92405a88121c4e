// Package syncstate knows where each SKU stands on each channel: in step, pending, retrying or failed.
//
// A Table belongs to one Channel and has a lock of its own. It alone decides what is due. Changed
// quantities come to it by pull: it asks the ledger for what has changed since the tick that it has
// seen. The sync takes what is due, and settles it; the fold has a table catch up with the quantities
// that it is about to write, and then asks what to write of the channel.
//
// One rule makes it safe to push without storing anything first: whatever a table gives out for a call
// would be found due by a restart at that instant, from stored objects alone, until it is settled. Those are:
// the log, where it is not folded; the snapshots, which say what is not in step, and of which epoch they
// speak; and the Channel's status, which has the epochs of its configuration and the Locations that it
// may show stock of.
//
// The package knows the API, the ledger and exposure. It must not know connectors, calls, or how
// anything is stored.
package syncstate
