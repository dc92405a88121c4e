// Package ledger holds the present stock in memory and folds the log into slices.
//
// InventorySnapshots are a log: immutable, ordered by resourceVersion, one for each accepted
// batch. InventorySlices are what the log amounts to: the present quantities of ranges of
// neighbouring SKUs. The Store of each replica follows both by watch and keeps
//
//   - the slices as the API server has them, and
//   - above them an overlay: what snapshots newer than a slice's revision have set.
//
// A SKU's quantity is its overlay entry, or else what its slice says. The Folder, on the leader
// only, writes overlay entries into slices at a bounded rate; once a slice is stored with
// revision R, its overlay entries up to R are redundant and dropped. Snapshots that every slice
// contains are deleted after a retention time.
//
// Quantities are absolute, so applying a snapshot twice is harmless, and a crash at any point is
// repaired by reading the slices and then what is left of the log.
package ledger
