package syncstate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/coalesce"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
)

type quantities = map[string]inventoryv1alpha1.Quantity

// world is a table over a ledger that the test fills.
type world struct {
	*testing.T
	stock    *ledger.Store
	clock    *clocktesting.FakeClock
	table    *Table
	settings Settings
	epochs   epochs
	revision int
}

func newWorld(t *testing.T, locations ...Location) *world {
	t.Helper()
	w := &world{
		T: t, stock: ledger.NewStore(), clock: clocktesting.NewFakeClock(time.Unix(1e9, 0)),
		epochs: epochs{{Number: 7, Digest: "A"}}, revision: 1000,
		settings: Settings{Mode: inventoryv1alpha1.LocationWise, Pools: []int64{0}, Digest: "A", Locations: locations},
	}
	subscription := w.stock.Subscribe(nil)
	t.Cleanup(subscription.Close)
	w.restart()
	return w
}

// restart forgets the table, as a crash does.
func (w *world) restart() {
	w.table = newTable(types.NamespacedName{Namespace: "ns", Name: "shop"}, w.stock, w.clock, coalesce.NewSet[types.NamespacedName]())
}

func (w *world) configure(start Start) { w.table.Configure(w.settings, w.epochs, start) }

func pool(location string) ledger.PoolKey {
	return ledger.PoolKey{Location: ledger.LocationKey{Namespace: "ns", Name: location}}
}

// log sets quantities as a batch does.
func (w *world) log(location string, q quantities) {
	w.revision++
	w.stock.ApplyBatch(&inventoryv1alpha1.InventoryBatch{
		ObjectMeta:   metav1.ObjectMeta{Namespace: "ns", Name: fmt.Sprint("b", w.revision), ResourceVersion: strconv.Itoa(w.revision)},
		RequestCount: 1, Stock: []inventoryv1alpha1.LocationStock{{LocationName: location, Quantities: q}},
	})
}

// fold writes what is known of a location as its one snapshot.
func (w *world) fold(location string, all quantities) {
	w.revision++
	snapshot := &inventoryv1alpha1.InventorySnapshot{
		ObjectMeta:   metav1.ObjectMeta{Namespace: "ns", Name: location, ResourceVersion: strconv.Itoa(w.revision)},
		LocationName: location, Revision: strconv.Itoa(w.revision - 1), SKUs: all,
	}
	if c, known := w.table.Render(pool(location), w.stock.Now(), all, nil); known && c != nil {
		snapshot.Channels = []inventoryv1alpha1.SnapshotChannel{*c}
	}
	w.stock.PutSnapshot(snapshot)
}

// due takes everything that is due and puts it back.
func (w *world) due() []Unit {
	w.Helper()
	taken := w.table.Take(1000)
	w.settle(inventoryv1alpha1.SyncPending, taken...)
	units := make([]Unit, len(taken))
	for i, t := range taken {
		units[i] = t.Unit
	}
	slices.SortFunc(units, func(a, b Unit) int { return cmp.Or(cmp.Compare(a.Location, b.Location), cmp.Compare(a.SKU, b.SKU)) })
	return units
}

func (w *world) wantDue(want ...Unit) {
	w.Helper()
	if diff := gocmp.Diff(append([]Unit{}, want...), w.due()); diff != "" {
		w.Errorf("due (-want +got):\n%s", diff)
	}
}

func (w *world) settle(state inventoryv1alpha1.SyncState, taken ...Taken) {
	var out []Settlement
	for _, t := range taken {
		out = append(out, Settlement{Taken: t, Outcome: Outcome{State: state}})
	}
	w.table.Settle(out)
}

// confirm has the channel confirm everything that is due.
func (w *world) confirm() { w.settle(inventoryv1alpha1.SyncSynced, w.table.Take(1000)...) }

func at(name string) Location { return Location{Name: name, Code: "C-" + name, Selected: true} }

func TestChangesComeByPull(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at("wd"))
	w.log("wd", quantities{"a": 1})
	w.configure(Start{})
	w.wantDue(Unit{"wd", "a"})
	w.confirm()
	w.wantDue()
	w.log("wd", quantities{"a": 1, "b": 2}) // a is as it was
	w.log("other", quantities{"c": 1})      // of a location that is not the channel's
	w.wantDue(Unit{"wd", "b"})
	for range 2 { // what was put back, and nothing more
		select {
		case <-w.table.News():
		default:
		}
	}
	w.log("wd", quantities{"c": 3})
	w.table.Report() // whoever has the table catch up
	select {
	case <-w.table.News():
	default:
		t.Error("no news after a change")
	}
}

// TestSettlementsOfWhatChangedDoNotCount changes a unit between its call and its settlement.
func TestSettlementsOfWhatChangedDoNotCount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at("wd"))
	w.configure(Start{})
	w.log("wd", quantities{"a": 1})
	taken := w.table.Take(10)
	w.log("wd", quantities{"a": 2})
	w.settle(inventoryv1alpha1.SyncSynced, taken...)
	w.wantDue(Unit{"wd", "a"})
}

// TestRestart finds due whatever is not in step, by what is stored alone.
func TestRestart(t *testing.T) {
	t.Parallel()
	rule := &inventoryv1alpha1.Exposure{Total: &inventoryv1alpha1.ExposureLimits{Cap: new(int64(12))}}
	for name, tc := range map[string]struct {
		policy *inventoryv1alpha1.Exposure
		before func(w *world) // what a leader did until it died
		start  Start
		want   []Unit
	}{
		"in step": {nil, func(w *world) { w.confirm(); w.foldAll() }, Start{}, nil},
		"not folded since it was confirmed": {
			nil, func(w *world) { w.confirm() }, Start{}, []Unit{{"st", "a"}, {"wd", "a"}, {"wd", "b"}},
		},
		"folded before it was confirmed": {
			nil, func(w *world) { w.foldAll() }, Start{}, []Unit{{"st", "a"}, {"wd", "a"}, {"wd", "b"}},
		},
		"changed since": {
			nil, func(w *world) { w.confirm(); w.foldAll(); w.log("wd", quantities{"b": 9}) }, Start{}, []Unit{{"wd", "b"}},
		},
		"changed and folded": {
			nil, func(w *world) {
				w.confirm()
				w.foldAll()
				w.log("wd", quantities{"b": 9})
				w.fold("wd", quantities{"a": 5, "b": 9})
			}, Start{}, []Unit{{"wd", "b"}},
		},
		"refused": {nil, func(w *world) {
			w.settle(inventoryv1alpha1.SyncFailed, w.table.Take(1000)...)
			w.foldAll()
		}, Start{}, nil},
		"another epoch": {nil, func(w *world) {
			w.confirm()
			w.foldAll()
			w.epochs = append(w.epochs, inventoryv1alpha1.ChannelEpoch{Number: 8, Digest: "B"})
		}, Start{}, []Unit{{"st", "a"}, {"wd", "a"}, {"wd", "b"}}},
		"another epoch of one location": {nil, func(w *world) {
			w.confirm()
			w.foldAll()
			w.epochs = append(w.epochs, inventoryv1alpha1.ChannelEpoch{Number: 8, Digest: "B", Locations: []string{"wd"}})
		}, Start{}, []Unit{{"wd", "a"}, {"wd", "b"}}},
		"a push under another epoch that was interrupted": {nil, func(w *world) {
			w.confirm()
			w.foldAll()
			w.epochs = append(w.epochs, inventoryv1alpha1.ChannelEpoch{Number: 8, Digest: "B"})
			w.settings.Digest = "B"
			w.configure(Start{})
			for _, taken := range w.table.Take(1000) {
				if taken.Unit.Location == "wd" {
					w.settle(inventoryv1alpha1.SyncSynced, taken)
				}
			}
			w.fold("wd", quantities{"a": 5, "b": 1})
		}, Start{}, []Unit{{"st", "a"}}},
		"a location that is to be withdrawn": {nil, func(w *world) {
			w.confirm()
			w.foldAll()
			w.settings.Locations[1].Selected = false
			w.epochs = append(w.epochs, inventoryv1alpha1.ChannelEpoch{Number: 8, Digest: "B", Locations: []string{"wd"}})
		}, Start{Locations: []string{"st", "wd"}}, []Unit{{"wd", "a"}, {"wd", "b"}}},
		"a total that is due at one location": {rule, func(w *world) {
			w.confirm()
			w.foldAll()
			w.log("wd", quantities{"a": 12})
		}, Start{}, []Unit{{"st", "a"}, {"wd", "a"}}},
		"a total of which one location was told": {rule, func(w *world) {
			w.confirm()
			w.foldAll()
			w.log("wd", quantities{"a": 12})
			for _, taken := range w.table.Take(1000) {
				if taken.Unit.Location == "wd" {
					w.settle(inventoryv1alpha1.SyncSynced, taken)
				}
			}
			w.fold("wd", quantities{"a": 12, "b": 1})
		}, Start{}, []Unit{{"st", "a"}, {"wd", "a"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, at("st"), at("wd"))
			policy, err := exposure.New(tc.policy)
			if err != nil {
				t.Fatal(err)
			}
			w.settings.Exposure = policy
			w.log("st", quantities{"a": 7})
			w.log("wd", quantities{"a": 5, "b": 1})
			w.configure(Start{})
			tc.before(w)
			w.restart()
			w.configure(tc.start)
			w.wantDue(tc.want...)
		})
	}
}

// foldAll writes the stock that TestRestart begins with.
func (w *world) foldAll() {
	w.fold("st", quantities{"a": 7})
	w.fold("wd", quantities{"a": 5, "b": 1})
}

// TestDoubt pushes again what a call that was not answered may still overwrite.
func TestDoubt(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at("wd"))
	w.configure(Start{})
	w.log("wd", quantities{"a": 1})
	lost := w.table.Take(10)
	w.table.Settle([]Settlement{{Taken: lost[0], Outcome: Outcome{
		State: inventoryv1alpha1.SyncPending, Doubtful: w.clock.Now().Add(45 * time.Second),
	}}})
	w.log("wd", quantities{"a": 2})
	second := w.table.Take(10)
	w.settle(inventoryv1alpha1.SyncSynced, second...)
	w.wantDue() // it is to be told once more, but not now
	if r := w.table.Report(); r.Pending != 1 {
		t.Errorf("%d pending, want the one in doubt", r.Pending)
	}
	if _, next := w.table.Due(); !next.Equal(w.clock.Now().Add(45 * time.Second)) {
		t.Errorf("due at %v, want when the lost call cannot land any more", next)
	}
	w.clock.Step(45 * time.Second)
	third := w.table.Take(10)
	if len(third) != 1 || third[0].Standing.Change == second[0].Standing.Change {
		t.Fatalf("taken %+v, want the unit as another push", third)
	}
	w.settle(inventoryv1alpha1.SyncSynced, third...)
	if r := w.table.Report(); r.Pending != 0 {
		t.Errorf("%d pending after the last push, want none", r.Pending)
	}
}

// TestSuccessorDoubtsWhatIsDue takes over from a leader that did not step down.
func TestSuccessorDoubtsWhatIsDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at("wd"))
	w.log("wd", quantities{"a": 1})
	w.configure(Start{Doubtful: w.clock.Now().Add(time.Minute)})
	w.confirm()
	if r := w.table.Report(); r.Pending != 1 {
		t.Errorf("%d pending, want 1: a call of the former leader may still land", r.Pending)
	}
	w.clock.Step(time.Minute)
	w.confirm()
	if r := w.table.Report(); r.Pending != 0 {
		t.Errorf("%d pending, want none", r.Pending)
	}
}

// TestSnapshotsSayWhatIsKnown has the table catch up before a snapshot calls anything in step.
func TestSnapshotsSayWhatIsKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at("wd"))
	w.configure(Start{})
	w.log("wd", quantities{"a": 1, "b": 2})
	w.confirm()
	w.log("wd", quantities{"a": 3}) // nobody has told the table
	got, known := w.table.Render(pool("wd"), w.stock.Now(), quantities{"a": 3, "b": 2}, nil)
	if !known {
		t.Fatal("the table knows nothing")
	}
	want := &inventoryv1alpha1.SnapshotChannel{
		Name: "shop", Epoch: 7, Pending: []string{"a"}, LastSyncTime: &metav1.Time{Time: w.clock.Now()},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("channel (-want +got):\n%s", diff)
	}
}

// TestUnchangedUnitsKeepTheirPlace changes a unit that waits, over and over.
func TestUnchangedUnitsKeepTheirPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at("wd"))
	w.configure(Start{})
	for i := range 10_000 {
		w.log("wd", quantities{"hot": inventoryv1alpha1.Quantity(i + 1)})
		w.table.CatchUp()
	}
	w.log("wd", quantities{"cold": 1})
	w.table.CatchUp()
	if n := len(w.table.book.queue.now); n != 2 {
		t.Errorf("%d units are queued, want 2", n)
	}
	if first := w.table.Take(1); len(first) != 1 || first[0].Unit.SKU != "hot" {
		t.Errorf("taken %+v first, want what has waited for longest", first)
	}
}

// TestEarlierEpochsChangeNothing gives the table a configuration from a cache that is behind.
func TestEarlierEpochsChangeNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, at("wd"))
	w.configure(Start{})
	if !w.table.Passed(epochs{{Number: 6}}) || w.table.Passed(w.epochs) || w.table.Passed(epochs{{Number: 8}}) {
		t.Error("Passed does not tell earlier epochs from others")
	}
}
