package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/procfs"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/utils/clock"
)

// scenarioRun is one run of a scenario, with the cluster that it has for itself.
type scenarioRun struct {
	*Scenario
	clock  clock.WithTicker
	say    func(string, ...any)
	dir    string // for logs
	binary string // the manager

	cluster  *cluster
	control  map[role]procfs.Proc
	tracker  *tracker
	receiver *receiver
	recorder *recorder
	profiler profiler

	processes []*process
	filled    int                   // locations of each tenant that residents have filled
	stocked   map[locationIndex]int // SKUs that a location must have, at least
	rounds    int                   // of loads so far
	figures   []Figure
}

// Result is what a scenario measured.
type Result struct {
	Scenario *Scenario `json:"scenario"`
	Figures  []Figure  `json:"figures"`
	Samples  []sample  `json:"samples"`
	Marks    []mark    `json:"marks"`
	// ManagerFlags are those of the last start.
	ManagerFlags [][]string `json:"managerFlags"`
	Outcomes     []Outcome  `json:"verdicts,omitempty"`
	// Error is why the scenario did not come to its end; figures are those until then.
	Error string `json:"error,omitempty"`
}

// mark says when a step began, in seconds since the scenario did.
type mark struct {
	Step    string  `json:"step"`
	Seconds float64 `json:"seconds"`
}

// play plays a scenario. Everything that it started has ended when it returns.
func (r *runner) play(ctx context.Context, s *Scenario) (out Result) {
	out.Scenario = s
	st, err := r.set(ctx, s)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	watch, stopWatching := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { st.recorder.run(watch) })
	for _, step := range s.Steps {
		out.Marks = append(out.Marks, mark{step.Name, st.recorder.seconds()})
		if err = st.step(ctx, step); err != nil {
			err = fmt.Errorf("step %s: %w", step.Name, err)
			break
		}
	}
	stopWatching()
	watching.Wait()
	for _, p := range st.processes {
		out.ManagerFlags = append(out.ManagerFlags, p.args)
	}
	out.Figures, out.Samples = st.figures, st.recorder.all()
	if err := errors.Join(err, st.tearDown()); err != nil {
		out.Error = err.Error()
	}
	return out
}

// set starts everything but the managers.
func (r *runner) set(ctx context.Context, s *Scenario) (*scenarioRun, error) {
	st := &scenarioRun{
		Scenario: s, clock: r.clock, binary: r.binary, dir: filepath.Join(r.opts.out, "logs", s.Name),
		say:     func(format string, args ...any) { r.say(s.Name+": "+format, args...) },
		tracker: newTracker(len(s.Tenants.Channels)), stocked: map[locationIndex]int{},
	}
	st.profiler = profiler{length: r.opts.profile, dir: st.dir}
	// Logs of an earlier run would be taken for those of this one.
	if err := errors.Join(os.RemoveAll(st.dir), os.MkdirAll(st.dir, 0o755)); err != nil {
		return nil, err
	}
	if err := st.setUp(ctx, r.opts.root); err != nil {
		return nil, errors.Join(err, st.tearDown())
	}
	return st, nil
}

func (st *scenarioRun) setUp(ctx context.Context, root string) (err error) {
	if st.cluster, err = startCluster(ctx, root, st.dir, st.ControlPlane); err != nil {
		return err
	}
	if st.control, err = findControlPlane(); err != nil {
		return err
	}
	if st.receiver, err = startReceiver(ctx, st.clock, st.tracker); err != nil {
		return err
	}
	leases := sets.New[string]()
	for _, g := range st.Managers {
		leases.Insert(g.LeaseNamespace)
	}
	for namespace := range leases {
		if err := st.cluster.allowLeases(ctx, namespace); err != nil {
			return err
		}
	}
	st.recorder = &recorder{
		clock: st.clock, tracker: st.tracker, began: st.clock.Now(),
		etcd: st.cluster.etcd.JoinPath("metrics").String(),
	}
	st.recorder.use(nil, procs{control: st.control})
	return createTenants(ctx, st.cluster.admin, st.Tenants, st.receiver)
}

// tearDown ends everything.
func (st *scenarioRun) tearDown() error {
	err := st.stop()
	if st.receiver != nil {
		err = errors.Join(err, st.receiver.close())
	}
	if st.cluster != nil {
		err = errors.Join(err, st.cluster.stop())
	}
	return err
}

func (st *scenarioRun) step(ctx context.Context, step Step) error {
	switch {
	case step.Start != nil:
		return st.start(ctx, step.Name, step.Start.Groups)
	case step.Stop != nil:
		return st.stop()
	case step.Residents != nil:
		return st.fill(ctx, step.Name, step.Residents)
	case step.Load != nil:
		return st.load(ctx, step.Name, step.Load)
	default:
		return st.rest(ctx, step.Name, step.Rest)
	}
}

func (st *scenarioRun) add(f ...Figure) { st.figures = append(st.figures, f...) }

// pause waits, or until the context ends.
func (st *scenarioRun) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-st.clock.After(d):
		return nil
	}
}
