package webhook

import (
	"context"
	"errors"
	"net/http"
	"slices"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/webhook/commit"
)

// BatchWriter stores what was accepted. It is implemented by commit.Writer.
type BatchWriter interface {
	Write(ctx context.Context, commits []commit.Commit) []error
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
	errs := write(ctx, w, pending)
	if err := wholeFailure(errs); err != nil {
		return err
	}
	for _, l := range b.lines {
		if l.commit >= 0 {
			l.settle(errs[index[l.commit]])
		}
	}
	return nil
}

// settle marks a line that could not be stored.
func (l *resolved) settle(err error) {
	var repetition *commit.RepetitionError
	switch {
	case err == nil:
	case !errors.As(err, &repetition):
		l.fail(codeWriteFailed, "%s", writeMessage(err))
	case !repetition.Has(l.target.location.UID, l.target.pool, l.sku):
		l.fail(codeKeyReused, "Idempotency-Key: the first request with it could not store this SKU: send it with a new key")
	}
}

// write stores commits. With an idempotency key the first goes alone: if the key belongs to another body, nothing of
// this one may be stored. Nor if nothing can be stored at present: the first would tell other bodies apart.
func write(ctx context.Context, w BatchWriter, commits []commit.Commit) []error {
	if commits[0].Name == "" || len(commits) == 1 {
		return w.Write(ctx, commits)
	}
	first := w.Write(ctx, commits[:1])
	if anotherBody(first[0]) || transient(first[0]) {
		return slices.Repeat(first, len(commits))
	}
	return append(first, w.Write(ctx, commits[1:])...)
}

// anotherBody reports whether an idempotency key belongs to another body.
func anotherBody(err error) bool {
	var repetition *commit.RepetitionError
	return errors.Is(err, commit.ErrKeyReused) && !errors.As(err, &repetition)
}

// transient reports whether an error is of the kind that passes.
func transient(err error) bool {
	return errors.Is(err, commit.ErrSaturated) || errors.Is(err, commit.ErrLogFull) || errors.Is(err, commit.ErrUnavailable)
}

// wholeFailure returns why a request failed as a whole, nil if it did not: an idempotency key was misused, or
// nothing stored for reasons that pass.
func wholeFailure(errs []error) *apiError {
	if slices.ContainsFunc(errs, anotherBody) {
		return refuse(http.StatusUnprocessableEntity, codeKeyReused,
			"Idempotency-Key: has been used for another body")
	}
	if slices.ContainsFunc(errs, func(err error) bool { return !transient(err) }) {
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
