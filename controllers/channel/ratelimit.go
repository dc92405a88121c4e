package channel

import (
	"context"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// RateLimiter lets requests to a channel pass at the rate of spec.rateLimit. The HTTP client asks it
// by itself; a connector that does without the HTTP client asks it before every request.
type RateLimiter struct {
	bucket *rate.Limiter
	clock  clock.WithTicker
}

// NewRateLimiter makes the token bucket of a Channel.
func NewRateLimiter(cfg Config) *RateLimiter {
	return &RateLimiter{bucket: newBucket(cfg.Channel.Spec.RateLimit), clock: cfg.Clock}
}

func newBucket(r *inventoryv1alpha1.ChannelRateLimit) *rate.Limiter {
	if r == nil {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(float64(r.RequestsPerMinute)/time.Minute.Seconds()), max(1, int(r.Burst)))
}

// Wait returns when a request may be made. Its only error is that of the context.
func (l *RateLimiter) Wait(ctx context.Context) error { return TakeToken(ctx, l.clock, l.bucket) }

// TakeToken waits for a token of a bucket, by a clock. Its only error is that of the context.
func TakeToken(ctx context.Context, c clock.WithTicker, bucket *rate.Limiter) error {
	now := c.Now()
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait <= 0 {
		return ctx.Err()
	}
	timer := c.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		reservation.CancelAt(c.Now())
		return ctx.Err()
	case <-timer.C():
		return nil
	}
}
