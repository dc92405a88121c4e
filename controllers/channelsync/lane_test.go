package channelsync

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/syncstate"
)

type quantities = map[string]inventoryv1alpha1.Quantity

func consolidated(ch *inventoryv1alpha1.Channel) { ch.Spec.Mode = inventoryv1alpha1.Consolidated }

func TestChangesArePushed(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 40})
	got := b.call()
	want := channel.Batch{
		Mode:  inventoryv1alpha1.LocationWise,
		Items: []channel.Item{{SKU: "a", Quantity: 40, LocationCode: "CODE-wd", LocationQuantity: 40}},
	}
	if got.IdempotencyKey == "" {
		t.Error("the call has no idempotency key")
	}
	got.IdempotencyKey = ""
	sequence := got.Items[0].Sequence
	want.Items[0].Sequence = sequence
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("call (-want +got):\n%s", diff)
	}
	b.settled()
	job := b.jobs(1)[0]
	if diff := cmp.Diff([]inventoryv1alpha1.SyncItem{{SKU: "a", LocationName: "wd", Quantity: 40}}, job.Spec.Items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
	if c := apimeta.FindStatusCondition(job.Status.Conditions, "Ready"); c == nil || c.Reason != inventoryv1alpha1.JobSucceeded {
		t.Errorf("Ready = %+v, want reason Succeeded", c)
	}

	b.send("wd", 0, quantities{"a": 40}) // as it is
	b.send("wd", 0, quantities{"a": 41, "b": 7})
	for _, it := range b.call().Items {
		if it.Sequence <= sequence || sequence == "" {
			t.Errorf("%s is pushed with the sequence %q after %q, want one that sorts behind it", it.SKU, it.Sequence, sequence)
		}
	}
}

// TestChangeDuringAPush is the race that would leave a channel on an older number.
func TestChangeDuringAPush(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.configure("1", selected("wd"))
	hold := make(chan struct{})
	b.shop.holdUntil(hold)
	b.send("wd", 0, quantities{"a": 40})
	b.call()
	b.send("wd", 0, quantities{"a": 41})
	if n := b.report().Pending; n != 1 {
		t.Errorf("%d pending during the push, want 1", n)
	}
	close(hold)
	b.shop.holdUntil(nil)
	if got := b.call().Items[0].Quantity; got != 41 {
		t.Errorf("the second call pushes %d, want 41", got)
	}
	b.settled()
	b.want("CODE-wd", "a", 41)
}

func TestOneJobAtATime(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.shop.limits = channel.Limits{BatchSize: 10, MaxParallel: 4, OneLocationPerCall: true}
	b.configure("1", selected("wd"), selected("st"))
	hold := make(chan struct{})
	b.shop.holdUntil(hold)
	for i := range 100 {
		b.send("wd", 0, quantities{fmt.Sprintf("a%d", i): 1})
		b.send("st", 0, quantities{fmt.Sprintf("a%d", i): 2})
	}
	first := b.call() // whatever was there when the lane started
	close(hold)
	b.settled()
	calls := []channel.Batch{first}
	for len(b.shop.calls) > 0 {
		calls = append(calls, <-b.shop.calls)
	}
	pushed := map[spot]int{}
	for _, c := range calls {
		if len(c.Items) > 10 {
			t.Errorf("a call has %d items, want at most 10", len(c.Items))
		}
		for _, it := range c.Items {
			pushed[spot{it.LocationCode, it.SKU}]++
			if it.LocationCode != c.Items[0].LocationCode {
				t.Errorf("a call mixes %s and %s", it.LocationCode, c.Items[0].LocationCode)
			}
		}
	}
	if len(pushed) != 200 {
		t.Errorf("%d SKUs were pushed, want 200", len(pushed))
	}
	for p, n := range pushed {
		if n != 1 {
			t.Errorf("%v was pushed %d times, want once", p, n)
		}
	}
}

func TestItemFailures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  *channel.Error
		want inventoryv1alpha1.SyncState
	}{
		"rejected":    {&channel.Error{Class: channel.Rejected, Reason: "UnknownSKU", Message: "no such SKU"}, inventoryv1alpha1.SyncFailed},
		"unconfirmed": {&channel.Error{Class: channel.Unconfirmed, Reason: "RefusedByChannel", Message: "no"}, inventoryv1alpha1.SyncRetrying},
		"throttled":   {&channel.Error{Class: channel.Throttled, Reason: "Throttled", Message: "slow down", RetryAfter: time.Hour}, inventoryv1alpha1.SyncRetrying},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newHarness(t, nil)
			b.shop.set(func(batch channel.Batch) (channel.Result, error) {
				failures := map[int]*channel.Error{}
				for i, it := range batch.Items {
					if it.SKU == "bad" {
						failures[i] = tc.err
					}
				}
				return channel.Result{Failures: failures}, nil
			})
			b.configure("1", selected("wd"))
			b.send("wd", 0, quantities{"bad": 1, "good": 2})
			job := b.jobs(1)[0]
			b.want("CODE-wd", "good", 2)
			if len(job.Status.Failures) != 1 || job.Status.Failures[0].Reason != string(tc.err.Reason) {
				t.Errorf("failures = %+v, want one with reason %s", job.Status.Failures, tc.err.Reason)
			}
			got := b.listed("wd", quantities{"bad": 1, "good": 2})
			if len(got) != 1 || len(got[0].Failures) != 1 || len(got[0].Pending) != 0 {
				t.Fatalf("SnapshotChannels = %+v, want one channel with one failure", got)
			}
			f := got[0].Failures[0]
			if f.SKU != "bad" || f.State != tc.want || f.Message != tc.err.Message || f.Attempts != 1 {
				t.Errorf("failure = %+v, want SKU bad, state %s", f, tc.want)
			}
			if scheduled := f.NextAttemptTime != nil; scheduled != (tc.want == inventoryv1alpha1.SyncRetrying) {
				t.Errorf("nextAttemptTime = %v", f.NextAttemptTime)
			}
		})
	}
}

func TestUnconfirmedItemIsParkedInTheEnd(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, func(ch *inventoryv1alpha1.Channel) { ch.Spec.MaxAttempts = 3 })
	b.shop.set(func(channel.Batch) (channel.Result, error) {
		return channel.Result{Failures: map[int]*channel.Error{0: {Class: channel.Unconfirmed, Reason: "RefusedByChannel", Message: "no"}}}, nil
	})
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1})
	b.stepUntil(clock, time.Minute, "the SKU to be parked", func() bool { return b.report().Failed == 1 })
	if n := len(b.shop.calls); n != 3 {
		t.Errorf("%d calls, want 3 attempts", n)
	}
	// A new quantity is a new chance.
	b.shop.set(nil)
	b.send("wd", 0, quantities{"a": 2})
	b.stepUntil(clock, time.Second, "the new quantity to be pushed", func() bool { return b.report().Pending == 0 })
	b.want("CODE-wd", "a", 2)
	if n := b.report().Failed; n != 0 {
		t.Errorf("%d failed, want 0", n)
	}
}

func TestCulpritOfARefusedCallIsIsolated(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.shop.set(func(batch channel.Batch) (channel.Result, error) {
		for _, it := range batch.Items {
			if it.SKU == "s13" {
				return channel.Result{}, &channel.Error{Class: channel.Rejected, Reason: "BadRequest", Message: "bundle"}
			}
		}
		return channel.Result{}, nil
	})
	b.configure("1", selected("wd"))
	q := quantities{}
	for i := range 50 {
		q[fmt.Sprintf("s%d", i)] = 1
	}
	b.send("wd", 0, q)
	b.settled()
	if r := b.report(); r.Failed != 1 {
		t.Errorf("%d failed, want 1", r.Failed)
	}
	for sku := range q {
		if _, known := b.shop.quantity("CODE-wd", sku); known == (sku == "s13") {
			t.Errorf("the channel knows %s: %v", sku, known)
		}
	}
}

func TestUnauthorizedStopsUntilTheConfigurationChanges(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.shop.set(func(channel.Batch) (channel.Result, error) {
		return channel.Result{}, &channel.Error{Class: channel.Unauthorized, Reason: "Unauthorized", Message: "401"}
	})
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1})
	b.call()
	b.await("the circuit to open", func() bool { return b.report().Blocked != nil })
	b.send("wd", 0, quantities{"b": 2})
	b.configure("1", selected("wd")) // the same Secret: nothing has changed
	if r := b.report(); r.Blocked == nil || r.Pending != 2 || len(b.shop.calls) != 0 {
		t.Errorf("report = %+v with %d further calls, want blocked, 2 pending, none", r, len(b.shop.calls))
	}
	b.shop.set(nil)
	b.configure("2", selected("wd"))
	b.settled()
	b.want("CODE-wd", "a", 1)
	b.want("CODE-wd", "b", 2)
}

func TestFailedCallsAreRepeatedAfterAPause(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, nil)
	b.shop.set(func(channel.Batch) (channel.Result, error) {
		return channel.Result{}, &channel.Error{Class: channel.Throttled, Reason: "Throttled", Message: "429", RetryAfter: 90 * time.Second}
	})
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1})
	b.call()
	b.jobs(1)
	b.await("the lane to wait", clock.HasWaiters)
	if next := b.report().NextAttempt.Sub(clock.Now()); next != 90*time.Second {
		t.Errorf("next attempt in %s, want the 90s that the channel asked for", next)
	}
	b.shop.set(nil)
	clock.Step(89 * time.Second)
	if len(b.shop.calls) != 0 {
		t.Error("the channel was called before the pause was over")
	}
	b.stepUntil(clock, time.Second, "the call to be repeated", func() bool { return b.report().Pending == 0 })
	b.call()
	if r := b.report(); r.Failures != 0 || r.LastError != nil {
		t.Errorf("report = %+v, want no failure left", r)
	}
}

func TestConsolidatedSumsLocationsAndPools(t *testing.T) {
	t.Parallel()
	b := newHarness(t, func(ch *inventoryv1alpha1.Channel) {
		consolidated(ch)
		ch.Spec.PoolIDs = []int64{0, 7}
	})
	b.send("wd", 0, quantities{"a": 10})
	b.send("wd", 7, quantities{"a": 5})
	b.send("wd", 8, quantities{"a": 1000}) // a pool that the channel does not sell from
	b.send("st", 0, quantities{"a": 2})
	b.send("other", 0, quantities{"a": 500})
	b.configure("1", selected("wd"), selected("st"), deselected("other"))
	b.settled()
	b.want("", "a", 17)
	b.send("st", 0, quantities{"a": 3})
	b.await("the new sum", func() bool { q, _ := b.shop.quantity("", "a"); return q == 18 })
}

func TestDeselectedLocationIsWithdrawn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		mutate func(*inventoryv1alpha1.Channel)
		at     string
		want   int64
	}{
		"location-wise": {nil, "CODE-wd", 0},
		"consolidated":  {consolidated, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newHarness(t, tc.mutate)
			b.send("wd", 0, quantities{"a": 10})
			b.send("st", 0, quantities{"a": 2})
			b.configure("1", selected("wd"), selected("st"))
			b.settled()
			b.configure("1", deselected("wd"), selected("st"))
			b.await("wd to be withdrawn", func() bool { return len(b.report().Withdrawing) == 0 })
			b.want(tc.at, "a", tc.want)
			b.send("wd", 0, quantities{"a": 99}) // no concern of the channel's any more
			b.configure("1", selected("wd"), selected("st"))
			b.await("wd to be sold again", func() bool { q, _ := b.shop.quantity(tc.at, "a"); return q >= 99 })
		})
	}
}

func TestSuspendedChannelIsNotCalled(t *testing.T) {
	t.Parallel()
	b := newHarness(t, func(ch *inventoryv1alpha1.Channel) { ch.Spec.Suspend = new(true) })
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1})
	b.await("the change to be noted", func() bool { return b.report().Pending == 1 })
	b.ch.Spec.Suspend = nil
	b.configure("2", selected("wd"))
	b.settled()
	if n := len(b.jobs(1)); n != 1 {
		t.Errorf("%d jobs, want 1: none while suspended", n)
	}
}

// TestRestoreReadsSnapshots starts a lane on snapshots that an earlier leader wrote.
func TestRestoreReadsSnapshots(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, nil)
	settings := syncstate.Settings{Mode: inventoryv1alpha1.LocationWise, Pools: []int64{0}, Digest: "sync", Locations: []syncstate.Location{selected("wd")}}
	b.ch.Status.Epochs = []inventoryv1alpha1.ChannelEpoch{{Number: 7, Digest: settings.EpochDigest()}}
	later := metav1.NewTime(clock.Now().Add(time.Hour))
	b.store.PutSnapshot(&inventoryv1alpha1.InventorySnapshot{
		ObjectMeta:   metav1.ObjectMeta{Namespace: b.ch.Namespace, Name: "wd-0-x", ResourceVersion: "900"},
		LocationName: "wd", Revision: "800", To: "m",
		SKUs: quantities{"done": 1, "due": 2, "failed": 3, "later": 4, "log": 5},
		Channels: []inventoryv1alpha1.SnapshotChannel{{
			Name: "shop", Epoch: 7, Pending: []string{"due"},
			Failures: []inventoryv1alpha1.SKUFailure{
				{SKU: "failed", State: inventoryv1alpha1.SyncFailed, Reason: "UnknownSKU", Attempts: 2},
				{SKU: "later", State: inventoryv1alpha1.SyncRetrying, Reason: "NotConfirmed", Attempts: 1, NextAttemptTime: &later},
			},
		}},
	})
	b.store.PutSnapshot(&inventoryv1alpha1.InventorySnapshot{ // has never been given to the channel
		ObjectMeta:   metav1.ObjectMeta{Namespace: b.ch.Namespace, Name: "wd-0-y", ResourceVersion: "901"},
		LocationName: "wd", Revision: "800", From: "m", SKUs: quantities{"new": 6},
	})
	b.send("wd", 0, quantities{"log": 50})
	b.configure("1", selected("wd"))
	b.stepUntil(clock, time.Millisecond, "what is due to be pushed", func() bool { return b.report().Pending == 1 })
	b.want("CODE-wd", "due", 2)
	b.want("CODE-wd", "log", 50)
	b.want("CODE-wd", "new", 6)
	for _, sku := range []string{"done", "failed", "later"} {
		if _, pushed := b.shop.quantity("CODE-wd", sku); pushed {
			t.Errorf("%s was pushed, though it was not due", sku)
		}
	}
	if n := b.report().Failed; n != 1 {
		t.Errorf("%d failed, want 1", n)
	}
	b.stepUntil(clock, time.Minute, "the retry", func() bool { return b.report().Pending == 0 })
	b.want("CODE-wd", "later", 4)
}

// TestNewConfigurationIsPushedEverything changes what decides the destination.
func TestNewConfigurationIsPushedEverything(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1, "b": 2})
	b.settled()
	other := newShop()
	b.configureWith(Config{Connector: other, Digest: "2"}, "another", nil, selected("wd"))
	b.settled()
	for sku, want := range map[string]int64{"a": 1, "b": 2} {
		if got, ok := other.quantity("CODE-wd", sku); !ok || got != want {
			t.Errorf("the new destination has %d of %s, want %d", got, sku, want)
		}
	}
}

// TestEmptyLocationIsWithdrawnAtOnce must not wait for a push that never comes.
func TestEmptyLocationIsWithdrawnAtOnce(t *testing.T) {
	t.Parallel()
	b := newHarness(t, nil)
	b.configure("1", selected("wd"), selected("empty"))
	b.configure("1", selected("wd"), deselected("empty"))
	if left := b.report().Withdrawing; len(left) != 0 {
		t.Errorf("still withdrawing %v", left)
	}
}
