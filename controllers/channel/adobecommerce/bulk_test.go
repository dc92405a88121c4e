package adobecommerce_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	clocktesting "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce/adobecommercetest"
	"tallyman.dev/tallyman/controllers/channel/contract"
)

func bulk(c *channel.Config) { c.Channel.Spec.AdobeCommerce.Delivery = "Bulk" }

// TestOperations end one by one.
func TestOperations(t *testing.T) {
	t.Parallel()
	s := open(t, bulk)
	s.sell("A", "BAD", "LOCKED", "LATER", "ODD", "UNQUEUED", "B")
	s.Refuse("BAD")
	s.Fail("LOCKED", adobecommercetest.Outcome{Status: adobecommercetest.Failed, Message: "Could not save Source Item"})
	s.Fail("LATER", adobecommercetest.Outcome{Status: adobecommercetest.Retry, Message: "Deadlock " + testToken})
	s.Fail("ODD", adobecommercetest.Outcome{Status: adobecommercetest.Rejected})
	s.DoNotQueue("UNQUEUED")
	b := batch("A", "NONE", "BAD", "LOCKED", "LATER", "ODD", "UNQUEUED", "B")
	want := map[string]string{
		"A": "1/1", "NONE": "Unmapped/UnknownSKU", "BAD": "Rejected/RefusedByChannel", "LOCKED": "Unconfirmed/CouldNotSave",
		"LATER": "Unconfirmed/OperationFailed", "ODD": "Unconfirmed/OperationFailed", "UNQUEUED": "Rejected/RefusedByChannel", "B": "8/1",
	}
	if diff := cmp.Diff(want, s.outcomes(t, b)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	b.IdempotencyKey = "job-1"
	result, err := s.Push(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if got := result.Failures[2].Message; got != `Validation Failed: "sku" is not wanted.` {
		t.Errorf("message %q", got)
	}
	if got := result.Failures[4].Message; got != "Deadlock ***" {
		t.Errorf("message %q", got)
	}
}

// TestBulkIsFollowed asks with pauses until the consumer has done its work.
func TestBulkIsFollowed(t *testing.T) {
	t.Parallel()
	s, clock := openQueue(t, "A", "B")
	asked := make(chan struct{}, 10)
	s.OnCall(func(call adobecommercetest.Call) {
		if strings.HasPrefix(call.Path, "/V1/bulk/") {
			asked <- struct{}{}
		}
	})
	done := make(chan map[string]string)
	go func() { done <- s.outcomes(t, batch("A", "B")) }()
	for range 2 {
		<-asked
		waitForTimer(t, clock)
		s.Consume(1)
		clock.Step(time.Minute)
	}
	<-asked
	if diff := cmp.Diff(map[string]string{"A": "1/1", "B": "2/1"}, <-done); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if n := len(asked); n != 0 {
		t.Errorf("asked %d times more", n)
	}
}

// waitForTimer waits until somebody waits for the clock.
func waitForTimer(t *testing.T, clock *clocktesting.FakeClock) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !clock.HasWaiters() {
		select {
		case <-tick.C:
		case <-t.Context().Done():
			t.Fatal("nobody waits")
		}
	}
}

// expiring is a context whose deadline passes when it is told to.
type expiring struct {
	context.Context //nolint:containedctx // it is one itself
	passed          chan struct{}
}

// Done implements context.Context.
func (e expiring) Done() <-chan struct{} { return e.passed }

// Err implements context.Context.
func (e expiring) Err() error {
	select {
	case <-e.passed:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// openQueue makes a shop whose consumer has stopped, and a clock that stands.
func openQueue(t *testing.T, skus ...string) (*shop, *clocktesting.FakeClock) {
	t.Helper()
	clock := clocktesting.NewFakeClock(time.Now())
	s := open(t, func(c *channel.Config) {
		bulk(c)
		c.Clock = clock
	})
	s.sell(skus...)
	s.StopConsumer()
	return s, clock
}

// giveUp pushes, and lets the deadline pass while the bulk is waited for.
func (s *shop) giveUp(t *testing.T, clock *clocktesting.FakeClock, b channel.Batch) error {
	t.Helper()
	ctx := expiring{t.Context(), make(chan struct{})}
	done := make(chan error)
	go func() {
		_, err := s.Push(ctx, b)
		done <- err
	}()
	waitForTimer(t, clock)
	close(ctx.passed)
	return <-done
}

// TestUnfinishedBulk is gone on with by the next Push, before that queues anything.
func TestUnfinishedBulk(t *testing.T) {
	t.Parallel()
	same, other := batch("A"), batch("A")
	other.IdempotencyKey, other.Items[0].Quantity = "job-1", 7
	nameless := batch("A")
	nameless.IdempotencyKey = ""
	for name, tc := range map[string]struct {
		first, second channel.Batch
		want          string
		wantSaves     int
	}{
		"the same batch":            {same, same, "1/1", 1},
		"another quantity":          {same, other, "7/1", 2},
		"batches without their key": {nameless, nameless, "1/1", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, clock := openQueue(t, "A")
			contract.WantError(t, s.giveUp(t, clock, tc.first), channel.Retry, "BulkPending")
			contract.WantError(t, s.giveUp(t, clock, tc.second), channel.Retry, "BulkPending") // nothing is queued behind it
			if got := s.Waiting(); got != 1 {
				t.Errorf("%d operations wait, want 1", got)
			}
			s.StartConsumer()
			if got := s.outcomes(t, tc.second)["A"]; got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
			if got := len(s.saves()); got != tc.wantSaves {
				t.Errorf("%d bulks, want %d", got, tc.wantSaves)
			}
			s.outcomes(t, tc.second) // a bulk that has ended is not remembered
			if got := len(s.saves()); got != tc.wantSaves+1 {
				t.Errorf("%d bulks, want %d", got, tc.wantSaves+1)
			}
		})
	}
}

// TestUnfinishedBulkKeepsItsFailures of items that were not queued, and of operations that ended before.
func TestUnfinishedBulkKeepsItsFailures(t *testing.T) {
	t.Parallel()
	s, clock := openQueue(t, "BAD", "A")
	s.Refuse("BAD")
	b := batch("NONE", "BAD", "A")
	contract.WantError(t, s.giveUp(t, clock, b), channel.Retry, "BulkPending")
	s.Consume(1)
	contract.WantError(t, s.giveUp(t, clock, b), channel.Retry, "BulkPending")
	s.Refuse()
	s.Consume(1)
	want := map[string]string{"NONE": "Unmapped/UnknownSKU", "BAD": "Rejected/RefusedByChannel", "A": "3/1"}
	if diff := cmp.Diff(want, s.outcomes(t, b)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

// TestLostBulk is one that the shop has forgotten: the next Push queues again.
func TestLostBulk(t *testing.T) {
	t.Parallel()
	s, clock := openQueue(t, "A")
	contract.WantError(t, s.giveUp(t, clock, batch("A")), channel.Retry, "BulkPending")
	s.ForgetBulks()
	_, err := s.Push(t.Context(), batch("A"))
	contract.WantError(t, err, channel.Retry, "BulkLost")
	s.StartConsumer()
	if got := s.outcomes(t, batch("A"))["A"]; got != "1/1" {
		t.Errorf("%s, want 1", got)
	}
}

// TestFailedQuestion does not forget the bulk.
func TestFailedQuestion(t *testing.T) {
	t.Parallel()
	s := open(t, bulk)
	s.sell("A")
	s.AnswerBy(func(call adobecommercetest.Call) http.Handler {
		if strings.HasPrefix(call.Path, "/V1/bulk/") {
			return adobecommercetest.Error(500, "Internal Error.")
		}
		return nil
	})
	_, err := s.Push(t.Context(), batch("A"))
	contract.WantError(t, err, channel.Retry, "Status500")
	s.AnswerBy(nil)
	if got := s.outcomes(t, batch("A"))["A"]; got != "1/1" {
		t.Errorf("%s, want 1", got)
	}
	if got := len(s.saves()); got != 1 {
		t.Errorf("%d bulks, want 1", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*channel.Config)
		want   channel.Limits
	}{
		"sync": {func(*channel.Config) {}, channel.Limits{BatchSize: 100, MaxParallel: 1, Patience: channel.MaxPatience}},
		"bulk": {bulk, channel.Limits{BatchSize: 5000, JobItems: 5000, MaxParallel: 1, Patience: channel.MaxPatience}},
		"bulk of another size": {func(c *channel.Config) {
			bulk(c)
			c.Channel.Spec.BatchSize = 500
		}, channel.Limits{BatchSize: 500, JobItems: 500, MaxParallel: 1, Patience: channel.MaxPatience}},
	} {
		if diff := cmp.Diff(tc.want, open(t, tc.change).Limits()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
