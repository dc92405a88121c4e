package contract

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// shortly is a deadline that a call is meant to miss.
	shortly = 50 * time.Millisecond

	// dateError is how much of a pause is lost where a channel gives it as a date.
	dateError = 2 * time.Second
)

// cases are the contract.
var cases = map[string]struct {
	needs []Behaviour
	order bool // for channels that protect the order of calls only
	run   func(*harness)
}{
	"limits are sane":                  {run: limitsAreSane},
	"quantities arrive":                {run: quantitiesArrive},
	"a full batch arrives":             {run: fullBatchArrives},
	"calls go in parallel":             {run: callsGoInParallel},
	"a refused item blocks no other":   {needs: []Behaviour{Refuse}, run: refusedItemBlocksNoOther},
	"throttled":                        {needs: []Behaviour{Throttle}, run: throttled},
	"unauthorized, then put right":     {needs: []Behaviour{Deny}, run: unauthorized},
	"broken server":                    {needs: []Behaviour{Break}, run: brokenServer},
	"deadline":                         {needs: []Behaviour{Stall}, run: deadline},
	"cancelled":                        {needs: []Behaviour{Stall}, run: cancelled},
	"cancelled before it begins":       {run: cancelledBefore},
	"a late call does not win":         {needs: []Behaviour{Stall}, order: true, run: lateCallDoesNotWin},
	"repeated after a lost answer":     {needs: []Behaviour{Lose}, run: repeatedAfterLostAnswer},
	"garbage is no success":            {needs: []Behaviour{Garble}, run: garbageIsNoSuccess},
	"an answer without end is bounded": {needs: []Behaviour{Flood}, run: endlessAnswerIsBounded},
	"secrets stay secret":              {needs: []Behaviour{Leak}, run: secretsStaySecret},
	"no request strays":                {needs: []Behaviour{Redirect}, run: noRequestStrays},
	"probe":                            {needs: []Behaviour{Deny}, run: probe},
	"unknown SKU":                      {run: unknownSKU},
	"ambiguous SKU":                    {run: ambiguousSKU},
	"a failed look-up is not unknown":  {needs: []Behaviour{Break}, run: failedLookup},
	"renamed SKU":                      {run: renamedSKU},
	"read back":                        {run: readBack},
}

func limitsAreSane(h *harness) {
	limits := h.connector.Limits()
	if limits.BatchSize < 1 || limits.MaxParallel < 1 {
		h.Errorf("limits %+v, want at least 1 item and 1 call", limits)
	}
}

// quantitiesArrive also checks that no SKU is taken for syntax, and that later quantities replace
// earlier ones.
func quantitiesArrive(h *harness) {
	for i, sku := range h.skus {
		h.confirm(h.batch(int64(i), sku)) // the first is zero: sold out must arrive too
	}
	h.confirm(h.batch(h.maxQuantity, "PLAIN-1"))
	h.confirm(h.batch(0, "PLAIN-1"))
}

func fullBatchArrives(h *harness) {
	var skus []string
	for i := range h.connector.Limits().BatchSize {
		skus = append(skus, fmt.Sprintf("SKU-%d", i))
	}
	h.confirm(h.batch(3, skus...))
}

func callsGoInParallel(h *harness) {
	var wg sync.WaitGroup
	for i := range h.connector.Limits().MaxParallel {
		wg.Go(func() {
			if _, err := h.push(h.batch(int64(i), fmt.Sprintf("SKU-%d", i))); err != nil {
				h.Errorf("call %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range h.connector.Limits().MaxParallel {
		h.holds(h.batch(int64(i), fmt.Sprintf("SKU-%d", i)))
	}
}

// refusedItemBlocksNoOther allows two ways: a failure of the item, or a call that is refused as a
// whole, so that its halves can be tried alone.
func refusedItemBlocksNoOther(h *harness) {
	h.Behave(Refuse)
	b := h.batch(5, Refused)
	if h.connector.Limits().BatchSize > 1 {
		b = h.batch(5, "GOOD-1", Refused)
	}
	result, err := h.push(b)
	if err != nil {
		h.isClass(err, channel.Rejected)
		return
	}
	last := len(b.Items) - 1
	failure := result.Failures[last]
	if failure == nil || len(result.Failures) != 1 {
		h.Fatalf("failures %v, want one, of item %d", result.Failures, last)
	}
	switch failure.Class {
	case channel.Unconfirmed, channel.Rejected, channel.Unmapped:
	default:
		h.Errorf("class %s, want %s, %s or %s", failure.Class, channel.Unconfirmed, channel.Rejected, channel.Unmapped)
	}
	h.presentable(failure)
	h.holds(h.batch(5, "GOOD-1"))
}

func throttled(h *harness) {
	h.Behave(Throttle)
	h.fails(h.batch(1, "A"), channel.Throttled, func(e *channel.Error) {
		// A channel may say it by a date, which counts whole seconds.
		if e.RetryAfter > Pause || e.RetryAfter < Pause-dateError {
			h.Errorf("pause %v, want %v", e.RetryAfter, Pause)
		}
	})
	h.Behave(Accept)
	h.confirm(h.batch(1, "A"))
}

func unauthorized(h *harness) {
	h.Behave(Deny)
	h.fails(h.batch(1, "A"), channel.Unauthorized)
	h.Behave(Accept)
	h.confirm(h.batch(1, "A"))
}

func brokenServer(h *harness) {
	h.Behave(Break)
	h.fails(h.batch(1, "A"), channel.Retry)
	h.Behave(Accept)
	h.confirm(h.batch(1, "A"))
}

func deadline(h *harness) {
	h.Behave(Stall)
	ctx, cancel := context.WithTimeout(h.Context(), shortly)
	defer cancel()
	_, err := h.connector.Push(ctx, h.batch(1, "A"))
	if err == nil {
		h.Fatal("a call that was never answered succeeded")
	}
	h.isClass(err, channel.Retry)
	if e := channel.AsError(err); e.Reason != "Timeout" {
		h.Errorf("reason %s, want Timeout", e.Reason)
	}
}

func cancelled(h *harness) {
	h.Behave(Stall)
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	h.isClass(h.abandon(ctx, cancel, h.batch(1, "A")), channel.Retry)
}

// abandon makes a call that the server holds, and gives it up.
func (h *harness) abandon(ctx context.Context, cancel context.CancelFunc, b channel.Batch) error {
	h.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := h.connector.Push(ctx, b)
		done <- err
	}()
	overdue := time.NewTimer(patience)
	defer overdue.Stop()
	select {
	case <-h.Received():
	case err := <-done:
		h.Fatalf("Push returned %v before the server answered", err)
	case <-overdue.C:
		h.Fatal("waited in vain for the call")
	}
	cancel()
	select {
	case err := <-done:
		if err == nil {
			h.Fatal("a call that was cancelled succeeded")
		}
		return err
	case <-overdue.C:
		h.Fatal("Push ignores that its context has ended")
	}
	return nil
}

func cancelledBefore(h *harness) {
	ctx, cancel := context.WithCancel(h.Context())
	cancel()
	b := h.batch(1, "A")
	_, err := h.connector.Push(ctx, b)
	if err == nil {
		h.Fatal("a call that was cancelled succeeded")
	}
	h.isClass(err, channel.Retry)
	if got, ok := h.quantity(b.Items[0]); ok {
		h.Errorf("the channel was told %d", got)
	}
}

func lateCallDoesNotWin(h *harness) {
	h.Behave(Stall)
	ctx, cancel := context.WithCancel(h.Context())
	defer cancel()
	_ = h.abandon(ctx, cancel, h.batch(1, "A"))
	h.Behave(Accept)
	h.confirm(h.batch(2, "A"))
	h.Release()
	h.holds(h.batch(2, "A"))
}

// repeatedAfterLostAnswer is what a crash between the push and its record leads to.
func repeatedAfterLostAnswer(h *harness) {
	b := h.batch(4, "A")
	h.Behave(Lose)
	h.fails(b, channel.Retry)
	h.Behave(Accept)
	h.confirm(b)
	h.confirm(b)
}

func garbageIsNoSuccess(h *harness) {
	h.Behave(Garble)
	h.fails(h.batch(1, "A"), channel.Retry)
}

func endlessAnswerIsBounded(h *harness) {
	h.Behave(Flood)
	h.fails(h.batch(1, "A"), channel.Retry, func(e *channel.Error) {
		if e.Reason == "Timeout" {
			h.Error("the answer was read until time ran out")
		}
	})
}

func secretsStaySecret(h *harness) {
	if len(h.credentials) == 0 {
		h.Skip("the channel needs no credentials")
	}
	h.Behave(Leak)
	_, err := h.push(h.batch(1, "A"))
	if err == nil {
		h.Fatal("Push succeeded")
	}
	if e := channel.AsError(err); !strings.Contains(e.Message, Leaked) {
		h.Errorf("message %q: the channel's words are lost", e.Message)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		for name, value := range h.credentials {
			if strings.Contains(err.Error(), string(value)) {
				h.Errorf("the error shows the credential %s: %v", name, err)
			}
		}
	}
}

func noRequestStrays(h *harness) {
	h.Behave(Redirect)
	if _, err := h.push(h.batch(1, "A")); err == nil {
		h.Error("Push succeeded at an address that the Channel does not declare")
	}
	if err := h.connector.Probe(h.Context()); err == nil {
		h.Error("Probe succeeded at an address that the Channel does not declare")
	}
	if n := h.strayed.Load(); n > 0 {
		h.Errorf("%d requests reached an address that the Channel does not declare", n)
	}
}

func probe(h *harness) {
	b := h.batch(6, "A")
	h.confirm(b)
	if err := h.connector.Probe(h.Context()); err != nil {
		h.Errorf("Probe: %v", err)
	}
	h.holds(b)
	h.Behave(Deny)
	err := h.connector.Probe(h.Context())
	if err == nil {
		h.Fatal("Probe finds nothing wrong with credentials that are refused")
	}
	h.isClass(err, channel.Unauthorized)
}

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`)

// presentable wants an error that can be shown in a condition.
func (h *harness) presentable(e *channel.Error) {
	h.Helper()
	if !camelCase.MatchString(string(e.Reason)) {
		h.Errorf("reason %q is no CamelCase word of at most 64 characters", e.Reason)
	}
	if n := utf8.RuneCountInString(e.Message); n == 0 || n > 300 {
		h.Errorf("message of %d characters, want 1 to 300: %q", n, e.Message)
	}
}
