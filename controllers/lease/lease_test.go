package lease

import (
	"context"
	"errors"
	"testing"
	"time"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
	clocktesting "k8s.io/utils/clock/testing"
)

// record is a lock in memory, whose requests take a time and may fail.
type record struct {
	resourcelock.Interface
	clock *clocktesting.FakeClock
	takes time.Duration
	err   error
}

func (r *record) Identity() string { return "me" }

func (r *record) Create(context.Context, resourcelock.LeaderElectionRecord) error {
	r.clock.Step(r.takes)
	return r.err
}

func (r *record) Update(ctx context.Context, ler resourcelock.LeaderElectionRecord) error {
	return r.Create(ctx, ler)
}

func TestHeld(t *testing.T) {
	t.Parallel()
	mine, nobodys := resourcelock.LeaderElectionRecord{HolderIdentity: "me"}, resourcelock.LeaderElectionRecord{}
	c := clocktesting.NewFakeClock(time.Unix(1000, 0))
	inner := &record{clock: c}
	m := &Monitor{Clock: c}
	l := m.Lock(inner)
	want := func(held bool, when string) {
		t.Helper()
		if got := m.Held(); got != held {
			t.Errorf("%s: held %v, want %v", when, got, held)
		}
	}
	want(false, "before the election")
	if err := l.Create(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	want(true, "elected")
	c.Step(Duration - time.Second)
	want(true, "shortly before the end")
	inner.err = errors.New("no API server")
	if err := l.Update(t.Context(), mine); !errors.Is(err, inner.err) {
		t.Errorf("Update = %v, want %v", err, inner.err)
	}
	c.Step(time.Second)
	want(false, "not renewed in time")
	inner.err, inner.takes = nil, 4*time.Second
	if err := l.Update(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	want(true, "renewed after all")
	c.Step(Duration - 4*time.Second)
	want(false, "the request's own time counts")
	inner.takes = 0
	if err := l.Update(t.Context(), mine); err != nil {
		t.Fatal(err)
	}
	if err := l.Update(t.Context(), nobodys); err != nil {
		t.Fatal(err)
	}
	want(false, "given up")
}
