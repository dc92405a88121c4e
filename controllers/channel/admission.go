package channel

import (
	"context"
	"time"

	"golang.org/x/time/rate"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// Admission lets requests to a channel pass at the rate of spec.rateLimit. The HTTP client asks it
// by itself; a connector that does without the HTTP client asks it before every request.
type Admission struct {
	limiter *rate.Limiter
	clock   clock.WithTicker
}

// NewAdmission makes the token bucket of a Channel.
func NewAdmission(cfg Config) *Admission {
	return &Admission{limiter: limiter(cfg.Channel.Spec.RateLimit), clock: cfg.Clock}
}

func limiter(r *inventoryv1alpha1.ChannelRateLimit) *rate.Limiter {
	if r == nil {
		return rate.NewLimiter(rate.Inf, 0)
	}
	return rate.NewLimiter(rate.Limit(float64(r.RequestsPerMinute)/time.Minute.Seconds()), max(1, int(r.Burst)))
}

// Wait returns when a request may be made. Its only error is that of the context.
func (a *Admission) Wait(ctx context.Context) error { return Reserve(ctx, a.clock, a.limiter) }

// Reserve waits for a token of a limiter by a clock. Its only error is that of the context.
func Reserve(ctx context.Context, c clock.WithTicker, limiter *rate.Limiter) error {
	now := c.Now()
	reservation := limiter.ReserveN(now, 1)
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
