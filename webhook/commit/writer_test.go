package commit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

func TestOneCreateInFlight(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		first := write(t.Context(), w, of("ns", "loc", quantities{"a": 1, "b": 1}))
		alone := g.next(t)
		var later []<-chan []error
		for _, q := range []quantities{{"a": 2, "c": 2}, {"a": 3}, {"c": 4, "d": 4}} {
			later = append(later, write(t.Context(), w, of("ns", "loc", q)))
		}
		g.quiet(t)
		waits(t, first)
		alone.answer <- nil
		wantSuccess(t, first)

		group := g.next(t)
		g.quiet(t)
		for _, l := range later {
			waits(t, l)
		}
		group.answer <- nil
		for _, l := range later {
			wantSuccess(t, l)
		}
		wantRest(t, w)

		if diff := cmp.Diff(quantities{"a": 1, "b": 1}, alone.Quantities); diff != "" {
			t.Errorf("first snapshot (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(quantities{"a": 3, "c": 4, "d": 4}, group.Quantities); diff != "" {
			t.Errorf("second snapshot (-want +got):\n%s", diff)
		}
		if group.BatchCount != 3 || group.SKUCount != 3 {
			t.Errorf("second snapshot: %d batches, %d SKUs, want 3 and 3", group.BatchCount, group.SKUCount)
		}
		if group.Namespace != "ns" || group.LocationName != "loc" || !strings.HasPrefix(group.Name, "loc-0-") || group.Name == alone.Name {
			t.Errorf("second snapshot is %s/%s of %s, after %s", group.Namespace, group.Name, group.LocationName, alone.Name)
		}
	})
}

// TestLargeBatchesGoSideBySide has pages of three SKUs, which are large here, and smaller ones.
func TestLargeBatchesGoSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{MaxInFlight: 3, ParallelSKUs: 3, SnapshotSKUs: 3})
		page := func(q quantities) <-chan []error { return write(t.Context(), w, of("ns", "loc", q)) }
		first := page(quantities{"a": 1})
		alone := g.next(t)
		second := page(quantities{"b": 1, "c": 1, "d": 1})
		large := g.next(t) // other SKUs, and enough of them
		small := page(quantities{"x": 1})
		same := page(quantities{"c": 2, "y": 2, "z": 2})
		other := page(quantities{"c": 3, "e": 3, "f": 3})
		g.quiet(t) // x waits for company, c is in flight, and nobody overtakes
		large.answer <- nil
		wantSuccess(t, second)
		g.quiet(t)
		alone.answer <- nil
		wantSuccess(t, first)
		together := []*create{g.next(t), g.next(t)}
		g.quiet(t) // the last page has c, too
		slices.SortFunc(together, func(a, b *create) int { return len(a.Quantities) - len(b.Quantities) })
		if diff := cmp.Diff([]quantities{{"x": 1}, {"c": 2, "y": 2, "z": 2}}, []quantities{together[0].Quantities, together[1].Quantities}); diff != "" {
			t.Errorf("side by side (-want +got):\n%s", diff)
		}
		for _, c := range together {
			c.answer <- nil
		}
		wantSuccess(t, small)
		wantSuccess(t, same)
		last := g.next(t)
		last.answer <- nil
		wantSuccess(t, other)
		if diff := cmp.Diff(quantities{"c": 3, "e": 3, "f": 3}, last.Quantities); diff != "" {
			t.Errorf("last snapshot (-want +got):\n%s", diff)
		}
		wantRest(t, w)
	})
}

func TestNamedCommitGoesAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		named := of("ns", "loc", quantities{"a": 3})
		named.Name, named.Digest = "idem", "digest"
		var answers []<-chan []error
		for _, c := range []Commit{
			of("ns", "loc", quantities{"a": 1}), // is in flight while the others arrive
			of("ns", "loc", quantities{"a": 2}),
			named,
			of("ns", "loc", quantities{"a": 4}),
			of("ns", "loc", quantities{"a": 5}),
		} {
			answers = append(answers, write(t.Context(), w, c))
		}
		type snapshot struct {
			A       inventoryv1alpha1.Quantity
			Batches int32
			Named   bool
			Digest  string
		}
		var got []snapshot
		for range 4 {
			c := g.next(t)
			got = append(got, snapshot{c.Quantities["a"], c.BatchCount, c.Name == "idem", c.RequestDigest})
			c.answer <- nil
		}
		want := []snapshot{{1, 1, false, ""}, {2, 1, false, ""}, {3, 1, true, "digest"}, {5, 2, false, ""}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("snapshots (-want +got):\n%s", diff)
		}
		for _, a := range answers {
			wantSuccess(t, a)
		}
		wantRest(t, w)
	})
}

// TestShares has room for 16 SKUs: 8 for a namespace, 4 for a lane.
func TestShares(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		held  []Commit
		probe Commit
		want  error
	}{
		"lane has room":      {[]Commit{of("a", "1", skus(3))}, of("a", "1", skus(1)), nil},
		"lane is full":       {[]Commit{of("a", "1", skus(3))}, of("a", "1", skus(2)), ErrSaturated},
		"another lane":       {[]Commit{of("a", "1", skus(4))}, of("a", "2", skus(4)), nil},
		"namespace is full":  {[]Commit{of("a", "1", skus(4)), of("a", "2", skus(4))}, of("a", "3", skus(1)), ErrSaturated},
		"another namespace":  {[]Commit{of("a", "1", skus(4)), of("a", "2", skus(4))}, of("b", "1", skus(4)), nil},
		"everything is full": {[]Commit{of("a", "1", skus(4)), of("a", "2", skus(4)), of("b", "1", skus(4)), of("b", "2", skus(3))}, of("c", "1", skus(2)), ErrSaturated},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, g := newGate(Options{PendingSKUs: 16})
				held := write(t.Context(), w, test.held...)
				waits(t, held)
				probe := write(t.Context(), w, test.probe)
				if test.want == nil {
					waits(t, probe)
				} else if errs := answered(t, probe); !errors.Is(errs[0], test.want) {
					t.Errorf("error %v, want %v", errs[0], test.want)
				}
				g.release()
				wantSuccess(t, held)
				wantRest(t, w)

				again := write(t.Context(), w, test.probe)
				g.release()
				wantSuccess(t, again)
			})
		})
	}
}

// TestSaturatedInPart shows that the commits of one request do not share their fate.
// TestFullLog turns the batches of one namespace away, and no others.
func TestFullLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{LogFull: func(namespace string) bool { return namespace == "full" }})
		answer := write(t.Context(), w, of("full", "1", skus(1)), of("a", "1", skus(1)))
		g.next(t).answer <- nil
		if errs := answered(t, answer); !errors.Is(errs[0], ErrLogFull) || errs[1] != nil {
			t.Errorf("errors %v, want the first to be ErrLogFull and no other", errs)
		}
		wantRest(t, w)
	})
}

func TestSaturatedInPart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{PendingSKUs: 16})
		request := write(t.Context(), w, of("a", "1", skus(1)), of("a", "2", skus(5)), of("a", "3", skus(1)))
		g.release()
		errs := answered(t, request)
		if errs[0] != nil || !errors.Is(errs[1], ErrSaturated) || errs[2] != nil {
			t.Errorf("errors %v, want only the second one saturated", errs)
		}
		wantRest(t, w)
	})
}

func TestStuckLaneDelaysNobody(t *testing.T) {
	t.Parallel()
	pool := of("stuck", "1", skus(1))
	pool.PoolID = 7
	for name, other := range map[string]Commit{
		"another namespace": of("other", "1", skus(1)),
		"another location":  of("stuck", "2", skus(1)),
		"another pool":      pool,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, g := newGate(Options{})
				stuck := write(t.Context(), w, of("stuck", "1", skus(1)))
				held := g.next(t)
				for range 3 {
					sent := write(t.Context(), w, other)
					g.next(t).answer <- nil
					wantSuccess(t, sent)
				}
				waits(t, stuck)
				held.answer <- nil
				wantSuccess(t, stuck)
				wantRest(t, w)
			})
		})
	}
}

// TestSenderGoesAway also shows that what was taken up is stored, and what was not is not.
func TestSenderGoesAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		ctx, cancel := context.WithCancel(t.Context())
		inFlight := write(ctx, w, of("ns", "loc", quantities{"a": 1}))
		held := g.next(t)
		queued := write(ctx, w, of("ns", "loc", quantities{"a": 2}), of("ns", "loc", quantities{"b": 2}))
		other := write(t.Context(), w, of("ns", "loc", quantities{"c": 3}))
		cancel()
		for _, answer := range []<-chan []error{inFlight, queued} {
			for _, err := range answered(t, answer) {
				if !errors.Is(err, ErrUnavailable) || !errors.Is(err, context.Canceled) {
					t.Errorf("error %v, want %v: %v", err, ErrUnavailable, context.Canceled)
				}
			}
		}
		waits(t, other)
		held.answer <- nil
		next := g.next(t)
		if diff := cmp.Diff(quantities{"c": 3}, next.Quantities); diff != "" {
			t.Errorf("next snapshot (-want +got):\n%s", diff)
		}
		next.answer <- nil
		wantSuccess(t, other)
		g.quiet(t)
		wantRest(t, w)
	})
}

func TestMaxWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{MaxWait: 7 * time.Second, CreateTimeout: time.Hour})
		first := write(t.Context(), w, of("ns", "1", quantities{"a": 1}))
		held := g.next(t)
		began := time.Now()
		var errs []error
		answer := write(t.Context(), w, of("ns", "1", quantities{"a": 2}), of("ns", "2", quantities{"b": 2}), of("ns", "3", quantities{"c": 2}))
		for range 2 {
			if c := g.next(t); c.LocationName == "2" {
				c.answer <- nil // stored in time; the third one is in flight and the first one waits
			}
		}
		errs = <-answer
		if waited := time.Since(began); waited != 7*time.Second {
			t.Errorf("the sender waited %s for all of them, want 7s", waited)
		}
		if !errors.Is(errs[0], ErrUnavailable) || errs[1] != nil || !errors.Is(errs[2], ErrUnavailable) {
			t.Errorf("errors %v, want only the second one stored", errs)
		}
		<-first
		held.answer <- nil
		g.quiet(t) // what the sender was told is not stored is not stored later
		if err := w.Close(deadline(t, time.Second)); err == nil {
			t.Error("Close says that all is stored, while the third one is in flight")
		}
		wantRest(t, w)
	})
}

func deadline(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

func TestClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		inFlight := write(t.Context(), w, of("ns", "loc", skus(1)))
		queued := write(t.Context(), w, of("ns", "loc", skus(2)))
		closed := make(chan error, 1)
		go func() { closed <- w.Close(t.Context()) }()
		synctest.Wait()
		for _, late := range []Commit{of("ns", "loc", skus(1)), of("ns", "new", skus(1))} {
			if errs := answered(t, write(t.Context(), w, late)); !errors.Is(errs[0], ErrUnavailable) {
				t.Errorf("commit for %s while closing: error %v, want %v", late.LocationName, errs[0], ErrUnavailable)
			}
		}
		g.next(t).answer <- nil
		last := g.next(t)
		select {
		case err := <-closed:
			t.Fatalf("Close returned %v before all was stored", err)
		default:
		}
		last.answer <- nil
		if err := <-closed; err != nil {
			t.Errorf("Close: %v", err)
		}
		wantSuccess(t, inFlight)
		wantSuccess(t, queued)
		wantRest(t, w)
	})
}

func TestCloseGivesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{CreateTimeout: time.Hour, MaxWait: time.Hour})
		inFlight := write(t.Context(), w, of("ns", "loc", skus(1)))
		g.next(t)
		queued := write(t.Context(), w, of("ns", "loc", skus(2)))
		if err := w.Close(deadline(t, 3*time.Second)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: error %v, want %v", err, context.DeadlineExceeded)
		}
		for _, answer := range []<-chan []error{inFlight, queued} {
			if errs := answered(t, answer); !errors.Is(errs[0], ErrUnavailable) {
				t.Errorf("error %v, want %v", errs[0], ErrUnavailable)
			}
		}
		wantRest(t, w)
	})
}

// TestGroupSharesError also shows that a failure does not stop the lane.
func TestGroupSharesError(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer, want error
	}{
		"refused":      {errInvalid, errInvalid},
		"not executed": {errDial, ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, g := newGate(Options{})
				first := write(t.Context(), w, of("ns", "loc", quantities{"a": 1}))
				held := g.next(t)
				second := write(t.Context(), w, of("ns", "loc", quantities{"a": 2}))
				third := write(t.Context(), w, of("ns", "loc", quantities{"a": 3}))
				held.answer <- nil
				group := g.next(t)
				fourth := write(t.Context(), w, of("ns", "loc", quantities{"a": 4}))
				group.answer <- test.answer
				for _, answer := range []<-chan []error{second, third} {
					if errs := answered(t, answer); !errors.Is(errs[0], test.want) {
						t.Errorf("error %v, want %v", errs[0], test.want)
					}
				}
				g.release()
				wantSuccess(t, first)
				wantSuccess(t, fourth)
				wantRest(t, w)
			})
		})
	}
}

// TestLaneWaitsForSettlement shows that nothing overtakes a create with unknown outcome, however
// long the API server is away.
func TestLaneWaitsForSettlement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{MaxWait: time.Hour, CreateTimeout: time.Second})
		first := write(t.Context(), w, of("ns", "loc", quantities{"a": 1}))
		lost := g.next(t)
		second := write(t.Context(), w, of("ns", "loc", quantities{"a": 2}))
		began := time.Now()
		const attempts = 20
		for range attempts { // the create and the attempts after it all time out
			c := <-g.creates
			if c.Name != lost.Name || len(c.Quantities) != 0 || c.BatchCount != 0 || c.LocationName != "loc" {
				t.Fatalf("create of %s with %v, want an empty record named %s", c.Name, c.Quantities, lost.Name)
			}
		}
		// Eight pauses grow from 50 ms to 5 s, with a fifth of jitter at most.
		atMost := attempts*time.Second + time.Duration(1.2*float64(7*time.Second+attempts*settleBackoff.Cap))
		if took := time.Since(began); took < attempts*time.Second || took > atMost {
			t.Errorf("%d attempts took %s, want %s to %s", attempts, took, attempts*time.Second, atMost)
		}
		waits(t, first)
		waits(t, second)

		prevent := <-g.creates
		prevent.answer <- nil
		if errs := answered(t, first); !errors.Is(errs[0], ErrUnavailable) {
			t.Errorf("error %v, want %v", errs[0], ErrUnavailable)
		}
		g.next(t).answer <- nil
		wantSuccess(t, second)
		wantRest(t, w)
	})
}

func TestCloseAbandonsSettlement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		sent := write(t.Context(), w, of("ns", "loc", skus(1)))
		g.next(t).answer <- context.DeadlineExceeded
		for range 3 {
			c := <-g.creates
			c.answer <- errDial
		}
		if err := w.Close(deadline(t, time.Millisecond)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: error %v, want %v", err, context.DeadlineExceeded)
		}
		if errs := answered(t, sent); !errors.Is(errs[0], ErrUnavailable) {
			t.Errorf("error %v, want %v", errs[0], ErrUnavailable)
		}
		wantRest(t, w)
	})
}
