package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/webhook/commit"
)

// target is where a line's quantity goes.
type target struct {
	location *inventoryv1alpha1.Location
	pool     int64
}

// batch is a request on its way into the log.
type batch struct {
	lines   []*resolved
	commits []commit.Commit
	parts   []int // of the request, by commit
	senders map[*sender]bool
}

// resolved is a line with where its quantity is: a commit and the stock in it. The commit is -1 where nothing
// is to be stored.
type resolved struct {
	line
	spot
	target *target
}

// spot is the stock of a location and pool in a commit, by their indexes.
type spot struct{ commit, stock int }

var nowhere = spot{commit: -1}

// batchKey identifies a SKU within a request.
type batchKey struct {
	namespace, location string
	pool                int64
	sku                 string
}

// spotKey identifies the stock of a location and pool in a part of a request.
type spotKey struct {
	namespace, location string
	pool                int64
	part                int
}

// commitKey identifies what one Client gets of a part of a request.
type commitKey struct {
	sender *sender
	part   int
}

// batchBuilder adds the lines of a request one by one.
type batchBuilder struct {
	requestID string
	out       batch
	parts     splitter
	seen      map[batchKey]*resolved
	spots     map[spotKey]spot
	open      map[commitKey]int
}

func newBatchBuilder(requestID string) *batchBuilder {
	return &batchBuilder{
		requestID: requestID,
		out:       batch{senders: map[*sender]bool{}},
		seen:      map[batchKey]*resolved{},
		spots:     map[spotKey]spot{},
		open:      map[commitKey]int{},
	}
}

// add takes in a line. A SKU that comes twice is reported where it came first, and the last one counts,
// even if that is the one that fails: the sender's last word was not usable.
func (b *batchBuilder) add(l line, t *target, owner *sender) {
	part := b.parts.part(&l)
	l.locationCode = "" // has served, and would keep the whole item in memory
	if t == nil || l.sku == "" {
		b.out.lines = append(b.out.lines, &resolved{line: l, spot: nowhere})
		return
	}
	b.out.senders[owner] = true
	key := batchKey{t.location.Namespace, t.location.Name, t.pool, l.sku}
	r := b.seen[key]
	if r == nil {
		r = &resolved{spot: nowhere, target: t}
		b.seen[key] = r
		b.out.lines = append(b.out.lines, r)
	}
	r.line = l
	if l.problem != nil {
		if r.commit >= 0 {
			delete(b.out.quantities(r.spot), l.sku)
			r.spot = nowhere
		}
		return
	}
	if r.commit < 0 {
		r.spot = b.spot(t, owner, part)
	}
	b.out.quantities(r.spot)[l.sku] = l.quantity
}

// spot returns where a target's stock of a part is, and makes room for it if need be.
func (b *batchBuilder) spot(t *target, owner *sender, part int) spot {
	at := spotKey{t.location.Namespace, t.location.Name, t.pool, part}
	if known, ok := b.spots[at]; ok {
		return known
	}
	n, ok := b.open[commitKey{owner, part}]
	if !ok {
		n = len(b.out.commits)
		b.open[commitKey{owner, part}] = n
		b.out.commits = append(b.out.commits, commit.Commit{
			Namespace: t.location.Namespace, RequestID: b.requestID,
			Sender: inventoryv1alpha1.BatchSender{Client: owner.Name, Credential: owner.secret},
		})
		b.out.parts = append(b.out.parts, part)
	}
	c := &b.out.commits[n]
	s := spot{n, len(c.Stock)}
	c.Stock = append(c.Stock, inventoryv1alpha1.LocationStock{
		LocationName: t.location.Name, LocationUID: t.location.UID, PoolID: t.pool,
		Quantities: map[string]inventoryv1alpha1.Quantity{},
	})
	b.spots[at] = s
	return s
}

// quantities returns the quantities at a spot.
func (b *batch) quantities(s spot) map[string]inventoryv1alpha1.Quantity {
	return b.commits[s.commit].Stock[s.stock].Quantities
}

// batch returns what was built.
func (b *batchBuilder) batch() *batch { return &b.out }

// name gives the InventoryBatches names that a repetition of the request finds again.
func (b *batch) name(key string, body []byte) *apiError {
	if key == "" {
		return nil
	}
	if len(key) > maxIdempotencyKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return refuse(http.StatusBadRequest, codeBadIdempotentKey,
			"Idempotency-Key: must be 1 to %d printable ASCII characters", maxIdempotencyKey)
	}
	if len(b.senders) > 1 {
		return refuse(http.StatusBadRequest, codeBadIdempotentKey, "Idempotency-Key: a request with a key must not name several clients")
	}
	var owner string
	for s := range b.senders {
		owner = s.Namespace + "/" + s.Name
	}
	id := sha256.Sum256([]byte(owner + "\n" + key))
	digest := sha256.Sum256(body)
	for i := range b.commits {
		b.commits[i].Name = fmt.Sprintf("idem-%s-%d", hex.EncodeToString(id[:20]), b.parts[i])
		b.commits[i].Digest = hex.EncodeToString(digest[:])
	}
	return nil
}

// report lists the SKUs by outcome, in the order of the request.
func (b *batch) report() (succeeded, failed []string, failures []failure) {
	succeeded, failed, failures = []string{}, []string{}, []failure{}
	for _, l := range b.lines {
		if l.problem != nil {
			failed = append(failed, l.sku)
			failures = append(failures, *l.problem)
			continue
		}
		succeeded = append(succeeded, l.sku)
	}
	return succeeded, failed, failures
}
