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
	run   func(*stage)
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

func limitsAreSane(s *stage) {
	limits := s.connector.Limits()
	if limits.BatchSize < 1 || limits.MaxParallel < 1 {
		s.Errorf("limits %+v, want at least 1 item and 1 call", limits)
	}
}

// quantitiesArrive also checks that no SKU is taken for syntax, and that later quantities replace
// earlier ones.
func quantitiesArrive(s *stage) {
	for i, sku := range s.skus {
		s.confirm(s.batch(int64(i), sku)) // the first is zero: sold out must arrive too
	}
	s.confirm(s.batch(s.maxQuantity, "PLAIN-1"))
	s.confirm(s.batch(0, "PLAIN-1"))
}

func fullBatchArrives(s *stage) {
	var skus []string
	for i := range s.connector.Limits().BatchSize {
		skus = append(skus, fmt.Sprintf("SKU-%d", i))
	}
	s.confirm(s.batch(3, skus...))
}

func callsGoInParallel(s *stage) {
	var wg sync.WaitGroup
	for i := range s.connector.Limits().MaxParallel {
		wg.Go(func() {
			if _, err := s.push(s.batch(int64(i), fmt.Sprintf("SKU-%d", i))); err != nil {
				s.Errorf("call %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	for i := range s.connector.Limits().MaxParallel {
		s.holds(s.batch(int64(i), fmt.Sprintf("SKU-%d", i)))
	}
}

// refusedItemBlocksNoOther allows two ways: a failure of the item, or a call that is refused as a
// whole, so that its halves can be tried alone.
func refusedItemBlocksNoOther(s *stage) {
	s.Behave(Refuse)
	b := s.batch(5, Refused)
	if s.connector.Limits().BatchSize > 1 {
		b = s.batch(5, "GOOD-1", Refused)
	}
	result, err := s.push(b)
	if err != nil {
		s.isClass(err, channel.Rejected)
		return
	}
	last := len(b.Items) - 1
	failure := result.Failures[last]
	if failure == nil || len(result.Failures) != 1 {
		s.Fatalf("failures %v, want one, of item %d", result.Failures, last)
	}
	switch failure.Class {
	case channel.Unconfirmed, channel.Rejected, channel.Unmapped:
	default:
		s.Errorf("class %s, want %s, %s or %s", failure.Class, channel.Unconfirmed, channel.Rejected, channel.Unmapped)
	}
	s.presentable(failure)
	s.holds(s.batch(5, "GOOD-1"))
}

func throttled(s *stage) {
	s.Behave(Throttle)
	s.fails(s.batch(1, "A"), channel.Throttled, func(e *channel.Error) {
		// A channel may say it by a date, which counts whole seconds.
		if e.RetryAfter > Pause || e.RetryAfter < Pause-dateError {
			s.Errorf("pause %v, want %v", e.RetryAfter, Pause)
		}
	})
	s.Behave(Accept)
	s.confirm(s.batch(1, "A"))
}

func unauthorized(s *stage) {
	s.Behave(Deny)
	s.fails(s.batch(1, "A"), channel.Unauthorized)
	s.Behave(Accept)
	s.confirm(s.batch(1, "A"))
}

func brokenServer(s *stage) {
	s.Behave(Break)
	s.fails(s.batch(1, "A"), channel.Retry)
	s.Behave(Accept)
	s.confirm(s.batch(1, "A"))
}

func deadline(s *stage) {
	s.Behave(Stall)
	ctx, cancel := context.WithTimeout(s.Context(), shortly)
	defer cancel()
	_, err := s.connector.Push(ctx, s.batch(1, "A"))
	if err == nil {
		s.Fatal("a call that was never answered succeeded")
	}
	s.isClass(err, channel.Retry)
	if e := channel.AsError(err); e.Reason != "Timeout" {
		s.Errorf("reason %s, want Timeout", e.Reason)
	}
}

func cancelled(s *stage) {
	s.Behave(Stall)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	s.isClass(s.abandon(ctx, cancel, s.batch(1, "A")), channel.Retry)
}

// abandon makes a call that the server holds, and gives it up.
func (s *stage) abandon(ctx context.Context, cancel context.CancelFunc, b channel.Batch) error {
	s.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := s.connector.Push(ctx, b)
		done <- err
	}()
	overdue := time.NewTimer(patience)
	defer overdue.Stop()
	select {
	case <-s.Received():
	case err := <-done:
		s.Fatalf("Push returned %v before the server answered", err)
	case <-overdue.C:
		s.Fatal("waited in vain for the call")
	}
	cancel()
	select {
	case err := <-done:
		if err == nil {
			s.Fatal("a call that was cancelled succeeded")
		}
		return err
	case <-overdue.C:
		s.Fatal("Push ignores that its context has ended")
	}
	return nil
}

func cancelledBefore(s *stage) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	b := s.batch(1, "A")
	_, err := s.connector.Push(ctx, b)
	if err == nil {
		s.Fatal("a call that was cancelled succeeded")
	}
	s.isClass(err, channel.Retry)
	if got, ok := s.quantity(b.Items[0]); ok {
		s.Errorf("the channel was told %d", got)
	}
}

func lateCallDoesNotWin(s *stage) {
	s.Behave(Stall)
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	_ = s.abandon(ctx, cancel, s.batch(1, "A"))
	s.Behave(Accept)
	s.confirm(s.batch(2, "A"))
	s.Release()
	s.holds(s.batch(2, "A"))
}

// repeatedAfterLostAnswer is what a crash between the push and its record leads to.
func repeatedAfterLostAnswer(s *stage) {
	b := s.batch(4, "A")
	s.Behave(Lose)
	s.fails(b, channel.Retry)
	s.Behave(Accept)
	s.confirm(b)
	s.confirm(b)
}

func garbageIsNoSuccess(s *stage) {
	s.Behave(Garble)
	s.fails(s.batch(1, "A"), channel.Retry)
}

func endlessAnswerIsBounded(s *stage) {
	s.Behave(Flood)
	s.fails(s.batch(1, "A"), channel.Retry, func(e *channel.Error) {
		if e.Reason == "Timeout" {
			s.Error("the answer was read until time ran out")
		}
	})
}

func secretsStaySecret(s *stage) {
	if len(s.credentials) == 0 {
		s.Skip("the channel needs no credentials")
	}
	s.Behave(Leak)
	_, err := s.push(s.batch(1, "A"))
	if err == nil {
		s.Fatal("Push succeeded")
	}
	if e := channel.AsError(err); !strings.Contains(e.Message, Leaked) {
		s.Errorf("message %q: the channel's words are lost", e.Message)
	}
	for ; err != nil; err = errors.Unwrap(err) {
		for name, value := range s.credentials {
			if strings.Contains(err.Error(), string(value)) {
				s.Errorf("the error shows the credential %s: %v", name, err)
			}
		}
	}
}

func noRequestStrays(s *stage) {
	s.Behave(Redirect)
	if _, err := s.push(s.batch(1, "A")); err == nil {
		s.Error("Push succeeded at an address that the Channel does not declare")
	}
	if err := s.connector.Probe(s.Context()); err == nil {
		s.Error("Probe succeeded at an address that the Channel does not declare")
	}
	if n := s.strayed.Load(); n > 0 {
		s.Errorf("%d requests reached an address that the Channel does not declare", n)
	}
}

func probe(s *stage) {
	b := s.batch(6, "A")
	s.confirm(b)
	if err := s.connector.Probe(s.Context()); err != nil {
		s.Errorf("Probe: %v", err)
	}
	s.holds(b)
	s.Behave(Deny)
	err := s.connector.Probe(s.Context())
	if err == nil {
		s.Fatal("Probe finds nothing wrong with credentials that are refused")
	}
	s.isClass(err, channel.Unauthorized)
}

var camelCase = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,63}$`)

// presentable wants an error that can be shown in a condition.
func (s *stage) presentable(e *channel.Error) {
	s.Helper()
	if !camelCase.MatchString(string(e.Reason)) {
		s.Errorf("reason %q is no CamelCase word of at most 64 characters", e.Reason)
	}
	if n := utf8.RuneCountInString(e.Message); n == 0 || n > 300 {
		s.Errorf("message of %d characters, want 1 to 300: %q", n, e.Message)
	}
}
