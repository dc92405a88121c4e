package fake_test

import (
	"errors"
	"sync"
	"testing"

	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fake"
)

// TestContract keeps the fake honest: tests that use it must meet what connectors do. A call whose sender has gone
// takes effect late, but that the channel keeps the order.
func TestContract(t *testing.T) {
	t.Parallel()
	for name, as := range map[string]func(*fake.Channel) channel.Connector{
		"push only": func(c *fake.Channel) channel.Connector { return c },
		"readable":  func(c *fake.Channel) channel.Connector { return fake.Readable{Channel: c} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var fakes sync.Map // by the Channel that was made for each
			contract.Run(t, contract.Subject{
				Factory: func(cfg channel.Config) (channel.Connector, error) {
					made, _ := fakes.Load(cfg.Channel)
					return as(made.(*fake.Channel)), nil
				},
				Modes: []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
				Start: func(_ *testing.T, mode inventoryv1alpha1.ChannelMode, _ string) (contract.Server, channel.Config) {
					s := newServer()
					ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Type: "Fake", Mode: mode}}
					fakes.Store(ch, s.Channel)
					return s, channel.Config{Channel: ch, Clock: clock.RealClock{}}
				},
				KeepsOrder: true,
				Cannot:     []contract.Behaviour{contract.Garble, contract.Flood, contract.Leak, contract.Redirect},
			})
		})
	}
}

// server plays the behaviours of the contract.
type server struct {
	*fake.Channel
	received chan struct{}

	mu   sync.Mutex
	gate chan struct{}
}

func newServer() *server {
	s := &server{
		Channel:  fake.New(channel.Limits{BatchSize: 10, MaxParallel: 3}),
		received: make(chan struct{}, 100), gate: make(chan struct{}),
	}
	s.KeepOrder(true)
	return s
}

func (s *server) Behave(b contract.Behaviour) {
	outcomes := map[contract.Behaviour]fake.Outcome{
		contract.Throttle: fake.Throttle(contract.Pause),
		contract.Deny:     fake.Class(channel.Unauthorized),
		contract.Break:    {Err: errors.New("no database")},
		contract.Lose:     fake.Lost(),
		contract.Stall:    {Until: s.open(), Gone: fake.AppliedLate},
		contract.Refuse:   {Failures: map[string]*channel.Error{contract.Refused: fake.Error(channel.Rejected)}},
	}
	s.FailProbe(outcomes[b].Err)
	s.Decide(func(channel.Batch) fake.Outcome { return outcomes[b] })
	s.OnPush(func(channel.Batch) {
		if b == contract.Stall {
			s.received <- struct{}{}
		}
	})
}

func (s *server) open() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gate
}

func (s *server) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.gate)
	s.gate = make(chan struct{})
	for s.ApplyLate(0) {
		continue
	}
}

func (s *server) Received() <-chan struct{} { return s.received }
