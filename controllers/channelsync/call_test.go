package channelsync

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func labelSelector(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

// TestIdempotencyKeys repeats a call that failed, and then sends other quantities and back.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, nil)
	b.shop.set(func(channel.Batch) (channel.Result, error) {
		return channel.Result{}, channel.NewError(channel.Retry, "Status500", "broken")
	})
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1})
	first := b.call().IdempotencyKey
	if _, err := uuid.Parse(first); err != nil {
		t.Errorf("key %q: %v, want a UUID", first, err)
	}
	b.stepUntil(clock, time.Second, "the call to be repeated", func() bool { return len(b.shop.calls) > 0 })
	if again := b.call().IdempotencyKey; again != first {
		t.Errorf("the repeated call has the key %s, want %s again", again, first)
	}
	b.shop.set(nil)
	b.stepUntil(clock, time.Second, "the call to succeed", func() bool { return b.report().Pending == 0 })
	seen := map[string]bool{first: true}
	for len(b.shop.calls) > 0 {
		b.call()
	}
	for _, quantity := range []inventoryv1alpha1.Quantity{2, 1} {
		b.send("wd", 0, quantities{"a": quantity})
		b.stepUntil(clock, time.Second, "the change to be pushed", func() bool { return b.report().Pending == 0 })
		key := b.call().IdempotencyKey
		if seen[key] {
			t.Errorf("quantity %d has the key of an earlier change", quantity)
		}
		seen[key] = true
	}
}

// TestOnlyTheHolderCalls takes the Lease from a leader that does not know of it yet, and gives it back.
func TestOnlyTheHolderCalls(t *testing.T) {
	t.Parallel()
	var held atomic.Bool
	b, clock := newStoppedHarness(t, func(*inventoryv1alpha1.Channel) {})
	b.term.Held = held.Load
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1})
	b.await("the push to be refused", func() bool { e := b.report().LastError; return e != nil && e.Reason == "NotLeading" })
	if n := len(b.shop.calls); n > 0 {
		t.Errorf("the channel got %d calls of a leader without its Lease", n)
	}
	held.Store(true)
	b.stepUntil(clock, time.Second, "the change to be pushed", func() bool { return b.report().Pending == 0 })
	if q := b.call().Items[0].Quantity; q != 1 {
		t.Errorf("quantity %d, want 1", q)
	}
}

// TestUnmappedSKUIsTriedAgain creates an item on the channel some time after it was first pushed.
func TestUnmappedSKUIsTriedAgain(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, nil)
	b.shop.set(func(channel.Batch) (channel.Result, error) {
		return channel.Result{Failures: map[int]*channel.Error{0: channel.NewError(channel.Unmapped, "UnknownSKU", "no such SKU")}}, nil
	})
	b.configure("1", selected("wd"))
	b.send("wd", 0, quantities{"a": 1})
	b.stepUntil(clock, time.Millisecond, "the SKU to fail", func() bool { return b.report().Failed == 1 })
	listed := b.listed("wd", quantities{"a": 1})[0].Failures[0]
	if listed.State != inventoryv1alpha1.SyncFailed || listed.NextAttemptTime == nil || listed.NextAttemptTime.Sub(clock.Now()) < unmappedPause/2 {
		t.Errorf("listed as %+v, want Failed with an attempt in %v or so", listed, unmappedPause)
	}
	b.shop.set(nil)
	b.stepUntil(clock, time.Minute, "the SKU to be pushed", func() bool {
		r := b.report()
		return r.Failed == 0 && r.Pending == 0
	})
	b.want("CODE-wd", "a", 1)
}

// TestCallsShrink lets the channel answer no call of more than 30 SKUs in time.
func TestCallsShrink(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, nil)
	b.shop.set(func(batch channel.Batch) (channel.Result, error) {
		if len(batch.Items) > 30 {
			return channel.Result{}, channel.NewError(channel.Retry, channel.ReasonTimeout, "no answer")
		}
		return channel.Result{}, nil
	})
	b.configure("1", selected("wd"))
	many := quantities{}
	for i := range 100 {
		many[string(rune('a'+i%26))+string(rune('a'+i/26))] = 1
	}
	b.send("wd", 0, many)
	b.stepUntil(clock, time.Second, "everything to be pushed", func() bool { return b.report().Pending == 0 })
	var sizes []int
	for len(b.shop.calls) > 0 {
		sizes = append(sizes, len(b.call().Items))
	}
	if len(sizes) < 3 || sizes[0] != 100 || sizes[1] != 50 || sizes[2] != 25 {
		t.Errorf("calls of %v items, want 100, 50, 25 and so on", sizes)
	}
}
