package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// stage is a world in which nothing happens but what a test has happen.
type stage struct {
	*testing.T
	*tenant
	leading sync.WaitGroup
	leads   *process
	batches int
}

// onStage plays a test on a stage, in simulated time.
func onStage(t *testing.T, test func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(&chance{rand: rand.New(rand.NewPCG(1, 0))})
		w.api.setFaulty(false)
		s := &stage{T: t, tenant: w.settle("ns", "c", []int64{0}, "WD", "STORE")}
		defer s.leading.Wait()
		defer func() { s.leads.die() }()
		s.lead()
		test(s)
	})
}

// lead begins to lead; who led before has to be dead.
func (s *stage) lead() {
	ctx, kill := context.WithCancel(context.Background())
	s.leads = &process{kill: kill}
	l := newLeader(s.api, s.market, s.leads)
	s.leading.Go(func() { l.run(ctx) })
}

// kill kills the leader.
func (s *stage) kill() {
	s.leads.die()
	s.leading.Wait()
}

// open makes a channel.
func (s *stage) open(spec inventoryv1alpha1.ChannelSpec) *shop {
	return s.createChannel(s.api.chance, "shop", spec)
}

// send stores a batch.
func (s *stage) send(code string, quantities map[string]inventoryv1alpha1.Quantity) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.batches++
	s.api.put(&inventoryv1alpha1.InventoryBatch{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: s.namespace, Name: fmt.Sprintf("batch-%d", s.batches), CreationTimestamp: metav1.Now(),
		},
		RequestCount: 1,
		Stock:        []inventoryv1alpha1.LocationStock{{LocationName: s.location(code).Name, Quantities: quantities}},
	})
	s.acknowledge(poolKey{s.location(code), 0}, quantities)
}

// put stores an object, whatever there is of its name.
func (s *stage) put(obj client.Object) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	s.api.put(obj)
}

// all returns a quantity for every SKU.
func all(q inventoryv1alpha1.Quantity) map[string]inventoryv1alpha1.Quantity {
	out := map[string]inventoryv1alpha1.Quantity{}
	for _, sku := range skus {
		out[sku] = q
	}
	return out
}

// edit changes the Channel.
func (s *stage) edit(change func(*inventoryv1alpha1.Channel)) {
	s.Helper()
	if !edit(s.api, s.key("shop"), change) {
		s.Fatal("the Channel is gone")
	}
}

// rest lets some time pass.
func (s *stage) rest(d time.Duration) { pause(s.Context(), d) }

// await waits until something has happened.
func (s *stage) await(what string, happened func() bool) {
	s.Helper()
	for range int(patience / time.Millisecond) {
		if happened() {
			return
		}
		s.rest(time.Millisecond)
	}
	s.Fatalf("waited in vain for %s", what)
}

// right wants everything to come right.
func (s *stage) right() {
	s.Helper()
	if err := s.comeRight(s.Context(), s.acknowledged); err != nil {
		s.Fatal(err)
	}
}

// TestNothingHappens wants the stage to be right where it is not disturbed, and wrong where a shop is.
func TestNothingHappens(t *testing.T) {
	t.Parallel()
	onStage(t, func(s *stage) {
		front := s.open(inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise})
		s.send("WD", all(5))
		s.right()
		front.set(func(f *shop) { f.stock[listing{"WD", "a"}] = 6 })
		if s.differences(s.acknowledged()) == nil {
			s.Error("nobody sees that the shop has another quantity")
		}
	})
}

// TestConnectorVanishesBeforeTheCall takes the Secret of a channel away at the moments at which a push that has begun
// may find that it has nothing to call with.
func TestConnectorVanishesBeforeTheCall(t *testing.T) {
	t.Parallel()
	for name, arrange := range map[string]func(s *stage, front *shop, vanish func()){
		"while the run is written down": func(s *stage, _ *shop, vanish func()) {
			s.api.before(func(obj any) bool { _, is := obj.(*inventoryv1alpha1.ChannelSyncJob); return is }, vanish)
			s.send("WD", all(2))
		},
		"while another call is on its way": func(s *stage, front *shop, vanish func()) {
			var vanished atomic.Bool
			front.set(func(f *shop) {
				f.hold = func(context.Context, string) error {
					if vanished.CompareAndSwap(false, true) {
						vanish()
					}
					return nil
				}
			})
			s.send("WD", all(2))
		},
		"at any moment": func(s *stage, _ *shop, vanish func()) {
			for after := range 60 {
				s.send("WD", all(inventoryv1alpha1.Quantity(after)))
				s.rest(time.Duration(after) * 2 * time.Millisecond)
				vanish()
				s.put(s.secret(s.key("shop"), "password 1"))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			onStage(t, func(s *stage) {
				front := s.open(inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise})
				s.send("WD", all(1))
				s.right()
				vanished := 0
				arrange(s, front, func() {
					vanished++
					if err := s.api.remove(s.secret(s.key("shop"), ""), ""); err != nil {
						s.Error(err)
					}
					s.rest(time.Second) // the lane is told
				})
				s.rest(time.Minute)
				if vanished == 0 {
					s.Fatal("the moment never came")
				}
				s.put(s.secret(s.key("shop"), "password 1"))
				s.right()
			})
		})
	}
}

// TestOldCredentialsAnswerChangesNothing rotates a Secret while a call with the old one is on its way.
func TestOldCredentialsAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	for _, class := range []channel.Class{channel.Unauthorized, channel.Terminal, channel.Throttled} {
		t.Run(string(class), func(t *testing.T) {
			onStage(t, func(s *stage) {
				front := s.open(inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise})
				s.send("WD", all(1))
				s.right()
				answered := make(chan struct{})
				old := front.admits()
				front.set(func(f *shop) {
					f.hold = func(_ context.Context, password string) error {
						if password != old {
							return nil
						}
						<-answered
						return &channel.Error{Class: class, Reason: "Old", Message: "the password is old", RetryAfter: 48 * time.Hour}
					}
					f.calls = 0
				})
				s.send("WD", all(2))
				s.await("a call", func() bool { return front.called() > 0 })
				s.rotate("shop")
				s.rest(2 * time.Second) // the lane has the new connector
				close(answered)
				s.right()
			})
		})
	}
}

func total(most int64) *inventoryv1alpha1.Exposure {
	return &inventoryv1alpha1.Exposure{
		Total:      &inventoryv1alpha1.ExposureLimits{Cap: &most},
		Priorities: []inventoryv1alpha1.LocationPriority{{Code: "WD", Priority: new(int32(1))}},
	}
}

// TestTotalAfterFailover replaces the leader while a channel that shows a total fails: what one location is shown
// changes with the stock of another, which the successor has not seen change.
func TestTotalAfterFailover(t *testing.T) {
	t.Parallel()
	onStage(t, func(s *stage) {
		front := s.open(inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise, Exposure: total(12)})
		s.send("WD", map[string]inventoryv1alpha1.Quantity{"a": 5})
		s.send("STORE", map[string]inventoryv1alpha1.Quantity{"a": 10})
		s.right()
		if q, _ := front.quantity(listing{"STORE", "a"}); q != 7 {
			t.Fatalf("the store shows %d, want the 7 that the other leaves", q)
		}
		front.set(func(f *shop) {
			f.answer = func(channel.Batch) (channel.Result, error) {
				return channel.Result{}, channel.NewError(channel.Retry, "Unavailable", "503 Service Unavailable")
			}
		})
		s.send("WD", map[string]inventoryv1alpha1.Quantity{"a": 12})
		s.rest(20 * time.Second) // it is folded
		s.kill()
		// The job that was cut off, if any, is not what is looked at.
		front.set(func(f *shop) { f.answer = nil })
		s.lead()
		s.right()
	})
}

// TestLabelsChangedWhileTheLeaderDies has another rule apply to a Location, of which only the successor hears.
func TestLabelsChangedWhileTheLeaderDies(t *testing.T) {
	t.Parallel()
	onStage(t, func(s *stage) {
		s.open(inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise, Exposure: &inventoryv1alpha1.Exposure{
			Rules: []inventoryv1alpha1.ExposureRule{{
				Name:             "north",
				LocationSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"zone": "north"}},
				Limits:           inventoryv1alpha1.ExposureLimits{Cap: new(int64(4))},
			}},
		}})
		s.send("WD", all(10))
		s.right()
		s.kill()
		edit(s.api, s.location("WD"), func(l *inventoryv1alpha1.Location) { l.Labels["zone"] = "north" })
		s.lead()
		s.right()
	})
}

// TestSpecABAAroundARestart changes what a channel is shown, and back again when the leader has died after it has pushed
// a part.
func TestSpecABAAroundARestart(t *testing.T) {
	t.Parallel()
	onStage(t, func(s *stage) {
		front := s.open(inventoryv1alpha1.ChannelSpec{Mode: inventoryv1alpha1.LocationWise})
		s.send("WD", all(10))
		s.right()
		front.set(func(f *shop) {
			f.calls = 0
			f.hold = func(ctx context.Context, _ string) error {
				if front.called() > 3 {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			}
		})
		s.edit(func(ch *inventoryv1alpha1.Channel) {
			ch.Spec.Exposure = &inventoryv1alpha1.Exposure{Rules: []inventoryv1alpha1.ExposureRule{{
				Name: "few", Limits: inventoryv1alpha1.ExposureLimits{Cap: new(int64(4))},
			}}}
		})
		s.await("a part to be pushed", func() bool { return front.called() > 3 })
		s.kill()
		front.set(func(f *shop) { f.hold = nil })
		s.edit(func(ch *inventoryv1alpha1.Channel) { ch.Spec.Exposure = nil })
		s.lead()
		s.right()
	})
}

// TestLocationsWithdrawnWhileTheLeaderDies has Locations deselected and deleted while nobody leads.
func TestLocationsWithdrawnWhileTheLeaderDies(t *testing.T) {
	t.Parallel()
	for _, mode := range []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated} {
		t.Run(string(mode), func(t *testing.T) {
			onStage(t, func(s *stage) {
				s.open(inventoryv1alpha1.ChannelSpec{
					Mode: mode, LocationSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"sells": "yes"}},
				})
				s.send("WD", all(10))
				s.send("STORE", all(5))
				s.right()
				s.kill()
				edit(s.api, s.location("WD"), func(l *inventoryv1alpha1.Location) { l.Labels["sells"] = "no" })
				l, _ := present[*inventoryv1alpha1.Location](s.api, s.location("STORE"))
				if err := s.api.remove(l, ""); err != nil {
					s.Fatal(err)
				}
				s.forget(s.location("STORE"))
				s.lead()
				s.right()
			})
		})
	}
}
