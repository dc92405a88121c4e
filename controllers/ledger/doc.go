// Package ledger holds the present stock in memory, on every replica.
//
// InventoryBatches are a log: immutable, ordered by resourceVersion and by the index of an entry within one.
// InventorySnapshots are what the log amounts to: the present quantities of ranges of neighbouring SKUs. The Store
// follows both by watch and keeps
//
//   - the snapshots as the API server has them, and
//   - above them an overlay: what InventoryBatches newer than a snapshot's revision have set.
//
// A SKU's quantity is its overlay entry, or else what its snapshot says. Once a snapshot is stored with revision R, its
// overlay entries up to R are redundant and dropped. The Log knows which InventoryBatches are stored, as records, and which
// of them the snapshots contain.
//
// Quantities are absolute, so applying a record twice is harmless, and a crash at any point is repaired by reading the
// snapshots and then what is left of the log.
//
// It knows the kinds of the log and their order, and who reads: whoever asks for quantities, whoever follows their changes
// (Subscription), and the fold, which gets ranges with their content (Sections). It must not know how large a snapshot
// shall be, when one is written, what a Channel is shown, or where a SKU stands with it beyond what snapshots say.
package ledger
