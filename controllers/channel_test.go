package controllers

import (
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/fake"
	"tallyman.dev/tallyman/controllers/channelsync"
)

// channelHarness is a Channel with its reconciler, and the channel behind it, which lets in whoever has the
// token "good".
type channelHarness struct {
	*harness
	reconciler *ChannelReconciler
	shop       *fake.Channel
	ch         *inventoryv1alpha1.Channel
}

var errDenied = channel.NewError(channel.Unauthorized, "Unauthorized", "wrong token")

// newChannelHarness makes a channelHarness; the Channel is not stored yet.
func newChannelHarness(t *testing.T) *channelHarness {
	t.Helper()
	m := &channelHarness{harness: newHarness(t), shop: fake.New(channel.Limits{BatchSize: 10})}
	registry, err := channel.NewRegistry(channel.Registration{
		Type: inventoryv1alpha1.ChannelOmni,
		Factory: func(cfg channel.Config) (channel.Connector, error) {
			m.shop.FailProbe(nil)
			if string(cfg.Credentials["token"]) != "good" {
				m.shop.FailProbe(errDenied)
			}
			return m.shop, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.reconciler = &ChannelReconciler{
		Client: m.Client, Runner: m.runner, Registry: registry, Recorder: m.events, Clock: m.clock,
	}
	m.ch = named(&inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, Type: inventoryv1alpha1.ChannelOmni,
		Omni:                 &inventoryv1alpha1.OmniChannel{URL: "http://127.0.0.1:1/"},
		CredentialsSecretRef: &inventoryv1alpha1.NameRef{Name: "token"},
		ProbeInterval:        &metav1.Duration{Duration: time.Minute},
	}}, "shop")
	return m
}

// open is a channelHarness whose Channel is stored, with all that it refers to.
func open(t *testing.T, token string) *channelHarness {
	t.Helper()
	m := newChannelHarness(t)
	m.create(tenant("x"), location("wd", "wd"), secret("token", map[string]string{"token": token}), m.ch)
	return m
}

// look reconciles the Channel once.
func (m *channelHarness) look() ctrl.Result {
	m.Helper()
	return m.run(m.reconciler, m.ch)
}

// change stores an object that was changed, and waits until the cache has it.
func (m *channelHarness) change(obj client.Object) {
	m.Helper()
	if err := env.Client.Update(m.Context(), obj); err != nil {
		m.Fatal(err)
	}
	m.seen(obj)
}

// wantReady checks the Channel's conditions: Stalled stands exactly while no retry helps.
func (m *channelHarness) wantReady(status metav1.ConditionStatus, reason, message string, isStalled bool) {
	m.Helper()
	conditions := m.ch.Status.Conditions
	m.wantCondition(conditions, inventoryv1alpha1.ReadyCondition, status, reason, message)
	if isStalled {
		m.wantCondition(conditions, inventoryv1alpha1.StalledCondition, metav1.ConditionTrue, reason, "")
	}
	for _, c := range conditions {
		if c.Type == inventoryv1alpha1.StalledCondition && !isStalled {
			m.Errorf("condition %+v, want none", c)
		}
		if c.ObservedGeneration != m.ch.Generation {
			m.Errorf("condition %s is of generation %d, want %d", c.Type, c.ObservedGeneration, m.ch.Generation)
		}
	}
}

// wantEvent checks that just one event was heard since the last time.
func (m *channelHarness) wantEvent(want string) {
	m.Helper()
	if got := m.heard(); len(got) != 1 || !strings.HasPrefix(got[0], want) {
		m.Errorf("events = %q, want one %q", got, want)
	}
}

func (m *channelHarness) report() channelsync.Report {
	report, _ := m.runner.Report(client.ObjectKeyFromObject(m.ch))
	return report
}

func TestNewChannelBecomesReady(t *testing.T) {
	t.Parallel()
	m := open(t, "good")
	if next := m.look().RequeueAfter; next == 0 || next > time.Minute {
		t.Errorf("looked at again after %s, want at the next probe at the latest", next)
	}
	m.wantReady(metav1.ConditionTrue, "InStep", "", false)
	if got := m.heard(); len(got) > 0 {
		t.Errorf("events = %q, want none", got)
	}
	if got := m.ch.Status.ObservedGeneration; got == nil || *got != m.ch.Generation {
		t.Errorf("observedGeneration = %v, want %d", got, m.ch.Generation)
	}
	m.look()
	version := m.ch.ResourceVersion
	if m.look(); m.ch.ResourceVersion != version {
		t.Error("another look wrote the status again, though nothing changed")
	}
}

// TestWrongCredentials has a Secret that does not fit, is corrected, and expires later.
func TestWrongCredentials(t *testing.T) {
	t.Parallel()
	m := open(t, "bad")
	m.look()
	m.wantReady(metav1.ConditionFalse, "Unauthorized", "wrong token", true)
	m.wantEvent("Warning Unauthorized")
	if m.report().Blocked == nil {
		t.Error("the lane goes on with calls, want an open circuit")
	}
	m.look()
	if got := m.heard(); len(got) > 0 {
		t.Errorf("events = %q, want that it is said once", got)
	}

	token := named(&corev1.Secret{}, "token")
	token.Namespace = m.ns
	m.refresh(token)
	token.Data["token"] = []byte("good")
	m.change(token)
	m.look()
	m.wantReady(metav1.ConditionTrue, "InStep", "", false)
	m.wantEvent("Normal Recovered")
	if m.report().Blocked != nil {
		t.Error("the lane makes no calls, want a closed circuit")
	}

	m.shop.FailProbe(errDenied)
	m.look()
	m.wantReady(metav1.ConditionTrue, "InStep", "", false) // it is not time yet
	m.clock.Step(time.Minute)
	m.look()
	m.wantReady(metav1.ConditionFalse, "Unauthorized", "wrong token", true)
	m.wantEvent("Warning Unauthorized")
}

// TestUnreachableChannel fails a probe in a way that may pass, which is no reason to stop calls.
func TestUnreachableChannel(t *testing.T) {
	t.Parallel()
	m := open(t, "good")
	m.look()
	m.shop.FailProbe(channel.NewError(channel.Retry, "ConnectionFailed", "no route"))
	m.clock.Step(time.Minute)
	m.look()
	m.wantReady(metav1.ConditionFalse, "ConnectionFailed", "no route", false)
	m.wantCondition(m.ch.Status.Conditions, inventoryv1alpha1.ReconcilingCondition, metav1.ConditionTrue, "ConnectionFailed", "")
	m.wantEvent("Warning ConnectionFailed")
	if m.report().Blocked != nil {
		t.Error("the circuit is open, want that calls are tried")
	}
	m.shop.FailProbe(nil)
	m.clock.Step(time.Minute)
	m.look()
	m.wantReady(metav1.ConditionTrue, "InStep", "", false)
	m.wantEvent("Normal Recovered")
}

// TestSuspendedChannelIsNotProbed suspends a Channel whose credentials would be refused.
func TestSuspendedChannelIsNotProbed(t *testing.T) {
	t.Parallel()
	m := newChannelHarness(t)
	m.ch.Spec.Suspend = new(true)
	m.create(tenant("x"), secret("token", map[string]string{"token": "bad"}), m.ch)
	m.look()
	m.wantReady(metav1.ConditionFalse, "Suspended", "", true)
	m.wantEvent("Warning Suspended")
	if m.report().Blocked != nil {
		t.Error("the channel was probed")
	}
	m.ch.Spec.Suspend = nil
	m.change(m.ch)
	m.look()
	m.wantReady(metav1.ConditionFalse, "Unauthorized", "", true)
}
