package webhook

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	channelfake "tallyman.dev/tallyman/controllers/channel/fake"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/exposure"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
)

// setup is a Channel, the Locations of its Client, and what they have.
type setup struct {
	channel   *inventoryv1alpha1.Channel
	locations []*inventoryv1alpha1.Location
	store     *ledger.Store
	stocked   map[ledger.PoolKey]map[string]inventoryv1alpha1.Quantity
}

// TestReadsShowWhatIsPushed has a lane push what random rules show of random stock to a channel that was told of all of
// it before, and reads back what the channel is to be told: it must be what the channel has.
func TestReadsShowWhatIsPushed(t *testing.T) {
	t.Parallel()
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		tr := drawSetup(t)
		objects := tr.objects(t)
		before, after := tr.push(t, objects)
		s := New(Options{Inventory: tr.store, Reader: objects, Clock: clock.RealClock{}})
		channels, err := s.channelsOf(context.Background(), "ns", "acme")
		if err != nil || len(channels) != 1 {
			t.Fatalf("%d channels, %v", len(channels), err)
		}
		for key, skus := range tr.stocked {
			if !slices.Contains(tr.channel.Pools(), key.PoolID) {
				continue
			}
			at := channelfake.LocationSKU{Location: "CODE-" + key.Location.Name}
			if tr.channel.Spec.Mode == inventoryv1alpha1.Consolidated {
				at.Location = ""
			}
			for sku := range skus {
				at.SKU = sku
				want, known := after[at]
				got, told := channels["shop"].quantity(key.Location.Name, sku)
				switch {
				case !known:
					t.Errorf("the channel was never told of %s at %s", sku, key.Location.Name)
				case told && got.Quantity != want:
					t.Errorf("a read of %s at %s shows %+v, the channel was told %d", sku, key.Location.Name, got, want)
				case !told && before[at] != want:
					t.Errorf("a read of %s at %s says that the channel is not told of it; it was told %d after %d", sku, key.Location.Name, want, before[at])
				}
				compared++
			}
		}
	})
	if compared == 0 {
		t.Error("nothing was compared")
	}
}

func drawSetup(t *rapid.T) *setup {
	tr := &setup{store: ledger.NewStore(), stocked: map[ledger.PoolKey]map[string]inventoryv1alpha1.Quantity{}}
	tr.channel = &inventoryv1alpha1.Channel{ObjectMeta: meta("ns", "shop"), Spec: drawSpec(t)}
	batch := &inventoryv1alpha1.InventoryBatch{ObjectMeta: meta("ns", "batch")}
	batch.ResourceVersion = "1"
	for _, name := range []string{"a", "b", "c"}[:rapid.IntRange(1, 3).Draw(t, "locations")] {
		l := newLocation("ns", name, "acme", "CODE-"+name, 0)
		l.Labels = map[string]string{"region": rapid.SampledFrom([]string{"north", "south"}).Draw(t, "region")}
		tr.locations = append(tr.locations, l)
		for pool := range int64(2) {
			quantities := map[string]inventoryv1alpha1.Quantity{}
			for _, sku := range []string{"A1", "A2", "B1"} {
				if rapid.IntRange(0, 3).Draw(t, "stocked") > 0 {
					quantities[sku] = inventoryv1alpha1.Quantity(rapid.Int32Range(0, 60).Draw(t, "quantity"))
				}
			}
			tr.stocked[ledger.PoolKey{Location: ledger.LocationKey{Namespace: "ns", Name: name}, PoolID: pool}] = quantities
			batch.Stock = append(batch.Stock, inventoryv1alpha1.LocationStock{LocationName: name, PoolID: pool, Quantities: quantities})
		}
	}
	tr.store.ApplyBatch(batch)
	return tr
}

// drawSpec draws what decides quantities.
func drawSpec(t *rapid.T) inventoryv1alpha1.ChannelSpec {
	north := &metav1.LabelSelector{MatchLabels: map[string]string{"region": "north"}}
	limits := func(name string) inventoryv1alpha1.ExposureLimits {
		return inventoryv1alpha1.ExposureLimits{
			SafetyStock: rapid.Ptr(rapid.Int64Range(0, 20), true).Draw(t, name+".safetyStock"),
			Percentage:  rapid.Ptr(rapid.Int32Range(0, 100), true).Draw(t, name+".percentage"),
			Cap:         rapid.Ptr(rapid.Int64Range(0, 50), true).Draw(t, name+".cap"),
			ZeroBelow:   rapid.Ptr(rapid.Int64Range(1, 10), true).Draw(t, name+".zeroBelow"),
		}
	}
	spec := inventoryv1alpha1.ChannelSpec{
		ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, Type: inventoryv1alpha1.ChannelOmni,
		Mode:             rapid.SampledFrom([]inventoryv1alpha1.ChannelMode{"", inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated}).Draw(t, "mode"),
		PoolIDs:          rapid.SampledFrom([][]int64{nil, {1}, {0, 1}}).Draw(t, "pools"),
		LocationSelector: rapid.SampledFrom([]*metav1.LabelSelector{nil, north}).Draw(t, "selector"),
	}
	if rapid.Bool().Draw(t, "everything is shown") {
		return spec
	}
	spec.Exposure = &inventoryv1alpha1.Exposure{
		ExcludeSKUs:    rapid.SampledFrom([][]inventoryv1alpha1.SKUExpression{nil, {"A2"}, {"B.*"}}).Draw(t, "excluded"),
		UnselectedSKUs: rapid.SampledFrom([]inventoryv1alpha1.UnselectedSKUs{"", inventoryv1alpha1.IgnoreUnselected}).Draw(t, "unselected"),
		Rules: []inventoryv1alpha1.ExposureRule{
			{Name: "north", LocationSelector: north, Limits: limits("north")},
			{Name: "some", SKUs: []inventoryv1alpha1.SKUExpression{"A.*"}, Limits: limits("some")},
		},
		Priorities: []inventoryv1alpha1.LocationPriority{{Code: "CODE-b", Priority: new(rapid.Int32Range(-1, 1).Draw(t, "priority of b"))}},
	}
	if rapid.Bool().Draw(t, "total") {
		total := limits("total")
		spec.Exposure.Total = &total
	}
	return spec
}

func (tr *setup) objects(t *rapid.T) client.Client {
	scheme := runtime.NewScheme() // of few kinds: a client of all takes most of the time
	if err := inventoryv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	b := fake.NewClientBuilder().WithScheme(scheme).WithObjects(tr.channel.DeepCopy()).
		WithStatusSubresource(&inventoryv1alpha1.ChannelSyncJob{})
	for _, l := range tr.locations {
		b = b.WithObjects(l.DeepCopy())
	}
	return b.Build()
}

// push has a lane push everything, and then what the Channel is to be told; it returns what the channel has
// after each.
func (tr *setup) push(t *rapid.T, objects client.Client) (before, after map[channelfake.LocationSKU]int64) {
	ctx, cancel := context.WithCancel(context.Background())
	shop := channelfake.New(channel.Limits{BatchSize: 10})
	tables := syncstate.NewTables(tr.store, objects, clock.RealClock{})
	runner := channelsync.New(channelsync.Options{
		Stock: tr.store, Tables: tables, Client: objects, Clock: clock.RealClock{}, Limits: channelsync.Limits{RunItems: 50},
	})
	var running sync.WaitGroup
	running.Go(func() { _ = runner.Run(ctx, &channelsync.Term{Revision: 1}) })
	defer running.Wait()
	defer cancel()
	await := func(what string, ok func() bool) {
		err := wait.PollUntilContextTimeout(ctx, time.Millisecond, time.Minute, true, func(context.Context) (bool, error) { return ok(), nil })
		if err != nil {
			t.Fatalf("waited in vain for %s: %v", what, err)
		}
	}
	await("the Runner", runner.Running)
	configure := func(digest string, policy *exposure.Policy, selected func(*inventoryv1alpha1.Location) bool) map[channelfake.LocationSKU]int64 {
		settings := &syncstate.Settings{
			Mode: cmp.Or(tr.channel.Spec.Mode, inventoryv1alpha1.LocationWise), Pools: tr.channel.Pools(), Exposure: policy, Digest: digest,
		}
		for _, l := range tr.locations {
			settings.Locations = append(settings.Locations, syncstate.Location{Name: l.Name, Code: l.Spec.Code, Labels: l.Labels, Selected: selected(l)})
		}
		ch := tr.channel.DeepCopy()
		ch.Status.Epochs = syncstate.NextEpochs(tr.channel, settings.EpochDigest(), nil, true)
		tr.channel.Status.Epochs = ch.Status.Epochs
		runner.Configure(channelsync.Config{Channel: ch, Connector: shop, Digest: digest, Settings: settings})
		await("the pushes", func() bool {
			report, _ := runner.Report(client.ObjectKeyFromObject(tr.channel))
			return report.Pending == 0
		})
		return shop.Quantities()
	}
	before = configure("everything", nil, func(*inventoryv1alpha1.Location) bool { return true })
	policy, err := exposure.New(tr.channel.Spec.Exposure)
	if err != nil {
		t.Fatal(err)
	}
	selection, err := exposure.Select(tr.channel)
	if err != nil {
		t.Fatal(err)
	}
	return before, configure("what it is to be told", policy, selection.Includes)
}
