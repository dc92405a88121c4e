package ledger

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRanges(t *testing.T) {
	t.Parallel()
	s := NewStore()
	s.PutSnapshot(snapshot("left", 10, 10, "", "g", quantities{"a": 1, "b": 1}))
	s.PutSnapshot(snapshot("right", 10, 10, "m", "", quantities{"m": 1}))
	s.PutSnapshot(snapshot("over", 12, 11, "t", "", quantities{"t": 1}))
	s.ApplyBatch(batch(20, quantities{"h": 1, "t": 2, "b": 1}))
	all := []Range{
		{From: "", To: "g", Stored: true, Exact: true, SKUs: 2},
		{From: "g", To: "m", Unwritten: true},
		{From: "m", To: "t", Stored: true, SKUs: 1},
		{From: "t", To: "", Stored: true, Exact: true, SKUs: 1, Unwritten: true},
	}
	for from, want := range map[string][]Range{"": all, "f": all, "g": all[1:], "o": all[2:], "z": all[3:]} {
		if diff := cmp.Diff(want, slices.Collect(s.Sections().Ranges(testPool, from))); diff != "" {
			t.Errorf("from %q (-want +got):\n%s", from, diff)
		}
	}
	if got := slices.Collect(s.Sections().Ranges(PoolKey{testKey, 7}, "")); len(got) > 0 {
		t.Errorf("ranges %v of a pool that is not there", got)
	}
}

func TestReadSection(t *testing.T) {
	t.Parallel()
	s := NewStore()
	s.PutSnapshot(snapshot("left", 10, 10, "", "m", quantities{"a": 1, "b": 1}))
	s.PutSnapshot(snapshot("over", 12, 11, "b", "f", quantities{"b": 2}))
	s.ApplyBatch(batch(20, quantities{"a": 1, "c": 3, "n": 4, "o": 5, "p": 6}))
	s.Touch(testPool, "a")
	type part struct {
		From, To, Snapshot string
		Exact, Alone       bool
	}
	for name, tc := range map[string]struct {
		from, to string
		most     int
		end      string
		skus     quantities
		changed  []string
		parts    []part
	}{
		"one that others rely on":   {"", "b", 9, "b", quantities{"a": 1}, nil, []part{{"", "b", "left", false, false}}},
		"all that relies on it":     {"", "m", 9, "m", quantities{"a": 1, "b": 2, "c": 3}, []string{"c"}, []part{{"", "b", "left", false, true}, {"b", "f", "over", true, true}, {"f", "m", "left", false, true}}},
		"cut in the middle":         {"c", "d", 9, "d", quantities{"c": 3}, []string{"c"}, []part{{"c", "d", "over", false, false}}},
		"what no snapshot covers":   {"m", "", 3, "", quantities{"n": 4, "o": 5, "p": 6}, []string{"n", "o", "p"}, []part{{From: "m"}}},
		"more than one plan can do": {"m", "", 2, "p", quantities{"n": 4, "o": 5}, []string{"n", "o"}, []part{{From: "m", To: "p"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			section, ok := s.Sections().Read(testPool, tc.from, tc.to, tc.most)
			if !ok || section.From != tc.from || section.To != tc.end || section.Revision != 20 || section.Tick != s.Now() {
				t.Errorf("read %v: [%q, %q) at %d, tick %d", ok, section.From, section.To, section.Revision, section.Tick)
			}
			var parts []part
			for _, p := range section.Parts {
				is := part{From: p.From, To: p.To, Exact: p.Exact, Alone: p.Alone}
				if p.Snapshot != nil {
					is.Snapshot = p.Snapshot.Name
				}
				parts = append(parts, is)
			}
			if diff := cmp.Diff(tc.skus, section.SKUs) + cmp.Diff(tc.changed, slices.Sorted(slices.Values(section.Changed.UnsortedList()))) + cmp.Diff(tc.parts, parts); diff != "" {
				t.Errorf("section (-want +got):\n%s", diff)
			}
		})
	}
}
