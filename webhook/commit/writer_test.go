package commit

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

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

		if diff := cmp.Diff(quantities{"a": 1, "b": 1}, flat(alone.InventoryBatch)); diff != "" {
			t.Errorf("first batch (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(quantities{"a": 3, "c": 4, "d": 4}, flat(group.InventoryBatch)); diff != "" {
			t.Errorf("second batch (-want +got):\n%s", diff)
		}
		if group.RequestCount != 3 || group.SKUCount != 5 {
			t.Errorf("second batch: %d requests, %d SKUs, want 3 and 5", group.RequestCount, group.SKUCount)
		}
		if group.Namespace != "ns" || !strings.HasPrefix(group.Name, "loc-") || group.Name == alone.Name {
			t.Errorf("second batch is %s/%s, after %s", group.Namespace, group.Name, alone.Name)
		}
	})
}

// TestLargeBatchesGoSideBySide has pages of three SKUs, which are large here, and smaller ones.
func TestLargeBatchesGoSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{MaxInFlight: 3, ParallelSKUs: 3, BatchSKUs: 3})
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
		slices.SortFunc(together, func(a, b *create) int { return int(a.SKUCount - b.SKUCount) })
		if diff := cmp.Diff([]quantities{{"x": 1}, {"c": 2, "y": 2, "z": 2}}, []quantities{flat(together[0].InventoryBatch), flat(together[1].InventoryBatch)}); diff != "" {
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
		if diff := cmp.Diff(quantities{"c": 3, "e": 3, "f": 3}, flat(last.InventoryBatch)); diff != "" {
			t.Errorf("last batch (-want +got):\n%s", diff)
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
		type batch struct {
			A        inventoryv1alpha1.Quantity
			Requests int32
			Named    bool
			Digest   string
		}
		var got []batch
		for range 4 {
			c := g.next(t)
			got = append(got, batch{flat(c.InventoryBatch)["a"], c.RequestCount, c.Name == "idem", c.Requests[0].Digest})
			c.answer <- nil
		}
		want := []batch{{1, 1, false, ""}, {2, 1, false, ""}, {3, 1, true, "digest"}, {5, 2, false, ""}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("batches (-want +got):\n%s", diff)
		}
		for _, a := range answers {
			wantSuccess(t, a)
		}
		wantRest(t, w)
	})
}

// TestShares has room for 16 SKUs: 8 for a namespace, 4 for a location and pool.
func TestShares(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		held  []Commit
		probe Commit
		want  error
	}{
		"location has room":  {[]Commit{of("a", "1", skus(3))}, of("a", "1", skus(1)), nil},
		"location is full":   {[]Commit{of("a", "1", skus(3))}, of("a", "1", skus(2)), ErrSaturated},
		"another location":   {[]Commit{of("a", "1", skus(4))}, of("a", "2", skus(4)), nil},
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

// TestSaturatedInPart shows that the commits of one request do not share their fate.
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

// TestStuckCreate delays nobody in another namespace, and the rest of its own only for as long as the patience lasts.
func TestStuckCreate(t *testing.T) {
	t.Parallel()
	pool := of("stuck", "1", skus(1))
	pool.Stock[0].PoolID = 7
	for name, test := range map[string]struct {
		other Commit
		wait  time.Duration
	}{
		"another namespace": {of("other", "1", skus(1)), 0},
		"another location":  {of("stuck", "2", skus(1)), time.Second},
		"another pool":      {pool, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w, g := newGate(Options{Patience: time.Second})
				stuck := write(t.Context(), w, of("stuck", "1", skus(1)))
				held := g.next(t)
				same := write(t.Context(), w, of("stuck", "1", skus(1)))
				for range 3 {
					began := time.Now()
					sent := write(t.Context(), w, test.other)
					c := <-g.creates
					if waited := time.Since(began); waited != test.wait {
						t.Errorf("waited %s, want %s", waited, test.wait)
					}
					c.answer <- nil
					wantSuccess(t, sent)
				}
				waits(t, stuck)
				waits(t, same) // nothing overtakes the same SKU
				held.answer <- nil
				wantSuccess(t, stuck)
				g.release()
				wantSuccess(t, same)
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
		if diff := cmp.Diff(quantities{"c": 3}, flat(next.InventoryBatch)); diff != "" {
			t.Errorf("next batch (-want +got):\n%s", diff)
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
		answer := write(t.Context(), w, of("ns", "1", quantities{"a": 2}), of("ns2", "2", quantities{"b": 2}), of("ns3", "3", quantities{"c": 2}))
		for range 2 {
			if c := g.next(t); c.Namespace == "ns2" {
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
				t.Errorf("commit for %s while closing: error %v, want %v", late.Stock[0].LocationName, errs[0], ErrUnavailable)
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

// TestGroupFails also shows that a failure does not stop the lane.
func TestGroupFails(t *testing.T) {
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
		group.answer <- errDial
		for _, answer := range []<-chan []error{second, third} {
			if errs := answered(t, answer); !errors.Is(errs[0], ErrUnavailable) {
				t.Errorf("error %v, want %v", errs[0], ErrUnavailable)
			}
		}
		g.release()
		wantSuccess(t, first)
		wantSuccess(t, fourth)
		wantRest(t, w)
	})
}

// TestRefusedGroup has one batch that the API server refuses, whatever it is stored with.
func TestRefusedGroup(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		first := write(t.Context(), w, of("ns", "loc", quantities{"a": 1}))
		held := g.next(t)
		var later []<-chan []error
		for _, location := range []string{"1", "2", "bad", "4", "5"} {
			later = append(later, write(t.Context(), w, of("ns", location, quantities{"a": 2})))
		}
		held.answer <- nil
		wantSuccess(t, first)
		var stored [][]string
		for range 5 {
			c := g.next(t)
			var of []string
			for _, s := range c.Stock {
				of = append(of, s.LocationName)
			}
			if slices.Contains(of, "bad") {
				c.answer <- errInvalid
				continue
			}
			stored = append(stored, of)
			c.answer <- nil
		}
		g.quiet(t)
		if diff := cmp.Diff([][]string{{"1", "2"}, {"4", "5"}}, stored); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
		for i, l := range later {
			if errs := answered(t, l); (errs[0] != nil) != (i == 2) || i == 2 && !errors.Is(errs[0], errInvalid) {
				t.Errorf("batch %d: error %v", i, errs[0])
			}
		}
		wantRest(t, w)
	})
}

// TestNamespaceGone does not look for whose fault it is.
func TestNamespaceGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, g := newGate(Options{})
		first := write(t.Context(), w, of("ns", "loc", quantities{"a": 1}))
		held := g.next(t)
		second := write(t.Context(), w, of("ns", "loc", quantities{"b": 2}))
		third := write(t.Context(), w, of("ns", "loc", quantities{"c": 3}))
		held.answer <- nil
		wantSuccess(t, first)
		gone := apierrors.NewNotFound(schema.GroupResource{Resource: "namespaces"}, "ns")
		g.next(t).answer <- gone
		for _, answer := range []<-chan []error{second, third} {
			if errs := answered(t, answer); !errors.Is(errs[0], gone) {
				t.Errorf("error %v, want %v", errs[0], gone)
			}
		}
		wantRest(t, w)
	})
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
			if c.Name != lost.Name || len(flat(c.InventoryBatch)) != 0 || c.RequestCount != 0 {
				t.Fatalf("create of %s with %v, want an empty record named %s", c.Name, flat(c.InventoryBatch), lost.Name)
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

// TestLinger has senders that come back as soon as they are answered.
func TestLinger(t *testing.T) {
	t.Parallel()
	crowd := func(t *testing.T, w *Writer, n int) (answers []<-chan []error) {
		for i := range n {
			answers = append(answers, write(t.Context(), w, of("ns", strconv.Itoa(i), quantities{"a": 1})))
		}
		return answers
	}
	// begin has a create of one batch answered after 10 ms, and then one of a crowd's.
	begin := func(t *testing.T, n int) (*Writer, *gate) {
		w, g := newGate(Options{})
		write(t.Context(), w, of("ns", "first", quantities{"a": 1}))
		first := g.next(t)
		answers := crowd(t, w, n)
		first.answer <- nil
		group := g.next(t)
		<-time.After(10 * time.Millisecond)
		group.answer <- nil
		for _, a := range answers {
			wantSuccess(t, a)
		}
		return w, g
	}
	t.Run("until most are back", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, g := begin(t, 16)
			crowd(t, w, 13)
			g.quiet(t)
			crowd(t, w, 1)
			if c := g.next(t); c.RequestCount != 14 {
				t.Errorf("%d requests go together, want 14", c.RequestCount)
			} else {
				c.answer <- nil
			}
			wantRest(t, w)
		})
	})
	t.Run("as long as the last one took", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, g := begin(t, 16)
			began := time.Now()
			crowd(t, w, 1)
			c := <-g.creates
			if waited := time.Since(began); waited != 10*time.Millisecond {
				t.Errorf("waited %s, want 10ms", waited)
			}
			c.answer <- nil
			alone := write(t.Context(), w, of("ns", "x", quantities{"a": 1}))
			g.next(t).answer <- nil // one sender is no crowd
			wantSuccess(t, alone)
			wantRest(t, w)
		})
	})
	t.Run("not while closing", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, g := begin(t, 16)
			back := crowd(t, w, 1)
			closed := make(chan error, 1)
			go func() { closed <- w.Close(t.Context()) }()
			g.next(t).answer <- nil
			wantSuccess(t, back[0])
			if err := <-closed; err != nil {
				t.Errorf("Close: %v", err)
			}
		})
	})
	t.Run("not when the sender gives up", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			w, g := begin(t, 16)
			ctx, cancel := context.WithCancel(t.Context())
			write(ctx, w, of("ns", "x", quantities{"a": 1}))
			cancel()
			<-time.After(time.Second)
			g.quiet(t)
			wantRest(t, w)
		})
	})
}
