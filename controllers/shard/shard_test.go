package shard

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSet(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]Shard{"": {}, "0/1": {0, 1}, "3/4": {3, 4}, "63/64": {63, 64}} {
		got := Shard{9, 9}
		if err := got.Set(value); err != nil {
			t.Errorf("%q: %v", value, err)
		}
		if diff := cmp.Diff(want, got); diff != "" || got.String() != value {
			t.Errorf("%q is read as %q (-want +got):\n%s", value, got, diff)
		}
	}
	for _, value := range []string{"1", "/", "2/2", "-1/2", "0/0", "0/65", "a/b", "1/2/3"} {
		got := Shard{1, 2}
		if err := got.Set(value); err == nil || got != (Shard{1, 2}) {
			t.Errorf("%q is taken as %q, %v", value, got, err)
		}
	}
}

// TestEveryNamespaceHasOneShard also wants none of the shards to get far more than its part.
func TestEveryNamespaceHasOneShard(t *testing.T) {
	t.Parallel()
	const namespaces = 3000
	for _, count := range []int{1, 2, 3, 8} {
		sizes := make([]int, count)
		for n := range namespaces {
			owners := 0
			for i := range count {
				if (Shard{i, count}).Owns(fmt.Sprintf("tenant-%d", n)) {
					owners++
					sizes[i]++
				}
			}
			if owners != 1 {
				t.Fatalf("namespace %d has %d owners of %d, want 1", n, owners, count)
			}
		}
		for i, size := range sizes {
			if fair := namespaces / count; size < fair*8/10 || size > fair*12/10 {
				t.Errorf("shard %d/%d has %d namespaces, want about %d", i, count, size, fair)
			}
		}
	}
}

func TestLeaseName(t *testing.T) {
	t.Parallel()
	for s, want := range map[Shard]string{
		{}:     "tallyman.inventory.tallyman.dev",
		{0, 1}: "tallyman.inventory.tallyman.dev",
		{1, 3}: "tallyman-1-of-3.inventory.tallyman.dev",
	} {
		if got := s.LeaseName(); got != want {
			t.Errorf("%v: Lease %q, want %q", s, got, want)
		}
	}
}
