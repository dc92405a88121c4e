package fake_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fake"
)

// TestContract keeps the fake honest: tests that use it must meet what connectors do.
func TestContract(t *testing.T) {
	t.Parallel()
	var fakes sync.Map // by the Channel that was made for each
	contract.Run(t, contract.Subject{
		Factory: func(cfg channel.Config) (channel.Connector, error) {
			made, _ := fakes.Load(cfg.Channel)
			return made.(*fake.Channel), nil
		},
		Modes: []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated},
		Start: func(_ *testing.T, mode inventoryv1alpha1.ChannelMode, _ string) (contract.Server, channel.Config) {
			p := &player{
				Channel:  fake.New(channel.Limits{BatchSize: 10, MaxParallel: 3}),
				received: make(chan struct{}, 100), release: func() {},
			}
			ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Type: "Fake", Mode: mode}}
			fakes.Store(ch, p.Channel)
			return p, channel.Config{Channel: ch, Clock: clock.RealClock{}}
		},
		KeepsOrder: true,
		Cannot:     []contract.Behaviour{contract.Garble, contract.Flood, contract.Leak, contract.Redirect},
	})
}

// player plays the behaviours of the contract. Errors are for the next call: no case makes two.
type player struct {
	*fake.Channel
	received chan struct{}

	mu      sync.Mutex
	release func()
}

func (p *player) Behave(b contract.Behaviour) {
	p.FailProbe(nil)
	p.Fail(contract.Refused, nil)
	p.OnPush(nil)
	p.Hold()() // what comes is not held; what is held already stays so
	switch b {
	case contract.Refuse:
		p.Fail(contract.Refused, channel.NewError(channel.Rejected, "UnknownSKU", "no such SKU"))
	case contract.Throttle:
		p.NextErr(&channel.Error{Class: channel.Throttled, Reason: "Throttled", Message: "too many calls", RetryAfter: contract.Pause})
	case contract.Deny:
		err := channel.NewError(channel.Unauthorized, "Unauthorized", "wrong credentials")
		p.NextErr(err)
		p.FailProbe(err)
	case contract.Break:
		p.NextErr(errors.New("no database"))
	case contract.Lose:
		p.LoseAnswer(errors.New("connection lost"))
	case contract.Stall:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.release = p.Hold()
		p.OnPush(func(channel.Batch) { p.received <- struct{}{} })
	}
}

func (p *player) Release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release()
}

func (p *player) Received() <-chan struct{} { return p.received }

func locationWise(location string, quantity int64, skus ...string) channel.Batch {
	b := channel.Batch{Mode: inventoryv1alpha1.LocationWise}
	for _, sku := range skus {
		b.Items = append(b.Items, channel.Item{SKU: sku, Quantity: quantity, LocationCode: location, LocationQuantity: quantity})
	}
	return b
}

func TestRecordsAndParallelism(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{BatchSize: 5, MaxParallel: 2})
	entered := make(chan struct{}, 2)
	c.OnPush(func(channel.Batch) { entered <- struct{}{} })
	release := c.Hold()
	var calls sync.WaitGroup
	batches := []channel.Batch{locationWise("L1", 1, "A", "B"), locationWise("L2", 2, "A")}
	for _, b := range batches {
		calls.Go(func() {
			if _, err := c.Push(t.Context(), b); err != nil {
				t.Errorf("Push: %v", err)
			}
		})
		<-entered
	}
	if got := c.Quantities(); len(got) != 0 {
		t.Errorf("a call that is held has changed %v", got)
	}
	release()
	release() // does no harm
	calls.Wait()
	if got := c.MostParallel(); got != 2 {
		t.Errorf("%d calls at once, want 2", got)
	}
	if diff := cmp.Diff(batches, c.Batches()); diff != "" {
		t.Errorf("batches (-want +got):\n%s", diff)
	}
	want := map[fake.Place]int64{{Location: "L1", SKU: "A"}: 1, {Location: "L1", SKU: "B"}: 1, {Location: "L2", SKU: "A"}: 2}
	if diff := cmp.Diff(want, c.Quantities()); diff != "" {
		t.Errorf("quantities (-want +got):\n%s", diff)
	}
}

func TestErrorsComeInOrder(t *testing.T) {
	t.Parallel()
	c := fake.New(channel.Limits{})
	first, second := errors.New("first"), errors.New("second")
	c.NextErr(first, nil)
	c.LoseAnswer(second)
	wants := []struct {
		err      error
		quantity int64
	}{{first, 0}, {nil, 2}, {second, 3}, {nil, 4}}
	for i, want := range wants {
		_, err := c.Push(t.Context(), locationWise("L", int64(i+1), "A"))
		if !errors.Is(err, want.err) {
			t.Errorf("call %d: %v, want %v", i, err, want.err)
		}
		if got, _ := c.Quantity("L", "A"); got != want.quantity {
			t.Errorf("after call %d the channel has %d, want %d", i, got, want.quantity)
		}
	}
}

func TestProbeHonoursContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := fake.New(channel.Limits{}).Probe(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Probe: %v, want that the context has ended", err)
	}
}
