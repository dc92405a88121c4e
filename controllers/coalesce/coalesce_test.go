package coalesce

import (
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysAreTakenOnce(t *testing.T) {
	t.Parallel()
	s := NewSet[string]()
	for _, key := range []string{"a", "b", "a", "c"} {
		s.Add(key)
	}
	s.Drop("c")
	<-s.Wake()
	select {
	case <-s.Wake():
		t.Error("woken twice for what can be taken at once")
	default:
	}
	got := s.Take()
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a", "b"}, got); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if got := s.Take(); len(got) > 0 {
		t.Errorf("%v is taken twice", got)
	}
}

// TestNothingIsMissed has many add while one takes: whoever waits for the wake-up gets every key.
func TestNothingIsMissed(t *testing.T) {
	t.Parallel()
	const adders, keys = 8, 1000
	s := NewSet[int]()
	var adding sync.WaitGroup
	for a := range adders {
		adding.Go(func() {
			for k := range keys {
				s.Add(a*keys + k)
			}
		})
	}
	got := map[int]bool{}
	for len(got) < adders*keys {
		<-s.Wake()
		for _, key := range s.Take() {
			if got[key] {
				t.Fatalf("%d is taken twice", key)
			}
			got[key] = true
		}
	}
	adding.Wait()
}
