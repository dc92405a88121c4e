package lease

import (
	"context"
	"errors"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	clocktesting "k8s.io/utils/clock/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
)

var key = types.NamespacedName{Namespace: "ns", Name: "tallyman"}

func TestTermsGrow(t *testing.T) {
	t.Parallel()
	c := fake.NewClientBuilder().WithScheme(scheme.Scheme).Build()
	if _, err := Term(t.Context(), c, key, "a"); err == nil {
		t.Error("there is a term without a Lease")
	}
	var last uint64
	for _, identity := range []string{"a", "b", "a"} {
		taken, err := Take(t.Context(), c, key, identity)
		if err != nil {
			t.Fatal(err)
		}
		read, err := Term(t.Context(), c, key, identity)
		if err != nil {
			t.Fatal(err)
		}
		if taken <= last || read != taken {
			t.Errorf("%s: the term is %d, read as %d, after %d; want a later one", identity, taken, read, last)
		}
		last = taken
	}
	if _, err := Term(t.Context(), c, key, "b"); !errors.Is(err, ErrNotHolder) {
		t.Errorf("Term of a former holder: %v, want %v", err, ErrNotHolder)
	}
}

func TestTermOfALeaseThatWasGivenUp(t *testing.T) {
	t.Parallel()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}}
	c := fake.NewClientBuilder().WithScheme(scheme.Scheme).WithObjects(lease).Build()
	if _, err := Term(t.Context(), c, key, "a"); !errors.Is(err, ErrNotHolder) {
		t.Errorf("Term: %v, want %v", err, ErrNotHolder)
	}
}

// held is a lock whose Lease has a holder.
type held struct {
	record
	holder string
	gave   int // how often it was given up
}

func (h *held) Get(context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	return &resourcelock.LeaderElectionRecord{HolderIdentity: h.holder}, nil, nil
}

func (h *held) Update(_ context.Context, r resourcelock.LeaderElectionRecord) error {
	if h.holder = r.HolderIdentity; h.holder == "" {
		h.gave++
	}
	return nil
}

func TestSucceeds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		before string
		want   bool
	}{
		"one that had it still":    {"other", true},
		"one that had given it up": {"", false},
		"itself":                   {"me", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &Monitor{Clock: clocktesting.NewFakeClock(time.Unix(1000, 0))}
			l := m.Lock(&held{holder: tc.before})
			for range 2 { // taken, and renewed
				if _, _, err := l.Get(t.Context()); err != nil {
					t.Fatal(err)
				}
				if err := l.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me"}); err != nil {
					t.Fatal(err)
				}
			}
			if got := m.Succeeds(); got != tc.want {
				t.Errorf("Succeeds = %v, want %v", got, tc.want)
			}
		})
	}
}

// TestSoiledLeasesExpire gives a Lease up, and one that must not be.
func TestSoiledLeasesExpire(t *testing.T) {
	t.Parallel()
	for name, soil := range map[string]bool{"clean": false, "soiled": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, inner := &Monitor{Clock: clocktesting.NewFakeClock(time.Unix(1000, 0))}, &held{}
			l := m.Lock(inner)
			if err := l.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me"}); err != nil {
				t.Fatal(err)
			}
			if soil {
				m.Soil()
			}
			if err := l.Update(t.Context(), resourcelock.LeaderElectionRecord{HolderIdentity: "me"}); err != nil {
				t.Errorf("a renewal fails: %v", err)
			}
			err := l.Update(t.Context(), resourcelock.LeaderElectionRecord{})
			if given := inner.gave == 1; given == soil || (err != nil) != soil {
				t.Errorf("given up: %v, error %v", given, err)
			}
		})
	}
}
