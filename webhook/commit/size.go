package commit

import (
	"crypto/sha256"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// size is how much there is to store: SKUs, and what they take as JSON.
type size struct{ skus, bytes int }

func (s size) plus(o size) size { return size{s.skus + o.skus, s.bytes + o.bytes} }

func (s size) minus(o size) size { return size{s.skus - o.skus, s.bytes - o.bytes} }

// share divides a size, but leaves room for something.
func (s size) share(n int) size { return size{max(1, s.skus/n), max(1, s.bytes/n)} }

// exceeds reports whether there is more than a limit allows, of one or the other.
func (s size) exceeds(limit size) bool { return s.skus > limit.skus || s.bytes > limit.bytes }

// sizeOf measures an entry of stock.
func sizeOf(s *inventoryv1alpha1.LocationStock) size { return size{len(s.Quantities), s.Bytes()} }

// The longest names, in characters: of an object, of a namespace, and of a digest.
const (
	maxName      = 253
	maxNamespace = 63
	maxDigest    = 2 * sha256.Size
)

var (
	// MaxStockBytes is what the stock of one Commit may take as JSON, whoever sent it: its batch fits into
	// MaxBatchBytes then.
	MaxStockBytes = maxGroupBytes - (&inventoryv1alpha1.BatchSender{
		Client: strings.Repeat("x", maxName), Credential: strings.Repeat("x", maxName),
	}).Bytes() - (&inventoryv1alpha1.BatchRequest{
		ID: strings.Repeat("x", inventoryv1alpha1.MaxRequestIDLength), Digest: strings.Repeat("x", maxDigest),
		Sender: inventoryv1alpha1.MaxBatchStock, SKUCount: inventoryv1alpha1.MaxBatchSKUs,
	}).Bytes()

	// maxGroupBytes is what the commits of one batch may take as JSON, with their requests and senders.
	maxGroupBytes = inventoryv1alpha1.MaxBatchBytes - (&inventoryv1alpha1.InventoryBatch{}).Bytes() - maxName - maxNamespace
)

// entry is a commit that waits to be stored.
type entry struct {
	commit *Commit
	size   size       // as a part of a batch, with its request and sender
	stock  []size     // of each entry of stock
	done   chan error // gets the outcome, once
}

func newEntry(c *Commit) *entry {
	e := &entry{commit: c, stock: make([]size, len(c.Stock)), done: make(chan error, 1)}
	for i, stock := range c.Stock {
		stock.Request = lastIndex // requests and senders are numbered in their batch later
		e.stock[i] = sizeOf(&stock)
		e.size = e.size.plus(e.stock[i])
	}
	request := c.request(lastIndex, e.size.skus)
	e.size.bytes += request.Bytes() + c.Sender.Bytes()
	return e
}

// lastIndex is the largest index into the requests or senders of a batch.
const lastIndex = inventoryv1alpha1.MaxBatchStock - 1

// request describes the request of a commit as its batch records it.
func (c *Commit) request(sender, skus int) inventoryv1alpha1.BatchRequest {
	return inventoryv1alpha1.BatchRequest{
		ID: c.RequestID, Sender: int32(sender), SKUCount: int32(skus), Digest: c.Digest, //nolint:gosec // bounded by MaxBatchStock and MaxBatchSKUs
	}
}
