package controllers

import (
	"context"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// behind is a client whose cache has one object as it was some time ago.
type behind struct {
	client.Client
	object client.Object
}

func (b behind) Get(ctx context.Context, key client.ObjectKey, obj client.Object, opts ...client.GetOption) error {
	if key == client.ObjectKeyFromObject(b.object) && reflect.TypeOf(obj) == reflect.TypeOf(b.object) {
		reflect.ValueOf(obj).Elem().Set(reflect.ValueOf(b.object.DeepCopyObject()).Elem())
		return nil
	}
	return b.Client.Get(ctx, key, obj, opts...)
}

// withClient makes one of the reconcilers with a client.
type withClient func(client.Client) reconcile.Reconciler

// unready are objects whose reconcilers have a warning to give, of each kind that warns.
func unready(m *channelHarness) map[client.Object]withClient {
	c, l := tenant("login"), location("wd", "wd")
	l.Finalizers = []string{inventoryv1alpha1.LocationFinalizer}
	m.clock.Step(l.StaleAfter() + time.Hour)
	m.create(c, l, m.ch)
	return map[client.Object]withClient{
		c: func(c client.Client) reconcile.Reconciler { return &ClientReconciler{Client: c, Recorder: m.events} },
		l: func(c client.Client) reconcile.Reconciler { r := m.locations(); r.Client = c; return r },
		m.ch: func(c client.Client) reconcile.Reconciler {
			r := m.reconciler
			return &ChannelReconciler{Client: c, Runner: r.Runner, Registry: r.Registry, Recorder: r.Recorder, Clock: r.Clock}
		},
	}
}

// TestConflictsRepeatNoEvent has each reconciler read an object as it was before another writer changed it:
// nothing is stored, nothing is told, and it looks again.
func TestConflictsRepeatNoEvent(t *testing.T) {
	t.Parallel()
	m := newChannelHarness(t)
	for obj, with := range unready(m) {
		kind := reflect.TypeOf(obj).Elem().Name()
		request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(obj)}
		old := obj.DeepCopyObject().(client.Object)
		obj.SetLabels(map[string]string{"changed": "meanwhile"})
		m.change(obj)
		version := obj.GetResourceVersion()
		for range 2 {
			result, err := with(behind{m.Client, old}).Reconcile(t.Context(), request)
			if err != nil || result.RequeueAfter <= 0 {
				t.Errorf("%s: a conflict gives %+v, %v, want another look", kind, result, err)
			}
		}
		if got := m.heard(); len(got) > 0 {
			t.Errorf("%s: events %q of what was not stored", kind, got)
		}
		if m.refresh(obj); obj.GetResourceVersion() != version {
			t.Errorf("%s: what another has stored was overwritten", kind)
		}
		for range 2 {
			m.run(with(m.Client), obj)
		}
		if got := m.heard(); len(got) != 1 || !strings.HasPrefix(got[0], "Warning ") {
			t.Errorf("%s: events = %q, want one warning", kind, got)
		}
	}
}

// TestObjectsGoWhileTheyAreLookedAt has each reconciler read an object that has just been deleted, which is
// no error, and nobody has to know of it any more.
func TestObjectsGoWhileTheyAreLookedAt(t *testing.T) {
	t.Parallel()
	m := newChannelHarness(t)
	for obj, with := range unready(m) {
		kind := reflect.TypeOf(obj).Elem().Name()
		old := obj.DeepCopyObject().(client.Object)
		obj.SetFinalizers(nil)
		if err := env.Client.Update(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		if err := env.Client.Delete(t.Context(), obj); err != nil {
			t.Fatal(err)
		}
		result, err := with(behind{m.Client, old}).Reconcile(t.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(obj)})
		if err != nil {
			t.Errorf("%s: %+v, %v, want no error", kind, result, err)
		}
		if got := m.heard(); len(got) > 0 {
			t.Errorf("%s: events %q of an object that is gone", kind, got)
		}
	}
}

// folding is a client before each of whose status updates the fold moves a Location's revision on, as long
// as there are turns left.
type folding struct {
	client.Client
	fold  func()
	turns int
}

func (f *folding) Status() client.SubResourceWriter { return foldingStatus{f.Client.Status(), f} }

type foldingStatus struct {
	client.SubResourceWriter
	of *folding
}

func (s foldingStatus) Update(ctx context.Context, obj client.Object, opts ...client.SubResourceUpdateOption) error {
	if s.of.turns > 0 {
		s.of.turns--
		s.of.fold()
	}
	return s.SubResourceWriter.Update(ctx, obj, opts...)
}

// TestTheFoldsFieldsAreKept has the two writers of a Location's status meet: conditions are written whole with what the
// fold wrote before, and neither undoes what the other has stored.
func TestTheFoldsFieldsAreKept(t *testing.T) {
	t.Parallel()
	s, l := newHarness(t), location("wd", "wd")
	l.Finalizers = []string{inventoryv1alpha1.LocationFinalizer}
	s.create(tenant("x"), l)
	revision := 100
	fold := func() { // as the fold writes: its own fields only, wherever the rest stands
		revision++
		patch, err := json.Marshal(map[string]any{"status": map[string]any{
			"foldedRevision": strconv.Itoa(revision), "skuCount": revision,
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := env.Client.Status().Patch(t.Context(), l.DeepCopy(), client.RawPatch(types.MergePatchType, patch)); err != nil {
			t.Fatal(err)
		}
	}
	c := &folding{Client: s.Client, fold: fold, turns: 3}
	r := s.locations()
	r.Client = c
	looks := 0
	s.await("the conditions", func() bool {
		looks++
		s.run(r, l)
		return len(l.Status.Conditions) > 0
	})
	if looks < 4 || c.turns > 0 {
		t.Errorf("stored at look %d with %d folds left, want three conflicts before", looks, c.turns)
	}
	s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionTrue, "Accepting", "")
	if got := l.Status; got.FoldedRevision != "103" || got.SKUCount == nil || *got.SKUCount != 103 {
		t.Errorf("status %+v, want the revision and the count of the last fold, 103", got)
	}
	fold()
	s.refresh(l)
	s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionTrue, "Accepting", "")
}
