package webhook

import (
	"math"
	"strings"

	"k8s.io/apimachinery/pkg/types"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/webhook/commit"
)

// splitter divides the lines of a request among parts, of which each fits into one InventoryBatch. Where they end
// depends on the body alone, not on what the cluster knows at present: so a repetition of a request has the
// same parts, and finds those that are stored.
type splitter struct {
	current int               // the number of the part that is being filled
	bytes   int               // that its stock takes as JSON, at the most
	pools   map[sentPool]bool // that it has stock of
}

// sentPool is a pool of a location, as the sender names them. No two of a request mean the same.
type sentPool struct {
	code                       string
	clientID, locationID, pool int64
}

// part returns the number of the part that a line goes into. Lines that fail take room, too: whether they
// fail may be another matter when the request is repeated.
func (s *splitter) part(l *line) int {
	at := sentPool{l.locationCode, l.clientID, l.locationID, l.pool}
	bytes := l.quantity.BytesOf(l.sku)
	if s.bytes+bytes+maxEntryBytes > commit.MaxStockBytes || len(s.pools) == inventoryv1alpha1.MaxBatchStock && !s.pools[at] {
		s.current++
		s.bytes, s.pools = 0, nil
	}
	if !s.pools[at] {
		if s.pools == nil {
			s.pools = map[sentPool]bool{}
		}
		s.pools[at] = true
		bytes += maxEntryBytes
	}
	s.bytes += bytes
	return s.current
}

// maxEntryBytes is what an entry of stock takes as JSON without its quantities, at the most.
var maxEntryBytes = (&inventoryv1alpha1.LocationStock{
	LocationName: strings.Repeat("x", maxLocationName), LocationUID: types.UID(strings.Repeat("x", maxUID)),
	PoolID: math.MaxInt64, Request: inventoryv1alpha1.MaxBatchStock,
}).Bytes()

// The lengths of a Location's name, at the most, and of a UID.
const (
	maxLocationName = 63
	maxUID          = 36
)
