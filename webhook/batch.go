package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/webhook/commit"
)

// BatchWriter stores what was accepted. It is implemented by commit.Writer.
type BatchWriter interface {
	Write(ctx context.Context, commits []commit.Commit) []error
}

// target is where a line's quantity goes.
type target struct {
	location *inventoryv1alpha1.Location
	pool     int64
}

// batch is a request on its way into the log.
type batch struct {
	lines   []*resolved
	commits []commit.Commit
	clients map[*inventoryv1alpha1.Client]bool
}

// resolved is a line with where its quantity is: a commit and the stock in it. The commit is -1 where nothing
// is to be stored.
type resolved struct {
	line
	spot
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

// batchBuilder adds the lines of a request one by one.
type batchBuilder struct {
	out   batch
	seen  map[batchKey]*resolved
	spots map[batchKey]spot // by target, with an empty SKU
	open  map[string]int    // commits that take more stock, by namespace
}

func newBatchBuilder() *batchBuilder {
	return &batchBuilder{
		out:   batch{clients: map[*inventoryv1alpha1.Client]bool{}},
		seen:  map[batchKey]*resolved{},
		spots: map[batchKey]spot{},
		open:  map[string]int{},
	}
}

// add takes in a line. A SKU that comes twice is reported where it came first, and the last one counts,
// even if that is the one that fails: the sender's last word was not usable.
func (b *batchBuilder) add(l line, t *target, owner *inventoryv1alpha1.Client) {
	if t == nil || l.sku == "" {
		b.out.lines = append(b.out.lines, &resolved{l, nowhere})
		return
	}
	b.out.clients[owner] = true
	at := batchKey{t.location.Namespace, t.location.Name, t.pool, ""}
	key := at
	key.sku = l.sku
	r := b.seen[key]
	if r == nil {
		r = &resolved{spot: nowhere}
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
	r.spot = b.spot(at)
	b.out.quantities(r.spot)[l.sku] = l.quantity
}

// spot returns where a target's stock is, and makes room for it if need be.
func (b *batchBuilder) spot(at batchKey) spot {
	if known, ok := b.spots[at]; ok {
		return known
	}
	n, ok := b.open[at.namespace]
	if !ok || len(b.out.commits[n].Stock) == inventoryv1alpha1.MaxBatchStock {
		n = len(b.out.commits)
		b.open[at.namespace] = n
		b.out.commits = append(b.out.commits, commit.Commit{Namespace: at.namespace})
	}
	c := &b.out.commits[n]
	s := spot{n, len(c.Stock)}
	c.Stock = append(c.Stock, inventoryv1alpha1.LocationStock{
		LocationName: at.location, PoolID: at.pool, Quantities: map[string]inventoryv1alpha1.Quantity{},
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

// name gives the batches names that a repetition of the request finds again.
func (b *batch) name(key string, body []byte) *apiError {
	if key == "" {
		return nil
	}
	if len(key) > maxIdempotencyKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return refuse(http.StatusBadRequest, codeBadIdempotentKey,
			"Idempotency-Key: must be 1 to %d printable ASCII characters", maxIdempotencyKey)
	}
	if len(b.clients) > 1 {
		return refuse(http.StatusBadRequest, codeBadIdempotentKey, "Idempotency-Key: a request with a key must not name several clients")
	}
	var owner string
	for c := range b.clients {
		owner = c.Namespace + "/" + c.Name
	}
	id := sha256.Sum256([]byte(owner + "\n" + key))
	digest := sha256.Sum256(body)
	for i := range b.commits {
		b.commits[i].Name = fmt.Sprintf("idem-%s-%d", hex.EncodeToString(id[:20]), i)
		b.commits[i].Digest = hex.EncodeToString(digest[:])
	}
	return nil
}

// store writes the batch and marks the lines that could not be stored.
func (b *batch) store(ctx context.Context, w BatchWriter) *apiError {
	pending := b.commits[:0:0]
	index := make([]int, len(b.commits)) // into pending, -1 where nothing is left to store
	for i, c := range b.commits {
		index[i] = -1
		c.Stock = slices.DeleteFunc(c.Stock, func(s inventoryv1alpha1.LocationStock) bool { return len(s.Quantities) == 0 })
		if len(c.Stock) > 0 {
			index[i] = len(pending)
			pending = append(pending, c)
		}
	}
	if len(pending) == 0 {
		return nil
	}
	errs := b.write(ctx, w, pending)
	if err := wholeFailure(errs); err != nil {
		return err
	}
	for _, l := range b.lines {
		if l.commit < 0 {
			continue
		}
		if err := errs[index[l.commit]]; err != nil {
			l.fail(codeWriteFailed, "%s", writeMessage(err))
		}
	}
	return nil
}

// write stores commits. With an idempotency key the first goes alone: if the key belongs to another
// body, nothing of this one may be stored.
func (b *batch) write(ctx context.Context, w BatchWriter, commits []commit.Commit) []error {
	if commits[0].Name == "" || len(commits) == 1 {
		return w.Write(ctx, commits)
	}
	errs := w.Write(ctx, commits[:1])
	if errors.Is(errs[0], commit.ErrKeyReused) {
		return errs
	}
	return append(errs, w.Write(ctx, commits[1:])...)
}

// wholeFailure tells whether a request failed as a whole: an idempotency key that was misused, or
// nothing stored for reasons that pass.
func wholeFailure(errs []error) *apiError {
	transient := 0
	for _, err := range errs {
		switch {
		case errors.Is(err, commit.ErrKeyReused):
			return refuse(http.StatusUnprocessableEntity, codeKeyReused,
				"Idempotency-Key: was used for another body before")
		case errors.Is(err, commit.ErrSaturated), errors.Is(err, commit.ErrLogFull), errors.Is(err, commit.ErrUnavailable):
			transient++
		}
	}
	if transient < len(errs) {
		return nil
	}
	switch {
	case errors.Is(errs[0], commit.ErrSaturated):
		return refuse(http.StatusServiceUnavailable, codeSaturated, "too many batches wait to be stored: send this one again").after(unavailableRetryAfter)
	case errors.Is(errs[0], commit.ErrLogFull):
		return refuse(http.StatusServiceUnavailable, codeLogFull, "too many batches wait to be folded: send this one again").after(unavailableRetryAfter)
	}
	return refuse(http.StatusServiceUnavailable, codeUnavailable, "the batch could not be stored: send it again").after(unavailableRetryAfter)
}

// writeMessage says why a SKU could not be stored, in words that are safe to send.
func writeMessage(err error) string {
	switch {
	case errors.Is(err, commit.ErrSaturated):
		return "too many batches wait to be stored: send it again"
	case errors.Is(err, commit.ErrLogFull):
		return "too many batches wait to be folded: send it again"
	case errors.Is(err, commit.ErrUnavailable):
		return "the quantity could not be stored: send it again"
	default:
		return "the quantity was refused when it was to be stored"
	}
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
