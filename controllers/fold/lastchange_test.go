package fold

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/ledger"
)

// TestLastChange follows the time of the last change through plans that change, split and merge snapshots.
func TestLastChange(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(minutes int) *metav1.Time {
		return &metav1.Time{Time: noon.Add(time.Duration(minutes) * time.Minute)}
	}
	says := func(last *metav1.Time) ledger.Part {
		return ledger.Part{Snapshot: &inventoryv1alpha1.InventorySnapshot{LastChangeTime: last}}
	}
	for name, tc := range map[string]struct {
		group   []ledger.Part
		changed sets.Set[string]
		batch   time.Time
		want    *metav1.Time
	}{
		"the first quantities":              {[]ledger.Part{{}}, sets.New("A"), noon, at(0)},
		"a change":                          {[]ledger.Part{says(at(-9))}, sets.New("A", "Z"), noon, at(0)},
		"sync states alone":                 {[]ledger.Part{says(at(-9))}, nil, noon, at(-9)},
		"a change in another piece":         {[]ledger.Part{says(at(-9))}, sets.New("Z"), noon, at(-9)},
		"a merge":                           {[]ledger.Part{says(at(-9)), {}, says(at(-3)), says(at(-5)), says(nil)}, nil, noon, at(-3)},
		"snapshots that do not say":         {[]ledger.Part{says(nil)}, nil, noon, nil},
		"batches that were not looked at":   {[]ledger.Part{says(at(-9))}, sets.New("A"), time.Time{}, at(-9)},
		"a change that takes nothing along": {[]ledger.Part{says(at(5))}, sets.New("A"), noon, at(0)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pl := plan{Section: ledger.Section{Parts: tc.group, Changed: tc.changed, LastBatch: tc.batch}}
			got := pl.changeTime(chunk{skus: map[string]inventoryv1alpha1.Quantity{"A": 1, "B": 2}})
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
