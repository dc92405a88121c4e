package ledger

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestOverlayIsASortedMap plays random histories against a plain map.
func TestOverlayIsASortedMap(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	sku := func() string { return strconv.Itoa(r.IntN(60)) }
	o, want := newOverlay(), map[string]entry{}
	for step := range 20_000 {
		switch r.IntN(5) {
		case 0, 1:
			e := entry{sku: sku(), revision: uint64(step)}
			o.put(e)
			want[e.sku] = e
		case 2, 3:
			s := sku()
			o.drop(s)
			delete(want, s)
		default:
			from, to := sku(), sku()
			if r.IntN(4) == 0 {
				from, to = "", ""
			}
			if diff := cmp.Diff(within(want, from, to), visited(o, from, to), cmp.AllowUnexported(entry{})); diff != "" {
				t.Fatalf("step %d, from %q to %q (-want +got):\n%s", step, from, to, diff)
			}
		}
		if s := sku(); o.get(s) != want[s] || o.len() != len(want) {
			t.Fatalf("step %d: got %v of %d, want %v of %d", step, o.get(s), o.len(), want[s], len(want))
		}
	}
}

// within is what a range of a map holds, in order.
func within(all map[string]entry, from, to string) (out []entry) {
	for _, sku := range slices.Sorted(maps.Keys(all)) {
		if sku >= from && (to == "" || sku < to) {
			out = append(out, all[sku])
		}
	}
	return out
}

func visited(o *overlay, from, to string) (out []entry) {
	o.ascend(from, to, func(e entry) bool {
		out = append(out, e)
		return true
	})
	return out
}

func TestOverlayGivesMemoryBack(t *testing.T) {
	t.Parallel()
	const many, few = 10_000, 10
	o := newOverlay()
	for i := range many {
		o.put(entry{sku: strconv.Itoa(i)})
	}
	for i := range many - few {
		o.drop(strconv.Itoa(i))
	}
	if o.peak > 10*few || o.len() != few {
		t.Errorf("%d entries in a map made for %d, want %d in one for at most %d", o.len(), o.peak, few, 10*few)
	}
}
