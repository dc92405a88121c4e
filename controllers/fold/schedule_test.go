package fold

import (
	"testing"
	"time"

	clocktesting "k8s.io/utils/clock/testing"

	"tallyman.dev/tallyman/controllers/ledger"
)

// TestDue has a location that changes, and looks how long it waits for its fold.
func TestDue(t *testing.T) {
	t.Parallel()
	clock := clocktesting.NewFakeClock(time.Unix(0, 0))
	key := ledger.LocationKey{Namespace: "ns", Name: "wd003"}
	s := newSchedule(clock)
	begin := func(ledger.LocationKey) (ledger.Begun, bool) { return ledger.Begun{Pools: []int64{0}}, true }
	want := func(due time.Duration) {
		t.Helper()
		if got := s.due(key); got != due {
			t.Errorf("due in %s, want %s", got, due)
		}
	}
	want(0) // nothing is known of it
	s.changed(key)
	want(foldDelay)
	clock.Step(foldDelay / 2)
	s.changed(key)
	want(foldDelay) // it is not quiet
	for range 100 {
		clock.Step(foldPatience / 100)
		s.changed(key)
	}
	want(-foldDelay / 2) // and has waited long enough
	s.pass(key, begin)
	s.changed(key)
	want(0) // the pass goes on, whatever comes
	s.end(key)
	want(foldDelay) // it came behind the pass
}
