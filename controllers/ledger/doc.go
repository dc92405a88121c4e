// Package ledger holds the present stock in memory and folds the log into snapshots.
//
// InventoryBatches are a log: immutable, ordered by resourceVersion, one for each accepted
// batch. InventorySnapshots are what the log amounts to: the present quantities of ranges of
// neighbouring SKUs. The Store of each replica follows both by watch and keeps
//
//   - the snapshots as the API server has them, and
//   - above them an overlay: what batches newer than a snapshot's revision have set.
//
// A SKU's quantity is its overlay entry, or else what its snapshot says. The Folder, on the leader
// only, writes overlay entries into snapshots at a bounded rate; once a snapshot is stored with
// revision R, its overlay entries up to R are redundant and dropped. Batches that every snapshot
// contains are deleted after a retention time.
//
// Quantities are absolute, so applying a batch twice is harmless, and a crash at any point is
// repaired by reading the snapshots and then what is left of the log.
package ledger
