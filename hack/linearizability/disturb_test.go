package linearizability

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"time"
)

// Bounds of disturbances.
const (
	mostDown = 4 * time.Second
	mostRest = 8 * time.Second // between two disturbances

	// mostStuck bounds the time for which the API server and etcd do not run: longer than a create waits.
	mostStuck = 12 * time.Second
)

// mostFrozen bounds the time for which a replica does not run. Another one leads 15 s after the last renewal
// that it saw; one that wakes up later finds its own too old, and calls no channel any more. Short by default,
// so that a short run has room for other disturbances.
var mostFrozen = flag.Duration("frozen", 2500*time.Millisecond, "how long a replica does not run, at the most")

// disturber ends and freezes processes.
type disturber struct {
	*rand.Rand
	replicas []*process
	plane    *controlPlane
	began    time.Time
	diary    strings.Builder
}

// run disturbs until the context ends. Then everything runs again, or is about to.
func (d *disturber) run(ctx context.Context) {
	var deck []func(context.Context)
	for pause(ctx, d.upTo(mostRest)) {
		if len(deck) == 0 {
			deck = d.shuffled()
		}
		deck[0](ctx)
		deck = deck[1:]
	}
}

// shuffled returns every kind of disturbance once, so that a short run has most of them.
func (d *disturber) shuffled() []func(context.Context) {
	frozen, ended := d.replicas[d.IntN(len(d.replicas))], d.replicas[d.IntN(len(d.replicas))]
	stuck := []*process{d.plane.apiServer, d.plane.etcd}[d.IntN(2)]
	deck := []func(context.Context){
		func(context.Context) { d.end(ended, syscall.SIGTERM) }, // which gives the lease up
		func(ctx context.Context) { d.freeze(ctx, frozen, *mostFrozen) },
		func(ctx context.Context) { d.freeze(ctx, stuck, mostStuck) },
	}
	for _, p := range append([]*process{d.plane.apiServer, d.plane.etcd}, d.replicas...) {
		deck = append(deck, func(context.Context) { d.end(p, syscall.SIGKILL) })
	}
	d.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
	return deck
}

func (d *disturber) end(p *process, signal syscall.Signal) {
	down := d.upTo(mostDown)
	d.note("%s is %s, and down for %s", p.name, signal, down)
	p.end(signal, down)
}

func (d *disturber) freeze(ctx context.Context, p *process, most time.Duration) {
	frozen := d.upTo(most)
	d.note("%s is frozen for %s", p.name, frozen)
	p.freeze(ctx, frozen)
}

func (d *disturber) upTo(most time.Duration) time.Duration {
	return time.Duration(d.Int64N(int64(max(most, 1)))).Round(time.Millisecond)
}

// note writes into the diary what happens now.
func (d *disturber) note(format string, args ...any) {
	fmt.Fprintf(&d.diary, "  %7.3f s: %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}
