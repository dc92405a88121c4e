package controllers

import (
	"context"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// holder is a connector that holds something until it is closed.
type holder struct{ closed atomic.Int32 }

func (*holder) Limits() channel.Limits      { return channel.Limits{BatchSize: 1, MaxParallel: 1} }
func (*holder) Probe(context.Context) error { return nil }
func (*holder) Push(context.Context, channel.Batch) (channel.Result, error) {
	return channel.Result{}, nil
}

func (h *holder) Close() error {
	h.closed.Add(1)
	return nil
}

// TestConnectorsAreClosed follows a Channel's connectors over changes of its Secret to its end.
func TestConnectorsAreClosed(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	var built []*holder
	registry, err := channel.NewRegistry(channel.Registration{
		Type: inventoryv1alpha1.ChannelOmni,
		Factory: func(channel.Config) (channel.Connector, error) {
			built = append(built, &holder{})
			return built[len(built)-1], nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &ChannelReconciler{Client: s, Runner: s.runner, Registry: registry, Recorder: s.events, Clock: s.clock}
	ch := named(&inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		ClientRef: inventoryv1alpha1.NameRef{Name: "acme"}, Type: inventoryv1alpha1.ChannelOmni,
		Omni:                 &inventoryv1alpha1.OmniChannel{URL: "http://127.0.0.1:1/"},
		CredentialsSecretRef: &inventoryv1alpha1.NameRef{Name: "login"},
	}}, "shop")
	login := secret("login", map[string]string{"key": "1"})
	s.create(tenant("x"), login, ch)
	wantClosed := func(when string, want ...int32) {
		t.Helper()
		if len(built) != len(want) {
			t.Fatalf("%s: %d connectors, want %d", when, len(built), len(want))
		}
		for i, h := range built {
			if got := h.closed.Load(); got != want[i] {
				t.Errorf("%s: connector %d was closed %d times, want %d", when, i, got, want[i])
			}
		}
	}

	s.run(r, ch)
	s.run(r, ch)
	wantClosed("at rest", 0)

	login.Data = map[string][]byte{"key": []byte("2")}
	s.update(login)
	s.run(r, ch)
	s.run(r, ch)
	wantClosed("after a new Secret", 1, 0)

	if err := env.Client.Delete(t.Context(), ch); err != nil {
		t.Fatal(err)
	}
	s.await("the cache", func() bool { return s.Get(t.Context(), client.ObjectKeyFromObject(ch), ch.DeepCopy()) != nil })
	s.run(r, ch)
	s.run(r, ch)
	wantClosed("after the end", 1, 1)
}

// update stores a changed Secret and waits until the cache has it.
func (s *harness) update(obj *corev1.Secret) {
	s.Helper()
	if err := env.Client.Update(s.Context(), obj); err != nil {
		s.Fatal(err)
	}
	s.seen(obj)
}
