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
	mostRest = 5 * time.Second // between two disturbances

	// mostStuck bounds the time for which the API server and etcd do not run: longer than a create waits.
	mostStuck = 12 * time.Second
)

// mostFrozen bounds the time for which a replica does not run. A leader gives up 10 s after it has renewed
// its lease for the last time, and another takes over after 15 s. One that does not run in between wakes up
// after that, perhaps in front of a call to a channel: no lease keeps that call from arriving late.
var mostFrozen = flag.Duration("frozen", 4*time.Second, "how long a replica does not run, at the most; what is pushed may be old from 5s on")

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
	for pause(ctx, d.upTo(mostRest)) {
		d.disturb(ctx)
	}
}

// disturb does one thing to one process.
func (d *disturber) disturb(ctx context.Context) {
	replica := d.replicas[d.IntN(len(d.replicas))]
	switch d.IntN(10) {
	case 0, 1, 2:
		d.kill(replica)
	case 3:
		d.note("%s is told to end", replica.name)
		replica.end(syscall.SIGTERM, d.upTo(mostDown))
	case 4:
		d.freeze(ctx, replica, *mostFrozen)
	case 5, 6:
		d.kill(d.plane.apiServer)
	case 7, 8:
		d.kill(d.plane.etcd)
	case 9:
		d.freeze(ctx, []*process{d.plane.apiServer, d.plane.etcd}[d.IntN(2)], mostStuck)
	}
}

func (d *disturber) kill(p *process) {
	down := d.upTo(mostDown)
	d.note("%s is killed, and down for %s", p.name, down)
	p.end(syscall.SIGKILL, down)
}

func (d *disturber) freeze(ctx context.Context, p *process, most time.Duration) {
	frozen := d.upTo(most)
	d.note("%s is frozen for %s", p.name, frozen)
	p.freeze(ctx, frozen)
}

func (d *disturber) upTo(most time.Duration) time.Duration {
	return time.Duration(d.Int64N(int64(most))).Round(time.Millisecond)
}

// note writes into the diary what happens now.
func (d *disturber) note(format string, args ...any) {
	fmt.Fprintf(&d.diary, "  %7.3f s: %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}
