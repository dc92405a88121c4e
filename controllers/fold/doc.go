// Package fold writes what the log has set, and where its SKUs stand on channels, into InventorySnapshots, and deletes
// InventoryBatches that these contain. It runs on the leader only.
//
// The Folder goes over the locations that have changed, at a bounded rate: a Section of the ledger at a time, divided into
// snapshots by Sizes. Each write takes in everything up to the section's revision, so that folding again after a crash is
// harmless. The Trimmer deletes records after a retention time, or sooner where the log is too large.
//
// It knows the ledger's sections and log, and how snapshots are stored. It must not know how quantities are held in memory,
// what a Channel is shown, or how it is called: what a snapshot says of channels, it asks of the SyncState.
package fold
