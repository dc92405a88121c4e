package ledger

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

func TestStock(t *testing.T) {
	t.Parallel()
	given := quantities{"b": 2, "a": 1, "größe": 4, "ab": 3, "b0": 0}
	s := pack(given)
	if s.len() != len(given) {
		t.Errorf("%d SKUs, want %d", s.len(), len(given))
	}
	for sku, want := range given {
		if got, ok := s.get(sku); !ok || got != want {
			t.Errorf("%q: %d (%v), want %d", sku, got, ok, want)
		}
	}
	for _, sku := range []string{"", "0", "aa", "abc", "c", "z"} {
		if got, ok := s.get(sku); ok {
			t.Errorf("%q: %d, want none", sku, got)
		}
	}
	for _, tc := range []struct {
		from, to string
		want     quantities
	}{
		{"", "", given},
		{"ab", "c", quantities{"ab": 3, "b": 2, "b0": 0}},
		{"b", "b0", quantities{"b": 2}},
		{"c", "d", quantities{}},
		{"c", "", quantities{"größe": 4}},
	} {
		got := maps.Collect(s.within(tc.from, tc.to))
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("from %q to %q (-want +got):\n%s", tc.from, tc.to, diff)
		}
		if first, last := s.bounds(tc.from, tc.to); last-first != len(tc.want) {
			t.Errorf("from %q to %q: %d SKUs, want %d", tc.from, tc.to, last-first, len(tc.want))
		}
	}
	if _, ok := (stock{}).get("a"); ok {
		t.Error("an empty stock has a SKU")
	}
}

// TestDivide puts and removes snapshots at random, overlapping ones among them, and compares the division
// that is kept up with one made from scratch.
func TestDivide(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		p := newPool()
		edge := func() string { return strconv.Itoa(100 + r.IntN(12)) }
		for version := 1; version < 60; version++ {
			name := fmt.Sprintf("s%d", r.IntN(8))
			if r.IntN(4) == 0 {
				if gone := p.stored[name]; gone != nil {
					p.remove(gone)
				}
			} else {
				from, to := edge(), edge()
				if r.IntN(6) == 0 {
					from = ""
				}
				if r.IntN(6) == 0 {
					to = ""
				}
				if to != "" && from >= to {
					continue
				}
				tidy := p.put(keep(snapshot(name, version, r.IntN(version), from, to, nil)))
				if tidy && len(p.obsolete()) > 0 {
					t.Fatalf("seed %d: tidy, with obsolete snapshots", seed)
				}
			}
			if t.Failed() || !samePartition(t, p) {
				t.Fatalf("seed %d, version %d", seed, version)
			}
		}
	}
}

func samePartition(t *testing.T, p *pool) bool {
	t.Helper()
	all := make([]*storedSnapshot, 0, len(p.stored))
	for _, s := range p.stored {
		all = append(all, s)
	}
	want := partition(segment{}, all)
	want = join(want, 0, len(want))
	type view struct{ From, To, Snapshot string }
	views := func(segments []segment) (out []view) {
		for _, s := range segments {
			name := ""
			if s.snapshot != nil {
				name = s.snapshot.Name
			}
			out = append(out, view{s.from, s.to, name})
		}
		return out
	}
	diff := cmp.Diff(views(want), views(p.segments))
	if diff != "" {
		t.Errorf("segments (-want +got):\n%s", diff)
	}
	var unused []string
	for _, s := range all {
		if !slices.ContainsFunc(p.segments, func(seg segment) bool { return seg.snapshot == s }) {
			unused = append(unused, s.Name)
		}
	}
	var got []string
	for _, s := range p.obsolete() {
		got = append(got, s.Name)
	}
	slices.Sort(unused)
	slices.Sort(got)
	if d := cmp.Diff(unused, got); d != "" {
		t.Errorf("obsolete snapshots (-want +got):\n%s", d)
	}
	return diff == ""
}

// BenchmarkResident tells what a resident SKU of 12 characters takes in memory.
func BenchmarkResident(b *testing.B) {
	const skus, perSnapshot = 100_000, 256
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	for b.Loop() {
		before := heap()
		s := NewStore()
		for i := 0; i < skus; i += perSnapshot {
			q := make(quantities, perSnapshot)
			for j := range perSnapshot {
				q[fmt.Sprintf("SKU-%08d", i+j)] = inventoryv1alpha1.Quantity(j)
			}
			s.PutSnapshot(snapshot(strconv.Itoa(i), i+1, i, fmt.Sprintf("SKU-%08d", i), fmt.Sprintf("SKU-%08d", i+perSnapshot), q))
		}
		b.ReportMetric(float64(heap()-before)/skus, "B/SKU")
		runtime.KeepAlive(s)
	}
}
