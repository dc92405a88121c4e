package walmart

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/controllers/channel"
)

const (
	// maxHold is how long a request waits for the allotment. If it takes longer, the push ends.
	maxHold = time.Minute

	// maxPause bounds the pause that Walmart can ask for.
	maxPause = time.Hour
)

// allotment keeps requests of one kind within the allotment that answers tell. It is safe for concurrent use.
type allotment struct {
	clock clock.WithTicker
	mu    sync.Mutex
	until time.Time // no request before
}

// learn reads what is left of the allotment, and when there is more.
func (p *allotment) learn(answer http.Header) {
	count, err := strconv.Atoi(answer.Get("X-Current-Token-Count"))
	if err != nil || count > 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = p.clock.Now().Add(p.pause(answer))
}

// pause is the time until the allotment is replenished; 0 if an answer does not tell.
func (p *allotment) pause(answer http.Header) time.Duration {
	for _, name := range []string{"X-Next-Replenish-Time", "X-Next-Replenishment-Time"} {
		if at, ok := moment(answer.Get(name)); ok {
			return min(max(at.Sub(p.clock.Now()), 0), maxPause)
		}
	}
	return 0
}

// wait returns when a request may be made, or an error of class Throttled if that is too far off.
func (p *allotment) wait(ctx context.Context) error {
	p.mu.Lock()
	left := p.until.Sub(p.clock.Now())
	p.mu.Unlock()
	if left <= 0 {
		return ctx.Err()
	}
	if left > maxHold {
		return channel.NewError(channel.Throttled, channel.ReasonThrottled, "Walmart allows no further request for now").WithPause(left)
	}
	timer := p.clock.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C():
		return nil
	}
}

// firstMillisecond is from where a number counts milliseconds: as seconds it would be the year 33658.
const firstMillisecond = 1_000_000_000_000

// moment reads a time: milliseconds or seconds since 1970, or as RFC 3339 has it.
func moment(text string) (time.Time, bool) {
	text = strings.Trim(text, `" `)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		if n >= firstMillisecond {
			return time.UnixMilli(n), true
		}
		return time.Unix(n, 0), true
	}
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}
