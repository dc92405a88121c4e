package controllers

import (
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// wantHealth reads an object as Flux and Argo CD do, and computes its health by kstatus.
func (s *harness) wantHealth(obj client.Object, want status.Status) {
	s.Helper()
	kind, err := apiutil.GVKForObject(obj, env.Scheme)
	if err != nil {
		s.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(kind)
	if err := env.Client.Get(s.Context(), client.ObjectKeyFromObject(obj), u); err != nil {
		s.Fatal(err)
	}
	got, err := status.Compute(u)
	if err != nil {
		s.Fatal(err)
	}
	if got.Status != want {
		s.Errorf("%s %s is %s: %s; want %s", kind.Kind, obj.GetName(), got.Status, got.Message, want)
	}
}

// job returns the one ChannelSyncJob with a reason, which is empty while it runs.
func (m *channelHarness) job(reason string) *inventoryv1alpha1.ChannelSyncJob {
	m.Helper()
	var found *inventoryv1alpha1.ChannelSyncJob
	m.await("a job "+reason, func() bool {
		jobs := &inventoryv1alpha1.ChannelSyncJobList{}
		if err := env.Client.List(m.Context(), jobs, client.InNamespace(m.ns)); err != nil {
			m.Fatal(err)
		}
		for i := range jobs.Items {
			is := ""
			for _, c := range jobs.Items[i].Status.Conditions {
				is = c.Reason
			}
			if is == reason {
				found = &jobs.Items[i]
			}
		}
		return found != nil
	})
	return found
}

// TestHealthByKstatus has each kind with conditions in the states that its reconciler produces.
func TestHealthByKstatus(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(*channelHarness){
		"Client": func(m *channelHarness) {
			c := tenant("login")
			m.create(c)
			m.wantHealth(c, status.InProgressStatus) // nobody has looked yet
			m.run(&ClientReconciler{Client: m, Recorder: m.events}, c)
			m.wantHealth(c, status.FailedStatus)
			m.create(secret("login", map[string]string{"username": "u", "password": "p"}))
			m.run(&ClientReconciler{Client: m, Recorder: m.events}, c)
			m.wantHealth(c, status.CurrentStatus)
			c.Spec.DomainName = "d"
			m.change(c)
			m.wantHealth(c, status.InProgressStatus)
		},
		"Location": func(m *channelHarness) {
			l := location("wd", "wd")
			m.create(l)
			m.wantHealth(l, status.InProgressStatus)
			m.ready(l)
			m.wantHealth(l, status.FailedStatus) // without its Client
			m.create(tenant("x"))
			m.run(m.locations(), l)
			m.wantHealth(l, status.CurrentStatus)
			m.clock.Step(l.StaleAfter() + time.Hour)
			m.run(m.locations(), l)
			m.wantHealth(l, status.CurrentStatus) // what the sender omits fails no deployment
			if err := env.Client.Delete(m.Context(), l); err != nil {
				m.Fatal(err)
			}
			m.wantHealth(l, status.TerminatingStatus)
		},
		"Location whose log is full": func(m *channelHarness) {
			l := location("wd", "wd")
			m.limitLog(1)
			m.create(tenant("x"), l)
			m.stock("one", map[string]inventoryv1alpha1.Quantity{"a": 1})
			m.ready(l)
			m.wantHealth(l, status.InProgressStatus)
		},
		"Channel that is lost": func(m *channelHarness) {
			m.create(m.ch)
			m.wantHealth(m.ch, status.InProgressStatus)
			m.look()
			m.wantHealth(m.ch, status.FailedStatus) // without its Client
		},
		"Channel that is suspended": func(m *channelHarness) {
			m.ch.Spec.Suspend = new(true)
			m.create(tenant("x"), secret("token", map[string]string{"token": "good"}), m.ch)
			m.look()
			m.wantHealth(m.ch, status.FailedStatus)
		},
		"Channel and its jobs": func(m *channelHarness) {
			m.create(tenant("x"), location("wd", "wd"), secret("token", map[string]string{"token": "good"}), m.ch)
			m.look()
			m.wantHealth(m.ch, status.CurrentStatus)

			m.shop.NextErr(channel.NewError(channel.Retry, "Down", "the shop is closed"))
			release := m.shop.Hold()
			m.stock("one", map[string]inventoryv1alpha1.Quantity{"a": 1})
			m.await("the call", func() bool { return len(m.shop.Batches()) == 1 })
			m.clock.Step(2 * time.Second) // a run that lasts has its job while it is under way
			m.wantHealth(m.job(inventoryv1alpha1.JobRunning), status.InProgressStatus)
			m.look()
			m.wantHealth(m.ch, status.CurrentStatus) // what it always does is no rollout
			release()
			m.wantHealth(m.job(inventoryv1alpha1.JobFailed), status.FailedStatus)
			m.await("the failure", func() bool { return m.report().Failures == 1 })
			m.look()
			m.wantHealth(m.ch, status.InProgressStatus)

			m.clock.Step(2 * time.Second)
			m.wantHealth(m.job(inventoryv1alpha1.JobSucceeded), status.CurrentStatus)
			m.shop.FailProbe(errDenied)
			m.clock.Step(time.Minute)
			m.look()
			m.wantHealth(m.ch, status.FailedStatus)
		},
		"ChannelSyncJob that was cut off": func(m *channelHarness) {
			m.create(tenant("x"), location("wd", "wd"), secret("token", map[string]string{"token": "good"}), m.ch)
			m.look()
			job := named(&inventoryv1alpha1.ChannelSyncJob{Spec: inventoryv1alpha1.ChannelSyncJobSpec{
				ChannelRef: inventoryv1alpha1.NameRef{Name: "shop"}, Mode: inventoryv1alpha1.LocationWise,
				Items: []inventoryv1alpha1.SyncItem{{SKU: "a", LocationName: "wd", Quantity: 40}},
			}}, "shop-1")
			m.create(job)
			m.run(&ChannelSyncJobReconciler{Client: m, Runner: m.runner, Clock: m.clock}, job)
			m.wantHealth(job, status.FailedStatus)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(newChannelHarness(t))
		})
	}
}
