package linearizability

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

const (
	senders = 6

	// longestRound is how long is disturbed before everything has to come right.
	longestRound = time.Minute

	// answerTimeout is how long a sender waits. A replica answers after 20 s at the latest.
	answerTimeout = 30 * time.Second

	// requestTimeout bounds the test's own requests.
	requestTimeout = 20 * time.Second

	// patience is how long anything may take to come right: a lease runs out after 15 s; the rest is for a
	// busy machine.
	patience = 4 * time.Minute
	poll     = 250 * time.Millisecond
)

var (
	duration = flag.Duration("duration", 30*time.Second, "how long is disturbed, in rounds of a minute at the most")
	seed     = flag.Uint64("seed", 1, "seed of the first round; the next ones follow")
)

func init() { log.SetLogger(logr.Discard()) } // faults are the point

// TestLinearizability sends, disturbs and checks. A failure names its seed. It decides what is done to
// which process when; how the processes take it differs from run to run.
func TestLinearizability(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a minute and more")
	}
	w := newHarness(t)
	for left := *duration; left > 0 && !t.Failed(); left -= longestRound {
		w.round(t, *seed, min(left, longestRound))
		*seed++
	}
}

// round disturbs for a while, waits until everything has come right, and checks all that has happened so far.
func (w *harness) round(t *testing.T, seed uint64, length time.Duration) {
	t.Helper()
	counts := &counts{}
	d := &disturber{Rand: rand.New(rand.NewPCG(seed, 0)), replicas: w.replicas, plane: w.plane, began: time.Now()}
	defer func() {
		t.Logf("seed %d: %d quantities stored, %d unknown, %d batches refused\n%s",
			seed, counts.stored.Load(), counts.unknown.Load(), counts.refused.Load(), d.diary.String())
	}()
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var running sync.WaitGroup
	for n := range uint64(senders) {
		s := &sender{
			Rand: rand.New(rand.NewPCG(seed, n+1)), user: w.namespace, replicas: w.urls,
			client: http.Client{Timeout: answerTimeout}, recorder: w.recorder, last: &w.last, counts: counts,
		}
		running.Go(func() { s.run(ctx) })
	}
	running.Go(func() { d.run(ctx) })
	running.Wait()
	d.note("peace")
	w.awaitReplicas(t)
	eventually(t, func() error { return w.differences(t.Context()) })
	eventually(t, func() error { return w.read(t.Context()) })
	d.note("all is right; replicas have led %d times so far", w.terms(t))
	if err := w.recorder.Check(); err != nil {
		t.Errorf("seed %d: %v", seed, err)
	}
}

// eventually fails the test if a condition does not come true in time.
func eventually(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	err := check()
	for err != nil && time.Now().Before(deadline) && pause(t.Context(), poll) {
		err = check()
	}
	if err != nil {
		t.Fatalf("after %s of peace: %v", patience, err)
	}
}
