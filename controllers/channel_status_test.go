package controllers

import (
	"encoding/json"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/syncstate"
	"tallyman.dev/tallyman/hack/testenv"
)

// stock sets quantities of the location wd.
func (m *channelHarness) stock(name string, quantities map[string]inventoryv1alpha1.Quantity) {
	m.Helper()
	batch := named(testenv.Batch(inventoryv1alpha1.LocationStock{LocationName: "wd", Quantities: quantities}), name)
	batch.Namespace = m.ns
	env.Create(m.T, batch)
	m.store.ApplyBatch(batch)
}

// wantCounts reconciles and checks what the status counts.
func (m *channelHarness) wantCounts(pending, failed, failures int32) {
	m.Helper()
	m.look()
	s := m.ch.Status
	if s.PendingCount == nil || s.FailedCount == nil || s.ConsecutiveFailures == nil ||
		*s.PendingCount != pending || *s.FailedCount != failed || *s.ConsecutiveFailures != failures {
		m.Errorf("status %+v, want %d pending, %d failed, %d failures", s, pending, failed, failures)
	}
}

func TestChannelStatusCounts(t *testing.T) {
	t.Parallel()
	m := open(t, "good")
	m.look()
	m.wantCounts(0, 0, 0)

	m.shop.Fail("bad", channel.NewError(channel.Rejected, "Unknown", "no such article"))
	m.shop.NextErr(channel.NewError(channel.Retry, "Down", "the shop is closed"))
	release := m.shop.Hold()
	m.stock("one", map[string]inventoryv1alpha1.Quantity{"a": 1, "b": 2, "bad": 3})
	m.await("the call", func() bool { return len(m.shop.Batches()) == 1 })
	m.wantCounts(3, 0, 0)
	m.wantReady(metav1.ConditionTrue, "Syncing", "", false)

	m.heard()
	release()
	m.await("the failure", func() bool { return m.report().Failures == 1 })
	m.wantCounts(3, 0, 1)
	m.wantReady(metav1.ConditionFalse, "Down", "closed", false)
	m.wantEvent("Warning Down")
	if m.ch.Status.NextAttemptTime == nil {
		t.Error("nextAttemptTime is not set, want the end of the pause")
	}

	m.clock.Step(2 * time.Second)
	m.await("the push", func() bool { return m.report().Failed == 1 && m.report().Failures == 0 })
	m.wantCounts(2, 1, 0) // what the call that failed carried may still land
	m.clock.Step(m.ch.Timeout())
	m.await("the push after that", func() bool { return m.report().Pending == 0 })
	m.wantCounts(0, 1, 0)
	m.wantReady(metav1.ConditionTrue, "SomeFailed", "except for 1 SKU that", false)
	m.wantEvent("Normal Recovered")
	if s := m.ch.Status; s.LastSyncTime == nil || s.NextAttemptTime != nil {
		t.Errorf("lastSyncTime %v, nextAttemptTime %v; want the first alone", s.LastSyncTime, s.NextAttemptTime)
	}
}

func TestDeletedChannelLosesItsLane(t *testing.T) {
	t.Parallel()
	m := open(t, "good")
	m.look()
	key := client.ObjectKeyFromObject(m.ch)
	if err := env.Client.Delete(t.Context(), m.ch); err != nil {
		t.Fatal(err)
	}
	m.await("the cache", func() bool { return apierrors.IsNotFound(m.Get(t.Context(), key, m.ch.DeepCopy())) })
	m.look()
	if _, known := m.runner.Report(key); known || m.reconciler.connection(key) != nil {
		t.Error("the lane or the connector is left behind")
	}
}

// TestWhatIsStoredIsNotDifferent reads back a status that was filled in by a busy lane, whose times are finer than those
// that the API server stores: the same report changes nothing.
func TestWhatIsStoredIsNotDifferent(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 123_456_789)
	report := channelsync.Report{
		Report: syncstate.Report{Known: true, LastSync: at}, NextAttempt: at.Add(time.Minute), Failures: 1,
		Compared: channelsync.Comparison{Began: at, Compared: 3, Differing: 2, Repaired: 1},
	}
	ch := &inventoryv1alpha1.Channel{}
	fill(ch, report)
	raw, err := json.Marshal(ch)
	if err != nil {
		t.Fatal(err)
	}
	stored := &inventoryv1alpha1.Channel{}
	if err := json.Unmarshal(raw, stored); err != nil {
		t.Fatal(err)
	}
	again := stored.DeepCopy()
	if fill(again, report); !equality.Semantic.DeepEqual(stored, again) {
		t.Errorf("the status %+v is written again as %+v", stored.Status, again.Status)
	}
}
