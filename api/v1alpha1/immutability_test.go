package v1alpha1_test

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/api/v1alpha1"
)

// badChange is a change that the API server refuses with a message that names the field.
type badChange struct {
	obj    client.Object
	change func(client.Object)
	want   string
}

func badChanges() map[string]badChange {
	return map[string]badChange{
		"client's number":     {goodClient(), func(o client.Object) { o.(*v1alpha1.Client).Spec.ClientID = 8 }, "clientId is immutable"},
		"location's code":     {goodLocation(), func(o client.Object) { o.(*v1alpha1.Location).Spec.Code = "other" }, "code is immutable"},
		"location's client":   {goodLocation(), func(o client.Object) { o.(*v1alpha1.Location).Spec.ClientRef.Name = "other" }, "clientRef is immutable"},
		"snapshot's location": {goodSnapshot(), func(o client.Object) { o.(*v1alpha1.InventorySnapshot).LocationName = "other" }, "locationName is immutable"},
		"snapshot's pool":     {goodSnapshot(), func(o client.Object) { o.(*v1alpha1.InventorySnapshot).PoolID = 1 }, "poolId is immutable"},
		"snapshot's UID":      {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.LocationUID = "u" }), func(o client.Object) { o.(*v1alpha1.InventorySnapshot).LocationUID = "v" }, "locationUID is immutable once set"},
		"snapshot's lost UID": {spoilt(goodSnapshot(), func(s *v1alpha1.InventorySnapshot) { s.LocationUID = "u" }), func(o client.Object) { o.(*v1alpha1.InventorySnapshot).LocationUID = "" }, "locationUID is immutable once set"},
		"channel's client":    {goodChannel(), func(o client.Object) { o.(*v1alpha1.Channel).Spec.ClientRef.Name = "other" }, "clientRef is immutable"},
		"job's items":         {goodJob(), func(o client.Object) { o.(*v1alpha1.ChannelSyncJob).Spec.Items[0].Quantity = 2 }, "spec is immutable: a run is frozen when it starts"},
		"job's channel":       {goodJob(), func(o client.Object) { o.(*v1alpha1.ChannelSyncJob).Spec.ChannelRef.Name = "other" }, "spec is immutable: a run is frozen when it starts"},
		"batch's location":    {goodBatch(), func(o client.Object) { o.(*v1alpha1.InventoryBatch).Stock[0].LocationName = "other" }, "stock is immutable"},
		"batch's pool":        {goodBatch(), func(o client.Object) { o.(*v1alpha1.InventoryBatch).Stock[0].PoolID = 1 }, "stock is immutable"},
		"batch's numbers":     {goodBatch(), func(o client.Object) { o.(*v1alpha1.InventoryBatch).Stock[0].Quantities["A"] = 2 }, "stock is immutable"},
		"batch's count":       {goodBatch(), func(o client.Object) { o.(*v1alpha1.InventoryBatch).RequestCount = 2 }, "InventoryBatches are immutable"},
		"batch's requests":    {goodBatch(), func(o client.Object) { o.(*v1alpha1.InventoryBatch).Requests[0].ID = "d" }, "InventoryBatches are immutable"},
		"batch's senders":     {goodBatch(), func(o client.Object) { o.(*v1alpha1.InventoryBatch).Senders[0].Client = "d" }, "InventoryBatches are immutable"},
		"batch's labels":      {goodBatch(), func(o client.Object) { o.SetLabels(map[string]string{"a": "b"}) }, "InventoryBatches are immutable"},
		"batch's notes":       {goodBatch(), func(o client.Object) { o.SetAnnotations(map[string]string{"a": "b"}) }, "InventoryBatches are immutable"},
		"batch's owners":      {goodBatch(), func(o client.Object) { o.SetFinalizers([]string{"a.b/c"}) }, "InventoryBatches are immutable"},
	}
}

func TestImmutability(t *testing.T) {
	t.Parallel()
	for name, tc := range badChanges() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tc.obj.SetNamespace(env.Namespace(t))
			tc.obj.SetName("x")
			env.Create(t, tc.obj)
			tc.change(tc.obj)
			wantRefused(t, env.Client.Update(t.Context(), tc.obj), []string{tc.want})
		})
	}
	t.Run("a location's number can be set later, and then stays", func(t *testing.T) {
		t.Parallel()
		l := goodLocation()
		l.Namespace, l.Name = env.Namespace(t), "x"
		env.Create(t, l)
		l.Spec.FulfillmentLocationID = 5
		if err := env.Client.Update(t.Context(), l); err != nil {
			t.Fatalf("set the number: %v", err)
		}
		for _, n := range []int64{6, 0} {
			l.Spec.FulfillmentLocationID = n
			wantRefused(t, env.Client.Update(t.Context(), l), []string{"fulfillmentLocationId is immutable once set"})
		}
	})
}

// TestSnapshotsGetTheirLocationsUID sets it in a snapshot from before the field was there.
func TestSnapshotsGetTheirLocationsUID(t *testing.T) {
	t.Parallel()
	s := goodSnapshot()
	s.Namespace, s.Name = env.Namespace(t), "x"
	env.Create(t, s)
	s.LocationUID = "u"
	if err := env.Client.Update(t.Context(), s); err != nil {
		t.Error(err)
	}
}

func TestStatusIsNotObservedAtFirst(t *testing.T) {
	t.Parallel()
	ns := env.Namespace(t)
	c, l, ch, j := goodClient(), goodLocation(), goodChannel(), goodJob()
	for _, obj := range []client.Object{c, l, ch, j} {
		obj.SetNamespace(ns)
		obj.SetName("x")
		env.Create(t, obj)
	}
	for kind, got := range map[string]*int64{
		"Client": c.Status.ObservedGeneration, "Location": l.Status.ObservedGeneration,
		"Channel": ch.Status.ObservedGeneration, "ChannelSyncJob": j.Status.ObservedGeneration,
	} {
		if got == nil || *got != -1 {
			t.Errorf("%s: status.observedGeneration = %v, want -1", kind, got)
		}
	}
}
