package webhook

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// rateLimiter has a token bucket for each Client. Buckets are dropped once they are full again:
// memory is bounded by the Clients of the last minute.
type rateLimiter struct {
	clock clock.PassiveClock

	mu      sync.Mutex
	buckets map[types.UID]*rate.Limiter
	swept   time.Time
}

func newRateLimiter(c clock.PassiveClock) *rateLimiter {
	return &rateLimiter{clock: c, buckets: map[types.UID]*rate.Limiter{}, swept: c.Now()}
}

// take spends one request of each Client; where one has none left it returns the time until it has.
func (l *rateLimiter) take(who principal) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.clock.Now()
	l.sweep(now)
	var spent []*rate.Reservation
	for _, c := range who {
		r := l.bucket(c.Client, now).ReserveN(now, 1)
		spent = append(spent, r)
		if delay := r.DelayFrom(now); delay > wait {
			wait = delay
		}
	}
	if wait > 0 {
		for _, r := range spent {
			r.CancelAt(now)
		}
		return wait, false
	}
	return 0, true
}

// bucket returns a Client's bucket at its present rate.
func (l *rateLimiter) bucket(c *inventoryv1alpha1.Client, now time.Time) *rate.Limiter {
	perMinute := int(c.RequestsPerMinute())
	limit := rate.Limit(float64(perMinute) / time.Minute.Seconds())
	b := l.buckets[c.UID]
	if b == nil {
		b = rate.NewLimiter(limit, perMinute)
		l.buckets[c.UID] = b
	}
	if b.Burst() != perMinute {
		b.SetLimitAt(now, limit)
		b.SetBurstAt(now, perMinute)
	}
	return b
}

// sweep drops full buckets once a minute.
func (l *rateLimiter) sweep(now time.Time) {
	if now.Sub(l.swept) < time.Minute {
		return
	}
	l.swept = now
	for uid, b := range l.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(l.buckets, uid)
		}
	}
}
