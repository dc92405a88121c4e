package controllers

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/status"
	"tallyman.dev/tallyman/controllers/syncstate"
	"tallyman.dev/tallyman/hack/testenv"
)

// testPatience bounds every wait of a test; it is never waited for in a test that passes.
const testPatience = 30 * time.Second

// harness is a namespace with a client that reads through an indexed cache, as the manager's does.
type harness struct {
	*testing.T
	client.Client
	ns           string
	clock        *clocktesting.FakeClock
	events       *events.FakeRecorder
	store        *ledger.Store
	tables       *syncstate.Tables
	runner       *channelsync.Runner
	backpressure *ledger.Backpressure
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	ns := env.Namespace(t)
	objects, err := cache.New(env.Config, cache.Options{
		Scheme: env.Scheme, DefaultNamespaces: map[string]cache.Config{ns: {}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := Index(ctx, objects); err != nil {
		t.Fatal(err)
	}
	c, err := client.New(env.Config, client.Options{Scheme: env.Scheme, Cache: &client.CacheOptions{
		Reader: objects, DisableFor: []client.Object{&inventoryv1alpha1.InventoryBatch{}, &inventoryv1alpha1.InventorySnapshot{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := &harness{
		T: t, Client: c, ns: ns, clock: clocktesting.NewFakeClock(time.Now()),
		events: events.NewFakeRecorder(100), store: ledger.NewStore(),
	}
	s.limitLog(100)
	s.tables = syncstate.NewTables(s.store, c, s.clock)
	s.runner = channelsync.New(channelsync.Options{
		Stock: s.store, Tables: s.tables, Client: c, Clock: s.clock,
		Limits: channelsync.Limits{RunItems: 10},
	})
	var running sync.WaitGroup
	running.Go(func() { _ = objects.Start(ctx) })
	running.Go(func() { _ = s.runner.Run(ctx, &channelsync.Term{Revision: 1}) })
	t.Cleanup(func() { cancel(); running.Wait() })
	if !objects.WaitForCacheSync(ctx) {
		t.Fatal("the cache did not sync")
	}
	s.await("the Runner", s.runner.Running)
	return s
}

// limitLog has batches turned away where half as many are not folded.
func (s *harness) limitLog(batches int) {
	s.backpressure = ledger.NewBackpressure(s.store.Log(), ledger.LogLimits{Batches: batches, Bytes: 1 << 20}, s.clock)
}

// await polls for what no event announces.
func (s *harness) await(what string, ok func() bool) {
	s.Helper()
	deadline := time.NewTimer(testPatience)
	defer deadline.Stop()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			s.Fatalf("waited in vain for %s", what)
		}
	}
}

// create stores objects and waits until the cache has them.
func (s *harness) create(objs ...client.Object) {
	s.Helper()
	for _, obj := range objs {
		obj.SetNamespace(s.ns)
		env.Create(s.T, obj)
		s.seen(obj)
	}
}

// seen waits until the cache has an object at least as new.
func (s *harness) seen(obj client.Object) {
	s.Helper()
	s.await("the cache", func() bool {
		have := obj.DeepCopyObject().(client.Object)
		if s.Get(s.Context(), client.ObjectKeyFromObject(obj), have) != nil {
			return false
		}
		order, err := resourceversion.CompareResourceVersion(have.GetResourceVersion(), obj.GetResourceVersion())
		return err == nil && order >= 0
	})
}

// run reconciles an object once and waits until the cache has what came of it.
func (s *harness) run(r interface {
	Reconcile(context.Context, ctrl.Request) (ctrl.Result, error)
}, obj client.Object,
) ctrl.Result {
	s.Helper()
	result, err := r.Reconcile(s.Context(), ctrl.Request{NamespacedName: client.ObjectKeyFromObject(obj)})
	if err != nil {
		s.Fatalf("Reconcile: %v", err)
	}
	s.refresh(obj)
	return result
}

// refresh reads an object from the API server, and waits for the cache.
func (s *harness) refresh(obj client.Object) {
	s.Helper()
	err := env.Client.Get(s.Context(), client.ObjectKeyFromObject(obj), obj)
	if apierrors.IsNotFound(err) {
		return
	}
	if err != nil {
		s.Fatal(err)
	}
	s.seen(obj)
}

// wantCondition checks a condition's status, reason and part of its message.
func (s *harness) wantCondition(conditions []metav1.Condition, conditionType string, status metav1.ConditionStatus, reason, message string) {
	s.Helper()
	c := apimeta.FindStatusCondition(conditions, conditionType)
	if c == nil || c.Status != status || c.Reason != reason || !strings.Contains(c.Message, message) {
		s.Errorf("condition %s = %+v, want %s, %s, …%s…", conditionType, c, status, reason, message)
	}
}

// heard returns the events since the last call.
func (s *harness) heard() []string {
	var out []string
	for {
		select {
		case e := <-s.events.Events:
			out = append(out, e)
		default:
			return out
		}
	}
}

func named[T client.Object](obj T, name string) T {
	obj.SetName(name)
	return obj
}

func tenant(secrets ...string) *inventoryv1alpha1.Client {
	c := &inventoryv1alpha1.Client{Spec: inventoryv1alpha1.ClientSpec{ClientID: 1}}
	for _, name := range secrets {
		c.Spec.CredentialsSecretRefs = append(c.Spec.CredentialsSecretRefs, inventoryv1alpha1.NameRef{Name: name})
	}
	return named(c, "acme")
}

func location(name, code string) *inventoryv1alpha1.Location {
	return named(&inventoryv1alpha1.Location{Spec: inventoryv1alpha1.LocationSpec{
		ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, Code: code,
	}}, name)
}

func secret(name string, data map[string]string) *corev1.Secret {
	return named(&corev1.Secret{StringData: data}, name)
}

func TestClientReadiness(t *testing.T) {
	t.Parallel()
	good := map[string]string{"username": "u", "password": "p"}
	for name, tc := range map[string]struct {
		secrets []*corev1.Secret
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"both there":  {[]*corev1.Secret{secret("a", good), secret("b", good)}, metav1.ConditionTrue, "Accepting", "2 credentials"},
		"one missing": {[]*corev1.Secret{secret("a", good)}, metav1.ConditionFalse, "SecretNotFound", `"b"`},
		"key missing": {[]*corev1.Secret{secret("a", good), secret("b", map[string]string{"username": "u"})}, metav1.ConditionFalse, "SecretIncomplete", `"password"`},
		"of files":    {[]*corev1.Secret{secret("a", map[string]string{"username": "u\n", "password": "p\r\n"}), secret("b", good)}, metav1.ConditionTrue, "Accepting", "2 credentials"},
		"value is a line break": {
			[]*corev1.Secret{secret("a", good), secret("b", map[string]string{"username": "u", "password": "\n"})},
			metav1.ConditionFalse, "SecretIncomplete", `the key "password" of Secret "b" is missing or empty`,
		},
		"several lines": {
			[]*corev1.Secret{secret("a", good), secret("b", map[string]string{"username": "u", "password": "s3cret\ns3cret\n"})},
			metav1.ConditionFalse, "InvalidCredentials", `the key "password" of Secret "b" must not hold a line break`,
		},
		"colon in the username": {
			[]*corev1.Secret{secret("a", map[string]string{"username": "u:v", "password": "p"}), secret("b", good)},
			metav1.ConditionFalse, "InvalidCredentials", `the key "username" of Secret "a" must not hold a colon`,
		},
		"value is void": {[]*corev1.Secret{secret("a", map[string]string{"username": "", "password": "p"}), secret("b", good)}, metav1.ConditionFalse, "SecretIncomplete", `"username"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newHarness(t)
			for _, obj := range tc.secrets {
				s.create(obj)
			}
			c := tenant("a", "b")
			s.create(c, location("wd", "wd"))
			s.run(&ClientReconciler{Client: s, Recorder: s.events}, c)
			s.wantCondition(c.Status.Conditions, "Ready", tc.status, tc.reason, tc.message)
			if got := c.Status.LocationCount; got == nil || *got != 1 {
				t.Errorf("locationCount = %v, want 1", got)
			}
			if got := c.Status.ObservedGeneration; got == nil || *got != c.Generation {
				t.Errorf("observedGeneration = %v, want %d", got, c.Generation)
			}
			version := c.ResourceVersion
			if s.run(&ClientReconciler{Client: s, Recorder: s.events}, c); c.ResourceVersion != version {
				t.Error("a second look wrote the status again, though nothing changed")
			}
			switch got := s.heard(); {
			case tc.status == metav1.ConditionTrue && len(got) > 0:
				t.Errorf("events = %q, want none", got)
			case tc.status == metav1.ConditionFalse && (len(got) != 1 || !strings.HasPrefix(got[0], "Warning "+tc.reason)):
				t.Errorf("events = %q, want one Warning %s", got, tc.reason)
			}
		})
	}
}

func (s *harness) locations() *LocationReconciler {
	return &LocationReconciler{Client: s, Store: s.store, Runner: s.runner, Backpressure: s.backpressure, Recorder: s.events, Clock: s.clock}
}

// ready reconciles a new Location until it has its finalizer and its conditions.
func (s *harness) ready(l *inventoryv1alpha1.Location) ctrl.Result {
	s.Helper()
	s.run(s.locations(), l)
	return s.run(s.locations(), l)
}

func TestLocationReadiness(t *testing.T) {
	t.Parallel()
	t.Run("without its Client", func(t *testing.T) {
		t.Parallel()
		s, l := newHarness(t), location("wd", "wd")
		s.create(l)
		s.ready(l)
		s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionFalse, "ClientNotFound", `"acme"`)
		s.wantCondition(l.Status.Conditions, "Stalled", metav1.ConditionTrue, "ClientNotFound", "")
	})
	t.Run("the older of two with one code", func(t *testing.T) {
		t.Parallel()
		s, older, younger := newHarness(t), location("a", "wd"), location("b", "wd")
		s.create(tenant("x"), older, younger)
		s.ready(older)
		s.ready(younger)
		s.wantCondition(older.Status.Conditions, "Ready", metav1.ConditionTrue, "Accepting", `"wd"`)
		s.wantCondition(younger.Status.Conditions, "Ready", metav1.ConditionFalse, "Duplicate", `"a" has the same code`)
	})
	t.Run("one number for two", func(t *testing.T) {
		t.Parallel()
		s, older, younger := newHarness(t), location("a", "wd"), location("b", "st")
		older.Spec.FulfillmentLocationID, younger.Spec.FulfillmentLocationID = 7, 7
		s.create(tenant("x"), older, younger)
		s.ready(younger)
		s.wantCondition(younger.Status.Conditions, "Ready", metav1.ConditionFalse, "Duplicate", "fulfillmentLocationId")
	})
}

// TestLocationWithAFullLog has a log that is not folded, and then is.
func TestLocationWithAFullLog(t *testing.T) {
	t.Parallel()
	s, l := newHarness(t), location("wd", "wd")
	s.limitLog(2)
	s.create(tenant("x"), l)
	batch := testenv.Batch(inventoryv1alpha1.LocationStock{LocationName: l.Name, Quantities: map[string]inventoryv1alpha1.Quantity{"A": 1}})
	s.create(named(batch, "one"))
	s.store.ApplyBatch(batch)
	s.ready(l)
	s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionFalse, "LogFull", "turned away")
	s.wantCondition(l.Status.Conditions, "Reconciling", metav1.ConditionTrue, "LogFull", "")

	folder := fold.New(fold.Options{Store: s.store, Client: s, Reader: env.Client, States: s.tables, Clock: s.clock})
	if err := folder.Fold(t.Context(), client.ObjectKeyFromObject(l)); err != nil {
		t.Fatalf("Fold: %v", err)
	}
	s.clock.Step(time.Second) // the figures may be older than the fold
	s.refresh(l)
	s.run(s.locations(), l)
	s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionTrue, "Accepting", "")
}

func TestLocationFreshness(t *testing.T) {
	t.Parallel()
	s, l := newHarness(t), location("wd", "wd")
	l.Spec.StaleAfter = &metav1.Duration{Duration: time.Hour}
	s.create(tenant("x"), l)
	s.clock.SetTime(l.CreationTimestamp.Time)
	if next := s.ready(l).RequeueAfter; next != time.Hour {
		t.Errorf("looked at again after %s, want when it turns stale, 1h", next)
	}
	s.wantCondition(l.Status.Conditions, "Fresh", metav1.ConditionUnknown, "NoBatchYet", "")

	batch := metav1.NewTime(l.CreationTimestamp.Add(30 * time.Minute))
	l.Status.LastBatchTime = &batch
	if err := env.Client.Status().Update(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	s.seen(l)
	s.clock.SetTime(batch.Add(20 * time.Minute))
	if next := s.run(s.locations(), l).RequeueAfter; next != 40*time.Minute {
		t.Errorf("looked at again after %s, want 40m", next)
	}
	s.wantCondition(l.Status.Conditions, "Fresh", metav1.ConditionTrue, "BatchReceived", "")

	s.heard()
	s.clock.SetTime(batch.Add(time.Hour))
	for range 2 {
		s.run(s.locations(), l)
	}
	s.wantCondition(l.Status.Conditions, "Fresh", metav1.ConditionFalse, "Stale", "1h")
	if got := s.heard(); len(got) != 1 || !strings.Contains(got[0], "Warning Stale") {
		t.Errorf("events = %q, want one warning", got)
	}
}

func TestLocationIsWithdrawnBeforeItGoes(t *testing.T) {
	t.Parallel()
	s, l := newHarness(t), location("wd", "wd")
	suspended := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, Type: inventoryv1alpha1.ChannelOmni,
		Omni: &inventoryv1alpha1.OmniChannel{URL: "http://127.0.0.1:1/"}, Suspend: new(true),
	}}
	selling := suspended.DeepCopy()
	selling.Spec.Suspend = nil
	other := location("st", "st")
	s.create(tenant("x"), l, other, named(suspended, "asleep"), named(selling, "shop"))
	s.ready(l)
	s.create(
		named(&inventoryv1alpha1.InventorySnapshot{LocationName: "wd", SKUs: map[string]inventoryv1alpha1.Quantity{}}, "wd-0-x"),
	)
	// Two records, of which one has stock of a location that stays.
	stock := func(locations ...string) *inventoryv1alpha1.InventoryBatch {
		var stock []inventoryv1alpha1.LocationStock
		for _, name := range locations {
			stock = append(stock, inventoryv1alpha1.LocationStock{
				LocationName: name, Quantities: map[string]inventoryv1alpha1.Quantity{"a": 1},
			})
		}
		batch := testenv.Batch(stock...)
		batch.Namespace, batch.GenerateName = s.ns, "wd-"
		env.Create(t, batch)
		s.store.ApplyBatch(batch)
		return batch
	}
	own, shared := stock("wd"), stock("wd", "st")
	if err := env.Client.Delete(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	s.refresh(l)
	s.run(s.locations(), l)
	s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionFalse, "Withdrawing", "shop")

	s.runner.Configure(channelsync.Config{Channel: selling, Digest: "1", Settings: &syncstate.Settings{Pools: selling.Pools()}}) // sells from nowhere
	s.run(s.locations(), l)
	s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionFalse, "Withdrawing", "folded and deleted: 2")
	trimmer := fold.NewTrimmer(fold.TrimmerOptions{Log: s.store.Log(), Client: s, Clock: s.clock, Retention: time.Hour, Keep: 100, Limits: ledger.LogLimits{Batches: 100, Bytes: 1 << 20}})
	trim := func() {
		t.Helper()
		if err := trimmer.Trim(t.Context()); err != nil {
			t.Fatalf("Trim: %v", err)
		}
		s.run(s.locations(), l)
	}
	trim()
	s.wantCondition(l.Status.Conditions, "Ready", metav1.ConditionFalse, "Withdrawing", "folded and deleted: 1")
	folder := fold.New(fold.Options{Store: s.store, Client: s, Reader: env.Client, States: s.tables, Clock: s.clock})
	if err := folder.Fold(t.Context(), client.ObjectKeyFromObject(other)); err != nil {
		t.Fatalf("Fold: %v", err)
	}
	trim()
	for _, obj := range []client.Object{l, named(&inventoryv1alpha1.InventorySnapshot{}, "wd-0-x"), own, shared} {
		obj.SetNamespace(s.ns)
		if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(obj), obj); !apierrors.IsNotFound(err) {
			t.Errorf("get %T: %v, want NotFound", obj, err)
		}
	}
}

func TestExpiredJobs(t *testing.T) {
	t.Parallel()
	now := time.Now()
	job := func(name string, age time.Duration, ready bool) inventoryv1alpha1.ChannelSyncJob {
		j := inventoryv1alpha1.ChannelSyncJob{ObjectMeta: metav1.ObjectMeta{Name: name}}
		j.Status.CompletionTime = &metav1.MicroTime{Time: now.Add(-age)}
		outcome := status.Stalled("R", "")
		if ready {
			outcome = status.Ready("R", "")
		}
		outcome.Apply(&j.Status.Conditions, 1)
		return j
	}
	ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Jobs: &inventoryv1alpha1.JobHistory{
		SuccessfulLimit: new(int32(2)), FailedLimit: new(int32(1)), TTLSecondsAfterFinished: new(int32(60)),
	}}}
	jobs := []inventoryv1alpha1.ChannelSyncJob{
		job("good-1", time.Second, true), job("good-2", 2*time.Second, true), job("good-3", 3*time.Second, true),
		job("bad-1", 4*time.Second, false), job("bad-2", 5*time.Second, false),
		job("old", time.Minute, false),
		{ObjectMeta: metav1.ObjectMeta{Name: "running"}},
	}
	surplus, next := expiredJobs(jobs, ch, now)
	var got []string
	for _, j := range surplus {
		got = append(got, j.Name)
	}
	if want := "good-3 bad-2 old"; strings.Join(got, " ") != want {
		t.Errorf("surplus = %q, want %q", got, want)
	}
	if want := 56 * time.Second; next != want {
		t.Errorf("next = %s, want %s: when bad-1 expires", next, want)
	}
}

func TestCutOffJobIsSuperseded(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, Type: inventoryv1alpha1.ChannelOmni,
		Omni: &inventoryv1alpha1.OmniChannel{URL: "http://127.0.0.1:1/"},
	}}
	job := &inventoryv1alpha1.ChannelSyncJob{Spec: inventoryv1alpha1.ChannelSyncJobSpec{
		ChannelRef: inventoryv1alpha1.NameRef{Name: "shop"}, Mode: inventoryv1alpha1.LocationWise,
		Items: []inventoryv1alpha1.SyncItem{{SKU: "a", LocationName: "wd", Quantity: 40}},
	}}
	orphan := job.DeepCopy()
	orphan.Spec.ChannelRef.Name = "gone"
	s.create(named(ch, "shop"), named(job, "shop-1"), named(orphan, "gone-1"))
	r := &ChannelSyncJobReconciler{Client: s, Runner: s.runner, Clock: s.clock}

	if next := s.run(r, job).RequeueAfter; next == 0 || job.Finished() {
		t.Errorf("without a lane: looked at again after %s, finished %v; want a wait", next, job.Finished())
	}
	ch.Status.Epochs = []inventoryv1alpha1.ChannelEpoch{{Number: 1, Digest: "1"}}
	s.runner.Configure(channelsync.Config{Channel: ch, Digest: "1", Settings: &syncstate.Settings{
		Mode: inventoryv1alpha1.LocationWise, Pools: ch.Pools(), Locations: []syncstate.Location{{Name: "wd", Code: "wd", Selected: true}},
	}})
	s.run(r, job)
	s.wantCondition(job.Status.Conditions, "Ready", metav1.ConditionFalse, inventoryv1alpha1.JobSuperseded, "")
	if report, _ := s.runner.Report(client.ObjectKeyFromObject(ch)); report.Pending != 1 {
		t.Errorf("%d pending, want the job's item", report.Pending)
	}
	s.run(r, orphan)
	if err := env.Client.Get(t.Context(), client.ObjectKeyFromObject(orphan), orphan); !apierrors.IsNotFound(err) {
		t.Errorf("the job of a Channel that is gone: %v, want NotFound", err)
	}
}
