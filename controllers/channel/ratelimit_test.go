package channel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
)

func TestRateLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		limited := channel.NewRateLimiter(channel.Config{Clock: clock.RealClock{}, Channel: &inventoryv1alpha1.Channel{
			Spec: inventoryv1alpha1.ChannelSpec{RateLimit: &inventoryv1alpha1.ChannelRateLimit{RequestsPerMinute: 60, Burst: 2}},
		}})
		began := time.Now()
		for range 4 {
			if err := limited.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("4 requests took %v, want 2s: a burst of 2, and 1 each second", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := limited.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that of the context", err)
		}
		if err := limited.Wait(t.Context()); err != nil || time.Since(began) != 3*time.Second {
			t.Errorf("the next request passed after %v (%v), want 3s: one that gave up takes no token", time.Since(began), err)
		}
	})
}

func TestPoll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		backoff := wait.Backoff{Duration: time.Second, Factor: 2, Steps: 3, Cap: 4 * time.Second}
		began := time.Now()
		var asked []time.Duration
		err := channel.Poll(t.Context(), clock.RealClock{}, backoff, func(context.Context) (bool, error) {
			asked = append(asked, time.Since(began))
			return len(asked) == 3, nil
		})
		if err != nil || len(asked) != 3 || asked[0] != 0 || asked[1] != time.Second || asked[2] != 3*time.Second {
			t.Errorf("asked after %v (%v), want 0s, 1s and 3s", asked, err)
		}
		broken := errors.New("broken")
		if err := channel.Poll(t.Context(), clock.RealClock{}, backoff, func(context.Context) (bool, error) { return false, broken }); !errors.Is(err, broken) {
			t.Errorf("error %v, want that of asking", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := channel.Poll(ctx, clock.RealClock{}, backoff, func(context.Context) (bool, error) { return false, nil }); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that of the context", err)
		}
	})
}
