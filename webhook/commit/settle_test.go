package commit

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// batch is what the tests below store; tombstoned is how they see a record that only takes a name.
var (
	batch      = quantities{"a": 1, "b": 2}
	tombstoned = quantities{}
)

// stock returns the quantities of every batch of a namespace by name.
func stock(t *testing.T, namespace string) map[string]quantities {
	t.Helper()
	list := &inventoryv1alpha1.InventoryBatchList{}
	if err := env.Client.List(t.Context(), list, client.InNamespace(namespace)); err != nil {
		t.Fatalf("list: %v", err)
	}
	byName := map[string]quantities{}
	for i := range list.Items {
		s := &list.Items[i]
		byName[s.Name] = flat(s)
		if tombstone(s) != (len(flat(s)) == 0) {
			t.Errorf("%s has %d requests and %d SKUs", s.Name, s.RequestCount, len(flat(s)))
		}
	}
	return byName
}

func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults       []fault
		want         error
		wantStored   quantities // of the one batch; nil for none
		wantRequests string
	}{
		"answered":                        {nil, nil, batch, "POST"},
		"request lost":                    {[]fault{lost}, ErrUnavailable, tombstoned, "POST POST"},
		"answer lost":                     {[]fault{unanswered}, nil, batch, "POST POST GET"},
		"504 before it is executed":       {[]fault{answer(504, false)}, ErrUnavailable, tombstoned, "POST POST"},
		"504 after it is executed":        {[]fault{answer(504, true)}, nil, batch, "POST POST GET"},
		"500 with Retry-After, before":    {[]fault{answer(500, false, "Retry-After", "0")}, ErrUnavailable, tombstoned, "POST POST"},
		"500 with Retry-After, after":     {[]fault{answer(500, true, "Retry-After", "0")}, nil, batch, "POST POST GET"},
		"executed twice":                  {[]fault{twice}, nil, batch, "POST POST GET"},
		"not connected":                   {[]fault{unreachable}, ErrUnavailable, nil, "POST"},
		"turned away":                     {[]fault{answer(429, false)}, ErrUnavailable, nil, "POST"},
		"turned away for a while":         {[]fault{answer(429, false, "Retry-After", "0")}, nil, batch, "POST POST"},
		"lost, then down":                 {[]fault{lost, unreachable, answer(503, false), unreachable}, ErrUnavailable, tombstoned, "POST POST POST POST POST"},
		"answer lost, then down":          {[]fault{unanswered, unreachable, answer(503, false)}, nil, batch, "POST POST POST POST GET"},
		"answer lost, then forbidden":     {[]fault{unanswered, answer(403, false)}, nil, batch, "POST POST POST GET"},
		"lost, and the tombstone's too":   {[]fault{lost, lost}, ErrUnavailable, tombstoned, "POST POST POST"},
		"lost, tombstone unanswered":      {[]fault{lost, unanswered}, ErrUnavailable, tombstoned, "POST POST POST GET"},
		"answer lost, and the read fails": {[]fault{unanswered, pass, answer(504, true)}, nil, batch, "POST POST GET POST GET"},
		"lost, unanswered, read fails":    {[]fault{lost, unanswered, pass, answer(504, false)}, ErrUnavailable, tombstoned, "POST POST POST GET POST GET"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := env.Namespace(t)
			wire, c := newWire(t)
			w := New(Options{Client: c})
			wire.plan(test.faults...)
			if errs := w.Write(t.Context(), []Commit{of(ns, "loc", batch)}); !errors.Is(errs[0], test.want) {
				t.Errorf("error %v, want %v", errs[0], test.want)
			}
			if got := wire.made(); got != test.wantRequests {
				t.Errorf("requests %q, want %q", got, test.wantRequests)
			}
			var want, got []quantities
			if test.wantStored != nil {
				want = append(want, test.wantStored)
			}
			for _, q := range stock(t, ns) {
				got = append(got, q)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}

			wire.plan() // and the lane goes on
			if errs := w.Write(t.Context(), []Commit{of(ns, "loc", batch)}); errs[0] != nil {
				t.Errorf("next commit: %v", errs[0])
			}
			if err := w.Close(t.Context()); err != nil {
				t.Errorf("Close: %v", err)
			}
			wantNothingHeld(t, w)
		})
	}
}

func TestRefusedByTheServer(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	_, c := newWire(t)
	w := New(Options{Client: c})
	errs := w.Write(t.Context(), []Commit{of(ns, "loc", skus(inventoryv1alpha1.MaxBatchSKUs+1))})
	if !apierrors.IsInvalid(errs[0]) || errors.Is(errs[0], ErrUnavailable) {
		t.Errorf("error %v, want that it is invalid", errs[0])
	}
	if got := stock(t, ns); len(got) > 0 {
		t.Errorf("stored %v, want nothing", got)
	}
}

// TestLateCreate has a create that arrives when its sender has long been answered, and has sent
// newer quantities.
func TestLateCreate(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	wire, c := newWire(t)
	w := New(Options{Client: c})
	held := make(chan *http.Request, 1)
	wire.plan(delayed(held))
	if errs := w.Write(t.Context(), []Commit{of(ns, "loc", quantities{"a": 1})}); !errors.Is(errs[0], ErrUnavailable) {
		t.Fatalf("error %v, want %v", errs[0], ErrUnavailable)
	}
	if errs := w.Write(t.Context(), []Commit{of(ns, "loc", quantities{"a": 2})}); errs[0] != nil {
		t.Fatalf("newer quantities: %v", errs[0])
	}
	before := stock(t, ns)
	resp, err := wire.next.RoundTrip(<-held)
	if err != nil {
		t.Fatalf("late create: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusConflict {
		t.Errorf("late create: status %d, want %d", resp.StatusCode, http.StatusConflict)
	}
	if diff := cmp.Diff(before, stock(t, ns)); diff != "" {
		t.Errorf("the late create changed what is stored (-before +after):\n%s", diff)
	}
}

// attemptWith is a request with an idempotency key, and what becomes of it.
type attemptWith struct {
	faults   []fault
	digest   string
	location string
	quantity inventoryv1alpha1.Quantity
	want     error
}

func TestNamedCommit(t *testing.T) {
	t.Parallel()
	down := func(n int) (faults []fault) {
		for range n {
			faults = append(faults, pass, pass) // the name is taken, as the read tells
		}
		return append(faults, lost)
	}
	var usedUp []attemptWith
	wantUsedUp := map[string]quantities{}
	for n := range maxNames {
		usedUp = append(usedUp, attemptWith{down(n), "x", "loc", 1, ErrUnavailable})
		wantUsedUp[[]string{"idem", "idem-r1", "idem-r2", "idem-r3", "idem-r4", "idem-r5", "idem-r6", "idem-r7"}[n]] = tombstoned
	}
	usedUp = append(usedUp, attemptWith{nil, "x", "loc", 1, ErrUnavailable})

	for name, test := range map[string]struct {
		attempts []attemptWith
		want     map[string]quantities
	}{
		"repetition": {
			[]attemptWith{{nil, "x", "loc", 1, nil}, {nil, "x", "loc", 1, nil}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"other body": {
			[]attemptWith{{nil, "x", "loc", 1, nil}, {nil, "y", "loc", 2, ErrKeyReused}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"other location": {
			[]attemptWith{{nil, "x", "loc", 1, nil}, {nil, "x", "elsewhere", 1, ErrKeyReused}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"answer lost": {
			[]attemptWith{{[]fault{unanswered}, "x", "loc", 1, nil}, {nil, "x", "loc", 1, nil}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"repetition's answer lost": {
			[]attemptWith{{nil, "x", "loc", 1, nil}, {[]fault{unanswered}, "x", "loc", 1, nil}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"executed twice": {
			[]attemptWith{{[]fault{twice}, "x", "loc", 1, nil}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"name used up": {
			[]attemptWith{{[]fault{lost}, "x", "loc", 1, ErrUnavailable}, {nil, "x", "loc", 1, nil}, {nil, "x", "loc", 1, nil}, {nil, "y", "loc", 1, ErrKeyReused}},
			map[string]quantities{"idem": tombstoned, "idem-r1": {"a": 1}},
		},
		"key of a request that came to nothing": {
			[]attemptWith{{[]fault{lost}, "x", "loc", 1, ErrUnavailable}, {nil, "y", "loc", 2, nil}, {nil, "x", "loc", 1, ErrKeyReused}},
			map[string]quantities{"idem": tombstoned, "idem-r1": {"a": 2}},
		},
		"other body, and the request is lost": {
			[]attemptWith{{nil, "x", "loc", 1, nil}, {[]fault{lost}, "y", "loc", 2, ErrUnavailable}, {nil, "y", "loc", 2, ErrKeyReused}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"other location, and the request is lost": {
			[]attemptWith{{nil, "x", "loc", 1, nil}, {[]fault{lost}, "x", "elsewhere", 1, ErrUnavailable}, {nil, "x", "elsewhere", 1, ErrKeyReused}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"read fails": {
			[]attemptWith{{nil, "x", "loc", 1, nil}, {[]fault{pass, answer(504, false)}, "x", "loc", 1, ErrUnavailable}, {nil, "x", "loc", 1, nil}},
			map[string]quantities{"idem": {"a": 1}},
		},
		"every name used up": {usedUp, wantUsedUp},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ns := env.Namespace(t)
			wire, c := newWire(t)
			w := New(Options{Client: c})
			for i, a := range test.attempts {
				wire.plan(a.faults...)
				request := of(ns, a.location, quantities{"a": a.quantity})
				request.Name, request.Digest = "idem", a.digest
				if errs := w.Write(t.Context(), []Commit{request}); !errors.Is(errs[0], a.want) {
					t.Errorf("attempt %d: error %v, want %v", i, errs[0], a.want)
				}
			}
			if diff := cmp.Diff(test.want, stock(t, ns)); diff != "" {
				t.Errorf("stored (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSameRequestAtTwoReplicas sends a request to two replicas at once, as a client may that waits
// no longer.
func TestSameRequestAtTwoReplicas(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	request := of(ns, "loc", batch)
	request.Name, request.Digest = "idem", "x"
	const replicas = 4
	answers := make(chan error, replicas)
	for range replicas {
		_, c := newWire(t)
		w := New(Options{Client: c})
		go func() { answers <- w.Write(context.Background(), []Commit{request})[0] }()
	}
	for range replicas {
		if err := <-answers; err != nil {
			t.Errorf("error %v, want none", err)
		}
	}
	if diff := cmp.Diff(map[string]quantities{"idem": batch}, stock(t, ns)); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}
