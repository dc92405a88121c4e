package budget

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"
)

// want is one kind of write that a tenant wants all the time.
type want struct {
	kind   Kind
	tenant string
}

// spend lets writers want writes for ten seconds, and returns how many each got in the last nine of them.
func spend(t *testing.T, perSecond float64, pressed func() bool, wants ...want) map[want]int {
	t.Helper()
	got := map[want]int{}
	synctest.Test(t, func(t *testing.T) {
		b := New(perSecond, pressed, clock.RealClock{})
		counts := make([]atomic.Int64, len(wants))
		ctx, cancel := context.WithCancel(t.Context())
		var writers sync.WaitGroup
		for i, w := range wants {
			for range 3 { // of each
				writers.Go(func() {
					for b.Wait(ctx, w.kind, w.tenant) == nil {
						counts[i].Add(1)
					}
				})
			}
		}
		<-time.After(time.Second) // the burst is spent
		for i := range counts {
			counts[i].Store(0)
		}
		<-time.After(9*time.Second + time.Millisecond)
		for i, w := range wants {
			got[w] = int(counts[i].Load())
		}
		cancel()
		writers.Wait()
		<-time.After(time.Second) // whoever grants sees that nobody waits
	})
	return got
}

func TestShares(t *testing.T) {
	t.Parallel()
	snapshots, records := want{Snapshot, "a"}, want{Record, "a"}
	always := func() bool { return true }
	for name, tc := range map[string]struct {
		pressed func() bool
		wants   []want
		most    map[want]int // of 90 in all
	}{
		"alone":               {nil, []want{records}, map[want]int{records: 90}},
		"half and half":       {nil, []want{snapshots, records}, map[want]int{snapshots: 45, records: 45}},
		"the log grows":       {always, []want{snapshots, records}, map[want]int{snapshots: 90, records: 0}},
		"tenants take turns":  {nil, []want{records, {Record, "b"}, {Record, "c"}}, map[want]int{records: 30, {Record, "b"}: 30, {Record, "c"}: 30}},
		"tenants within half": {nil, []want{snapshots, records, {Record, "b"}}, map[want]int{snapshots: 45, records: 22, {Record, "b"}: 22}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := spend(t, 10, tc.pressed, tc.wants...)
			near := cmp.Comparer(func(a, b int) bool { return a-b <= 1 && b-a <= 1 })
			if diff := cmp.Diff(tc.most, got, near); diff != "" {
				t.Errorf("writes in nine seconds (-want +got):\n%s", diff)
			}
		})
	}
}

// TestGoneWaiters lets many give up, and one get its write all the same.
func TestGoneWaiters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := New(1, nil, clock.RealClock{})
		if err := b.Wait(t.Context(), Record, "a"); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var leaving sync.WaitGroup
		for range 100 {
			leaving.Go(func() {
				if err := b.Wait(ctx, Record, "a"); !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want that of the context", err)
				}
			})
		}
		synctest.Wait()
		cancel()
		leaving.Wait()
		began := time.Now()
		if err := b.Wait(t.Context(), Record, "b"); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited > 2*time.Second {
			t.Errorf("waited for %v behind those that had gone", waited)
		}
		synctest.Wait()
		if err := b.Wait(ctx, Record, "a"); err == nil {
			t.Error("a context that has ended gets a write")
		}
	})
}

// TestRecordsWaitWhileTheLogGrows writes them when it has room again.
func TestRecordsWaitWhileTheLogGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var pressed atomic.Bool
		pressed.Store(true)
		b := New(10, pressed.Load, clock.RealClock{})
		done := make(chan error, 1)
		go func() { done <- b.Wait(t.Context(), Record, "a") }()
		<-time.After(time.Minute)
		if len(done) > 0 {
			t.Fatal("a record was written while the log grew")
		}
		pressed.Store(false)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	})
}
