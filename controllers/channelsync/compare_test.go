package channelsync

import (
	"context"
	"errors"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

// Read implements channel.Reader.
func (s *shop) Read(_ context.Context, b channel.Batch) (channel.Readings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unreadable != nil {
		return channel.Readings{}, s.unreadable
	}
	out := channel.Readings{Quantities: map[int]int64{}, Failures: map[int]*channel.Error{}}
	for i, it := range b.Items {
		at := it.LocationCode
		if b.Mode == inventoryv1alpha1.Consolidated {
			at = ""
		}
		if q, known := s.have[spot{at, it.SKU}]; known {
			out.Quantities[i] = q
		} else {
			out.Failures[i] = channel.NewError(channel.Unmapped, "UnknownSKU", "no such SKU")
		}
	}
	return out, nil
}

// tamper changes quantities behind Tallyman's back; a negative one removes the SKU.
func (s *shop) tamper(location string, q map[string]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sku, quantity := range q {
		if quantity < 0 {
			delete(s.have, spot{location, sku})
			continue
		}
		s.have[spot{location, sku}] = quantity
	}
}

func (s *shop) setUnreadable(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unreadable = err
}

func comparing(repair inventoryv1alpha1.DriftRepair) func(*inventoryv1alpha1.Channel) {
	return func(ch *inventoryv1alpha1.Channel) {
		ch.Spec.Compare = &inventoryv1alpha1.ChannelCompare{Interval: &metav1.Duration{Duration: time.Hour}, Repair: repair}
	}
}

func TestDriftIsRepaired(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		repair       inventoryv1alpha1.DriftRepair
		mode         func(*inventoryv1alpha1.Channel)
		at           string
		more, less   int64 // what becomes of 8 and of 2
		wantRepaired int32
		wantGone     bool
	}{
		"all":          {inventoryv1alpha1.RepairAll, nil, "CODE-wd", 5, 5, 3, false},
		"by default":   {"", nil, "CODE-wd", 5, 5, 3, false},
		"consolidated": {"", consolidated, "", 5, 5, 3, false},
		"too much":     {inventoryv1alpha1.RepairTooMuch, nil, "CODE-wd", 5, 2, 1, true},
		"none":         {inventoryv1alpha1.RepairNone, nil, "CODE-wd", 8, 2, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, clock := newStoppedHarness(t, func(ch *inventoryv1alpha1.Channel) {
				comparing(tc.repair)(ch)
				if tc.mode != nil {
					tc.mode(ch)
				}
			})
			b.ch.Status.LastCompareTime = &metav1.Time{Time: clock.Now()} // none begins before the channel has everything
			b.send("wd", 0, quantities{"SAME": 5, "MORE": 5, "LESS": 5, "GONE": 5})
			b.configure("1", selected("wd"))
			b.stepUntil(clock, time.Millisecond, "everything to be pushed", func() bool { return b.report().Pending == 0 })
			b.shop.tamper(tc.at, map[string]int64{"MORE": 8, "LESS": 2, "GONE": -1})
			b.stepUntil(clock, time.Minute, "a comparison", func() bool { return b.report().Compared.Compared > 0 })
			c := b.report().Compared
			if c.Compared != 4 || c.Differing != 3 || c.Repaired != tc.wantRepaired {
				t.Errorf("compared %d, differing %d, repaired %d; want 4, 3 and %d", c.Compared, c.Differing, c.Repaired, tc.wantRepaired)
			}
			b.stepUntil(clock, time.Second, "the repairs", func() bool { return b.report().Pending == 0 })
			b.want(tc.at, "SAME", 5)
			b.want(tc.at, "MORE", tc.more)
			b.want(tc.at, "LESS", tc.less)
			if _, known := b.shop.quantity(tc.at, "GONE"); known == tc.wantGone {
				t.Errorf("the channel has the SKU that was gone: %v", known)
			}
		})
	}
}

// TestIncompleteComparison fails to read, which teaches nothing and is tried again.
func TestIncompleteComparison(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, comparing(""))
	b.send("wd", 0, quantities{"A": 5})
	b.shop.setUnreadable(errors.New("no answer"))
	b.configure("1", selected("wd"))
	b.stepUntil(clock, time.Millisecond, "everything to be pushed", func() bool { return b.report().Pending == 0 })
	b.shop.tamper("CODE-wd", map[string]int64{"A": 9})
	clock.Step(3 * time.Hour)
	b.await("the comparison to rest", clock.HasWaiters)
	if c := b.report().Compared; c.Compared != 0 {
		t.Errorf("%+v, want nothing compared", c)
	}
	b.shop.setUnreadable(nil)
	b.stepUntil(clock, time.Minute, "a comparison", func() bool { return b.report().Compared.Compared > 0 })
	b.stepUntil(clock, time.Second, "the repair", func() bool { return b.report().Pending == 0 })
	b.want("CODE-wd", "A", 5)
}

// TestRefusedSKUsAreTriedAtAComparison accepts a SKU that it refused before.
func TestRefusedSKUsAreTriedAtAComparison(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, comparing(inventoryv1alpha1.RepairNone))
	b.shop.set(func(channel.Batch) (channel.Result, error) {
		return channel.Result{Failures: map[int]*channel.Error{0: channel.NewError(channel.Rejected, "NotStocked", "no")}}, nil
	})
	b.send("wd", 0, quantities{"A": 5})
	b.configure("1", selected("wd"))
	b.stepUntil(clock, time.Millisecond, "the SKU to fail", func() bool { return b.report().Failed == 1 })
	b.shop.set(nil)
	b.stepUntil(clock, time.Minute, "the SKU to be pushed", func() bool {
		r := b.report()
		return r.Failed == 0 && r.Pending == 0
	})
	b.want("CODE-wd", "A", 5)
}

// TestComparisonSurvivesARestart begins with a Channel that was compared a while ago.
func TestComparisonSurvivesARestart(t *testing.T) {
	t.Parallel()
	b, clock := newStoppedHarness(t, comparing(""))
	b.send("wd", 0, quantities{"A": 5})
	b.ch.Status.LastCompareTime = &metav1.Time{Time: clock.Now().Add(-50 * time.Minute)}
	b.configure("1", selected("wd"))
	b.stepUntil(clock, time.Millisecond, "everything to be pushed", func() bool { return b.report().Pending == 0 })
	for range 9 {
		clock.Step(time.Minute)
	}
	if c := b.report().Compared; c.Compared != 0 {
		t.Errorf("compared again after less than the interval")
	}
	b.stepUntil(clock, time.Minute, "a comparison", func() bool { return b.report().Compared.Compared > 0 })
}
