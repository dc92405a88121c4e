package ledger

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
	clocktesting "k8s.io/utils/clock/testing"
)

// unfoldedStore is a store with batches at revisions 10 to 50 of one SKU each.
func unfoldedStore() *Store {
	s := NewStore()
	for revision := 10; revision <= 50; revision += 10 {
		s.ApplyBatch(batch(revision, quantities{"a": 1}))
	}
	return s
}

func TestBackpressure(t *testing.T) {
	t.Parallel()
	one := int64(batch(10, quantities{"a": 1}).Bytes())
	for name, tc := range map[string]struct {
		limits           LogLimits
		folded, reported uint64
		want             bool
	}{
		"room":                           {LogLimits{12, 12 * one}, 0, 0, false},
		"too many for a namespace":       {LogLimits{10, 100 * one}, 0, 0, true},
		"too large for a namespace":      {LogLimits{100, 10 * one}, 0, 0, true},
		"too many, but some are folded":  {LogLimits{10, 100 * one}, 10, 0, false},
		"folded by another replica":      {LogLimits{10, 100 * one}, 0, 10, false},
		"all folded, and the limit tiny": {LogLimits{2, 2 * one}, 50, 0, false},
		"one is left of a tiny limit":    {LogLimits{2, 100 * one}, 40, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := unfoldedStore()
			s.Sections().End(testKey, tc.folded)
			s.report(testKey, tc.reported)
			b := NewBackpressure(s.Log(), tc.limits, clocktesting.NewFakeClock(time.Unix(0, 0)))
			if got := b.Full(testNamespace); got != tc.want {
				t.Errorf("full: %v, want %v", got, tc.want)
			}
			if b.Full("another") != (tc.limits.Batches <= 5 && tc.folded == 0) {
				t.Error("another namespace suffers from this one")
			}
		})
	}
}

func TestBackpressureTellsOfChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := unfoldedStore()
		b := NewBackpressure(s.Log(), LogLimits{10, 1 << 20}, clock.RealClock{})
		changes := make(chan string)
		go b.Watch(t.Context(), func(namespace string) { changes <- namespace })
		if got := <-changes; got != testNamespace {
			t.Errorf("namespace %q is full, want %q", got, testNamespace)
		}
		s.Sections().End(testKey, 50)
		if got := <-changes; got != testNamespace {
			t.Errorf("namespace %q has room again, want %q", got, testNamespace)
		}
		select {
		case got := <-changes:
			t.Errorf("namespace %q has changed, though nothing has", got)
		case <-time.After(5 * backpressureInterval):
		}
	})
}

func TestExcess(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		limits LogLimits
		folded uint64
		want   []string
	}{
		"within":                    {LogLimits{6, 1 << 20}, 50, nil},
		"too many":                  {LogLimits{4, 1 << 20}, 50, []string{"snap-10", "snap-20"}},
		"too large":                 {LogLimits{100, 4 * int64(batch(10, quantities{"a": 1}).Bytes())}, 50, []string{"snap-10", "snap-20"}},
		"too many, but not folded":  {LogLimits{2, 1 << 20}, 10, []string{"snap-10"}},
		"too many and none is safe": {LogLimits{2, 1 << 20}, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := unfoldedStore()
			s.Sections().End(testKey, tc.folded)
			var got []string
			for _, key := range s.Log().Excess(tc.limits) {
				got = append(got, key.Name)
			}
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("excess (-want +got):\n%s", diff)
			}
		})
	}
}
