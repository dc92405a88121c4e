package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/util/wait"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// start starts managers.
func (st *scenarioRun) start(ctx context.Context, step string, groups []int) error {
	began := st.clock.Now()
	var managers []procfs.Proc
	for _, n := range groups {
		for range st.Managers[n].Count {
			p, err := startManager(st.binary, st.cluster.kubeconfig, st.dir, n, st.Managers[n])
			if err != nil {
				return err
			}
			st.processes = append(st.processes, p)
			proc, err := procfs.NewProc(p.cmd.Process.Pid)
			if err != nil {
				return err
			}
			managers = append(managers, proc)
		}
	}
	group, waiting := errgroup.WithContext(ctx)
	for _, p := range st.processes {
		group.Go(func() error { return p.ready(waiting) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	ready := st.clock.Since(began)
	st.recorder.use(st.processes, procs{control: st.control, managers: managers})
	if err := st.awaitLeaders(ctx, groups); err != nil {
		return err
	}
	leading := st.clock.Since(began)
	if err := st.awaitChannels(ctx); err != nil {
		return err
	}
	if err := st.checkStock(ctx); err != nil {
		return fmt.Errorf("the managers say that they are ready: %w", err)
	}
	_, running := st.recorder.running()
	peak, err := running.peak()
	if err != nil {
		return err
	}
	st.say("%s: ready in %.1f s", step, ready.Seconds())
	st.add(
		one(step, "ready_seconds", ready.Seconds()),
		one(step, "leading_seconds", leading.Seconds()),
		one(step, "manager_rss_peak_mb", float64(peak)/megabyte),
	)
	return nil
}

// leaderPoll is how exactly the time until a leader is known.
const leaderPoll = 50 * time.Millisecond

// awaitLeaders waits until a process of each group leads.
func (st *scenarioRun) awaitLeaders(ctx context.Context, groups []int) error {
	err := wait.PollUntilContextTimeout(ctx, leaderPoll, readyPatience, true, func(ctx context.Context) (bool, error) {
		led := map[int]bool{}
		for _, p := range st.processes {
			m, err := scrape(ctx, p.metrics)
			if err != nil {
				return false, err
			}
			// Without an election, everybody leads.
			led[p.group] = led[p.group] || m[metricLeads] > 0 || slices.Contains(p.args, "--leader-elect=false")
		}
		for _, n := range groups {
			if !led[n] {
				return false, nil
			}
		}
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("wait for leaders: %w", err)
	}
	return nil
}

// awaitChannels waits until the leaders have stored under which epoch they push to every channel.
func (st *scenarioRun) awaitChannels(ctx context.Context) error {
	err := wait.PollUntilContextTimeout(ctx, leaderPoll, readyPatience, true, func(ctx context.Context) (bool, error) {
		list := &inventoryv1alpha1.ChannelList{}
		if err := st.cluster.admin.List(ctx, list); err != nil {
			return false, err
		}
		return !slices.ContainsFunc(list.Items, func(c inventoryv1alpha1.Channel) bool { return len(c.Status.Epochs) == 0 }), nil
	})
	if err != nil {
		return fmt.Errorf("wait for channels: %w", err)
	}
	return nil
}

// checkStock compares what the managers say that they hold with what they must hold.
func (st *scenarioRun) checkStock(ctx context.Context) error {
	m, err := st.recorder.managers(ctx)
	if err != nil {
		return err
	}
	want := 0
	for _, n := range st.stocked {
		want += n
	}
	if have := m[metricLedgerSKUs] + m[metricUnfolded]; have < float64(want) {
		return fmt.Errorf("they hold %.0f SKU-locations, and %d were stored", have, want)
	}
	return nil
}

// stop ends all managers.
func (st *scenarioRun) stop() error {
	if st.recorder != nil {
		st.recorder.use(nil, procs{control: st.control})
	}
	errs := make(chan error, len(st.processes))
	for _, p := range st.processes {
		go func() { errs <- p.stop() }()
	}
	var all []error
	for range st.processes {
		if err := <-errs; err != nil {
			all = append(all, fmt.Errorf("a manager ended badly: %w", err))
		}
	}
	st.processes = nil
	return errors.Join(all...)
}

// ingresses are the URLs that each tenant's senders use.
func (st *scenarioRun) ingresses() [][]string {
	out := make([][]string, st.Tenants.Count)
	for _, p := range st.processes {
		for _, n := range st.Managers[p.group].Tenants {
			out[n] = append(out[n], strings.TrimSuffix(p.ingress, "/"))
		}
	}
	return out
}
