package fake_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/fake"
)

func locationWise(location string, quantity int64, skus ...string) channel.Batch {
	b := channel.Batch{Mode: inventoryv1alpha1.LocationWise}
	for _, sku := range skus {
		b.Items = append(b.Items, channel.Item{SKU: sku, Quantity: quantity, LocationCode: location, LocationQuantity: quantity})
	}
	return b
}

// sequence is that of the only run of a term.
func sequence(term uint64) string { return fmt.Sprintf("%020d.%012d", term, 1) }

// sequenced is a call of a term, with a key of its own.
func sequenced(term uint64, quantity int64, skus ...string) channel.Batch {
	b := locationWise("L", quantity, skus...)
	b.IdempotencyKey = fmt.Sprintf("key-%d", term)
	for i := range b.Items {
		b.Items[i].Sequence = sequence(term)
	}
	return b
}

func push(t *testing.T, c channel.Connector, b channel.Batch) map[int]*channel.Error {
	t.Helper()
	result, err := c.Push(t.Context(), b)
	if err != nil {
		t.Fatalf("Push: %v", err)
	}
	return result.Failures
}

func TestRecordsAndParallelism(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{BatchSize: 5, MaxParallel: 2})
	entered := make(chan struct{}, 2)
	c.OnPush(func(channel.Batch) { entered <- struct{}{} })
	release := c.Hold()
	var calls sync.WaitGroup
	batches := []channel.Batch{locationWise("L1", 1, "A", "B"), locationWise("L2", 2, "A")}
	for _, b := range batches {
		calls.Go(func() {
			if _, err := c.Push(t.Context(), b); err != nil {
				t.Errorf("Push: %v", err)
			}
		})
		<-entered
	}
	if got := c.Quantities(); len(got) != 0 {
		t.Errorf("a call that is held has changed %v", got)
	}
	release()
	release() // does no harm
	calls.Wait()
	if got := c.MostParallel(); got != 2 {
		t.Errorf("%d calls at once, want 2", got)
	}
	if diff := cmp.Diff(batches, c.Batches()); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	want := map[fake.LocationSKU]int64{{Location: "L1", SKU: "A"}: 1, {Location: "L1", SKU: "B"}: 1, {Location: "L2", SKU: "A"}: 2}
	if diff := cmp.Diff(want, c.Quantities()); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
}

// TestRecordsOfPushes tells what was told from what took effect, in both modes.
func TestRecordsOfPushes(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{BatchSize: 5})
	c.Fail("B", fake.Error(channel.Rejected))
	push(t, c, sequenced(7, 1, "A", "B"))
	total := sequenced(8, 2, "A")
	total.Mode = inventoryv1alpha1.Consolidated
	push(t, c, total)
	at := func(location, sku string, quantity int64, term uint64) fake.Push {
		return fake.Push{
			LocationSKU: fake.LocationSKU{Location: location, SKU: sku}, Quantity: quantity,
			IdempotencyKey: fmt.Sprintf("key-%d", term), Sequence: sequence(term),
		}
	}
	if diff := cmp.Diff([]fake.Push{at("L", "A", 1, 7), at("L", "B", 1, 7), at("", "A", 2, 8)}, c.Pushes()); diff != "" {
		t.Errorf("pushes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]fake.Push{at("L", "A", 1, 7), at("", "A", 2, 8)}, c.Taken()); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

// TestOutcomes has a first call come out in some way, and a second one succeed.
func TestOutcomes(t *testing.T) {
	t.Parallel()
	other := errors.New("other")
	for name, tc := range map[string]struct {
		outcome   fake.Outcome
		wantErr   error
		wantClass channel.Class
		want      map[fake.LocationSKU]int64 // after the first call
		wantLate  int
	}{
		"success":      {want: map[fake.LocationSKU]int64{{Location: "L", SKU: "A"}: 1}},
		"retry":        {outcome: fake.Class(channel.Retry), wantClass: channel.Retry},
		"throttled":    {outcome: fake.Class(channel.Throttled), wantClass: channel.Throttled},
		"unconfirmed":  {outcome: fake.Class(channel.Unconfirmed), wantClass: channel.Unconfirmed},
		"rejected":     {outcome: fake.Class(channel.Rejected), wantClass: channel.Rejected},
		"unmapped":     {outcome: fake.Class(channel.Unmapped), wantClass: channel.Unmapped},
		"unauthorized": {outcome: fake.Class(channel.Unauthorized), wantClass: channel.Unauthorized},
		"terminal":     {outcome: fake.Class(channel.Terminal), wantClass: channel.Terminal},
		"any error":    {outcome: fake.Outcome{Err: other}, wantErr: other, wantClass: channel.Retry},
		"lost":         {outcome: fake.Lost(), wantErr: fake.ErrLost, wantClass: channel.Retry, want: map[fake.LocationSKU]int64{{Location: "L", SKU: "A"}: 1}},
		"late":         {outcome: fake.Late(), wantErr: fake.ErrLost, wantClass: channel.Retry, wantLate: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fake.New(channel.Limits{})
			c.Next(tc.outcome)
			_, err := c.Push(t.Context(), locationWise("L", 1, "A"))
			if tc.wantErr != nil && !errors.Is(err, tc.wantErr) {
				t.Errorf("%v, want %v", err, tc.wantErr)
			}
			if (err == nil) != (tc.wantClass == "") || err != nil && channel.AsError(err).Class != tc.wantClass {
				t.Errorf("%v, want an error of class %q", err, tc.wantClass)
			}
			if diff := cmp.Diff(tc.want, c.Quantities(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("quantities (-want +got):\n%s", diff)
			}
			if got := c.LateCalls(); got != tc.wantLate {
				t.Errorf("%d late calls, want %d", got, tc.wantLate)
			}
			push(t, c, locationWise("L", 2, "A"))
			if got, _ := c.Quantity("L", "A"); got != 2 {
				t.Errorf("the channel has %d after another call, want 2", got)
			}
		})
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{})
	c.Next(fake.Throttle(time.Minute))
	_, err := c.Push(t.Context(), locationWise("L", 1, "A"))
	if e := channel.AsError(err); e == nil || e.Class != channel.Throttled || e.RetryAfter != time.Minute {
		t.Errorf("%v, want a pause of a minute", err)
	}
}

// TestItemsFail by call and by SKU, of which the latter stays.
func TestItemsFail(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{BatchSize: 3})
	always, once := fake.Error(channel.Unmapped), fake.Error(channel.Rejected)
	c.Fail("A", always)
	c.Next(fake.Outcome{Failures: map[string]*channel.Error{"B": once}})
	for i, want := range []map[int]*channel.Error{{0: always, 1: once}, {0: always}, {}} {
		if i == 2 {
			c.Fail("A", nil)
		}
		if diff := cmp.Diff(want, push(t, c, locationWise("L", int64(i), "A", "B", "C"))); diff != "" {
			t.Errorf("call %d: failures (-want +got):\n%s", i, diff)
		}
	}
	if got := len(c.Taken()); got != 6 {
		t.Errorf("%d quantities taken, want 1, 2 and 3", got)
	}
}

// TestOutcomesComeInOrder has those of Next come before what Decide says.
func TestOutcomesComeInOrder(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{})
	first, other := errors.New("first"), errors.New("other")
	c.NextErr(first, nil)
	c.Next(fake.Lost())
	c.Decide(func(b channel.Batch) fake.Outcome {
		if b.Items[0].Quantity == 4 {
			return fake.Outcome{Err: other}
		}
		return fake.Outcome{}
	})
	wants := []struct {
		err      error
		quantity int64
	}{{first, 0}, {nil, 2}, {fake.ErrLost, 3}, {other, 3}, {nil, 5}}
	for i, want := range wants {
		_, err := c.Push(t.Context(), locationWise("L", int64(i+1), "A"))
		if !errors.Is(err, want.err) {
			t.Errorf("call %d: %v, want %v", i, err, want.err)
		}
		if got, _ := c.Quantity("L", "A"); got != want.quantity {
			t.Errorf("after call %d the channel has %d, want %d", i, got, want.quantity)
		}
	}
}

// TestLateCalls overtake later ones, unless the channel keeps the order.
func TestLateCalls(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		keepOrder bool
		want      int64
	}{"the last one wins": {false, 1}, "the newest one wins": {true, 3}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fake.New(channel.Limits{})
			c.KeepOrder(tc.keepOrder)
			c.Next(fake.Late(), fake.Late())
			for term := range uint64(2) {
				if _, err := c.Push(t.Context(), sequenced(term+1, int64(term+1), "A")); !errors.Is(err, fake.ErrLost) {
					t.Fatalf("Push: %v, want a lost answer", err)
				}
			}
			push(t, c, sequenced(3, 3, "A"))
			if c.ApplyLate(2) || c.ApplyLate(-1) || !c.ApplyLate(1) || !c.ApplyLate(0) || c.ApplyLate(0) {
				t.Errorf("%d late calls are left, want that there were two", c.LateCalls())
			}
			if got, _ := c.Quantity("L", "A"); got != tc.want {
				t.Errorf("the channel has %d, want %d", got, tc.want)
			}
		})
	}
}

// TestCallsWhoseSenderGoes are held, and have the effect that their outcome tells.
func TestCallsWhoseSenderGoes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		outcome   fake.Outcome
		wantTaken bool
		wantLate  int
	}{
		"no effect":        {},
		"applied":          {fake.Outcome{Gone: fake.Applied}, true, 0},
		"applied late":     {fake.Outcome{Gone: fake.AppliedLate}, false, 1},
		"held by outcome":  {fake.Outcome{Until: make(chan struct{}), Gone: fake.Applied}, true, 0},
		"delayed too long": {fake.Outcome{Delay: time.Hour, Gone: fake.Applied}, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := fake.NewWithClock(channel.Limits{}, clocktesting.NewFakeClock(time.Now()))
			if tc.outcome.Until == nil && tc.outcome.Delay == 0 {
				c.Hold()
			}
			c.Next(tc.outcome)
			ctx, cancel := context.WithCancel(t.Context())
			c.OnPush(func(channel.Batch) { cancel() })
			if _, err := c.Push(ctx, locationWise("L", 1, "A")); !errors.Is(err, context.Canceled) {
				t.Errorf("Push: %v, want that the context has ended", err)
			}
			if _, told := c.Quantity("L", "A"); told != tc.wantTaken || c.LateCalls() != tc.wantLate {
				t.Errorf("taken: %v, with %d late calls, want %v and %d", told, c.LateCalls(), tc.wantTaken, tc.wantLate)
			}
		})
	}
}

// waitedFor tells of every timer that is made.
type waitedFor struct {
	*clocktesting.FakeClock
	timers chan time.Duration
}

func (c waitedFor) NewTimer(d time.Duration) clock.Timer {
	timer := c.FakeClock.NewTimer(d)
	c.timers <- d
	return timer
}

func TestUntilAndDelay(t *testing.T) {
	t.Parallel()
	clock := waitedFor{clocktesting.NewFakeClock(time.Now()), make(chan time.Duration)}
	c := fake.NewWithClock(channel.Limits{}, clock)
	until, done := make(chan struct{}), make(chan error, 1)
	c.Next(fake.Outcome{Until: until, Delay: time.Minute})
	go func() {
		_, err := c.Push(t.Context(), locationWise("L", 1, "A"))
		done <- err
	}()
	if _, err := c.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(until)
	if d := <-clock.timers; d != time.Minute {
		t.Errorf("delayed by %v, want a minute", d)
	}
	if got := c.Quantities(); len(got) != 0 {
		t.Errorf("a call that is delayed has changed %v", got)
	}
	clock.Step(time.Minute)
	if err := <-done; err != nil {
		t.Errorf("Push: %v", err)
	}
	if got, _ := c.Quantity("L", "A"); got != 1 {
		t.Errorf("the channel has %d, want 1", got)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{})
	for i := range 3 {
		push(t, c, locationWise("L", int64(i), "A"))
	}
	for i := range 3 {
		if got := c.Unawaited(); got != 3-i {
			t.Errorf("%d calls to await, want %d", got, 3-i)
		}
		batch, err := c.Await(t.Context())
		if err != nil || batch.Items[0].Quantity != int64(i) {
			t.Errorf("call %d: %+v, %v", i, batch, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if batch, err := c.Await(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v, want no call", batch, err)
	}
	go func() { _, _ = c.Push(t.Context(), locationWise("L", 9, "A")) }()
	if batch, err := c.Await(t.Context()); err != nil || batch.Items[0].Quantity != 9 {
		t.Errorf("%+v, %v, want the call that came meanwhile", batch, err)
	}
}

func TestProbe(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Probe(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Probe: %v, want that the context has ended", err)
	}
	denied := fake.Error(channel.Unauthorized)
	c.FailProbe(denied)
	if err := c.Probe(t.Context()); !errors.Is(err, denied) {
		t.Errorf("Probe: %v, want %v", err, denied)
	}
	c.FailProbe(nil)
	if err := c.Probe(t.Context()); err != nil {
		t.Errorf("Probe: %v", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{})
	if diff := cmp.Diff(channel.Limits{BatchSize: 1, MaxParallel: 1}, c.Limits()); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
	want := channel.Limits{BatchSize: 4, MaxParallel: 2, OneLocationPerCall: true, Patience: time.Minute}
	c.SetLimits(want)
	if diff := cmp.Diff(want, c.Limits()); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// TestRead reads back what was pushed and what somebody else has changed.
func TestRead(t *testing.T) {
	t.Parallel()
	c := fake.Readable{Channel: fake.New(channel.Limits{BatchSize: 3})}
	if _, readable := channel.Connector(c.Channel).(channel.Reader); readable {
		t.Error("a plain Channel can be read back")
	}
	b := locationWise("L", 1, "A", "B", "C")
	push(t, c, b)
	c.Set(fake.LocationSKU{Location: "L", SKU: "B"}, 5)
	c.Forget(fake.LocationSKU{Location: "L", SKU: "C"})
	got, err := c.Read(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int]int64{0: 1, 1: 5}, got.Quantities); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
	if len(got.Failures) != 1 || got.Failures[2] == nil || got.Failures[2].Class != channel.Unmapped {
		t.Errorf("failures %v, want C unmapped", got.Failures)
	}
	broken := errors.New("no answer")
	c.FailRead(broken)
	if _, err := c.Read(t.Context(), b); !errors.Is(err, broken) {
		t.Errorf("Read: %v, want %v", err, broken)
	}
	c.FailRead(nil)
	if _, err := c.Read(t.Context(), b); err != nil {
		t.Errorf("Read: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Read(ctx, b); !errors.Is(err, context.Canceled) {
		t.Errorf("Read: %v, want that the context has ended", err)
	}
}
