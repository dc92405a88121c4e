package ledger

import (
	"testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// TestSetByTheLog has a value come and go again, whatever is delivered first: what is present is the last word, and the SKU
// counts as set by the log as long as any batch that is not folded differs from the snapshot. A former leader may have
// told a channel of that one.
func TestSetByTheLog(t *testing.T) {
	t.Parallel()
	old := func(s *Store) { s.PutSnapshot(snapshot("s", 10, 10, "", "", quantities{"a": 5})) }
	for name, tc := range map[string]struct {
		steps  []step
		want   inventoryv1alpha1.Quantity
		logged bool
	}{
		"in order":                        {[]step{old, apply(11, quantities{"a": 7}), apply(12, quantities{"a": 5})}, 5, true},
		"the last one first":              {[]step{old, apply(12, quantities{"a": 5}), apply(11, quantities{"a": 7})}, 5, true},
		"the snapshot last":               {[]step{apply(12, quantities{"a": 5}), apply(11, quantities{"a": 7}), old}, 5, true},
		"nothing differs":                 {[]step{old, apply(12, quantities{"a": 5}), apply(11, quantities{"a": 5})}, 5, false},
		"the one that differs is last":    {[]step{old, apply(12, quantities{"a": 7}), apply(11, quantities{"a": 5})}, 7, true},
		"one that is not new":             {[]step{old, apply(12, quantities{"a": 5}), apply(9, quantities{"a": 7})}, 5, false},
		"a snapshot that has both":        {[]step{old, apply(12, quantities{"a": 5}), apply(11, quantities{"a": 7}), put(snapshot("s", 13, 12, "", "", quantities{"a": 5}))}, 5, false},
		"a snapshot that has the first":   {[]step{old, apply(12, quantities{"a": 5}), put(snapshot("s", 13, 11, "", "", quantities{"a": 7}))}, 5, true},
		"a snapshot that lacks the SKU":   {[]step{old, apply(12, quantities{"a": 5}), put(snapshot("s", 13, 11, "", "", quantities{"b": 1}))}, 5, true},
		"the snapshot goes":               {[]step{old, apply(12, quantities{"a": 5}), func(s *Store) { s.RemoveSnapshot(snapshot("s", 10, 10, "", "", nil)) }}, 5, true},
		"one batch says both, in order":   {[]step{old, several(12, 7, 5)}, 5, true},
		"one batch differs from the last": {[]step{old, several(12, 5, 7)}, 7, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewStore()
			for _, do := range tc.steps {
				do(s)
			}
			if got, _ := s.Quantity(testPool, "a"); got != tc.want {
				t.Errorf("quantity %d, want %d", got, tc.want)
			}
			visits := 0
			s.Each(testPool, func(st StockedSKU) {
				if st.SKU != "a" {
					return
				}
				visits++
				if st.Unfolded != tc.logged {
					t.Errorf("set by the log: %v, want %v", st.Unfolded, tc.logged)
				}
			})
			if visits != 1 {
				t.Errorf("the SKU was visited %d times, want once", visits)
			}
		})
	}
}

// several applies one batch that sets a SKU several times.
func several(revision int, values ...inventoryv1alpha1.Quantity) step {
	return func(s *Store) {
		b := batch(revision, nil)
		b.Stock = nil
		for _, q := range values {
			b.Stock = append(b.Stock, inventoryv1alpha1.LocationStock{LocationName: testLocation, Quantities: quantities{"a": q}})
		}
		s.ApplyBatch(b)
	}
}
