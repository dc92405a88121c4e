package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/clock"

	"tallyman.dev/tallyman/hack/child"
)

const (
	managerPIDName        = "manager.pid"
	managerKubeconfigName = "manager.kubeconfig"

	// managerGrace is how long the manager may take to finish accepted batches and running
	// pushes after SIGTERM.
	managerGrace = 30 * time.Second

	// stableAfter is how long the manager has to live for its next end to count as its first.
	stableAfter = 10 * time.Second
)

// restartDelays: at once after the first end, then doubling.
var restartDelays = wait.Backoff{Duration: 250 * time.Millisecond, Factor: 2, Steps: 7, Cap: 10 * time.Second}

// supervisor runs the manager as a kubelet would: whenever it ends, it is started again.
type supervisor struct {
	binary     string
	dir        *workDir
	kubeconfig string
	ingress    string       // address for it to listen on
	handOver   func() error // gives the reserved ingress address up
	log        io.Writer
	say        func(string, ...any)
	clock      clock.Clock

	mu        sync.Mutex
	endpoints endpoints
}

// endpoints are where the running manager serves what is not for senders of inventory.
type endpoints struct {
	health, metrics string
	since           time.Time // its start
}

// current returns the endpoints of the last start.
func (s *supervisor) current() endpoints {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endpoints
}

// run keeps the manager running until ctx ends, then stops it. It returns an error only when
// the manager could not be started or did not stop.
func (s *supervisor) run(ctx context.Context) error {
	if err := s.handOver(); err != nil {
		return err
	}
	delays := restartDelays
	for first := true; ; {
		cmd, err := s.start(ctx)
		if err != nil {
			return err
		}
		err = cmd.Wait()
		if ctx.Err() != nil {
			return s.stopped(err)
		}
		if s.clock.Since(s.current().since) >= stableAfter {
			first, delays = true, restartDelays
		}
		delay := time.Duration(0)
		if !first {
			delay = delays.Step()
		}
		first = false
		s.say("the manager has ended by itself (%s); it is started again %s", cmd.ProcessState, after(delay))
		if delay == 0 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.clock.After(delay):
		}
	}
}

func after(delay time.Duration) string {
	if delay == 0 {
		return "at once"
	}
	return "in " + delay.String()
}

// stopped returns what is wrong with how the manager ended after it was told to.
func (s *supervisor) stopped(err error) error {
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, context.Canceled):
		return nil
	case errors.As(err, &exit):
		return fmt.Errorf("the manager was told to stop and ended with %w; see %s", exit, s.dir.file(managerLogName))
	}
	return err
}

// start starts one manager. It ends with ctx: SIGTERM, then SIGKILL after managerGrace.
func (s *supervisor) start(ctx context.Context) (*exec.Cmd, error) {
	e := endpoints{since: s.clock.Now()}
	for _, addr := range []*string{&e.health, &e.metrics} {
		var err error
		if *addr, err = freeAddr(); err != nil {
			return nil, err
		}
	}
	cmd := exec.CommandContext(ctx, s.binary,
		"--ingress-bind-address="+s.ingress,
		"--health-probe-bind-address="+e.health,
		"--metrics-bind-address="+e.metrics,
		"--leader-elect=true",
		"--leader-election-namespace="+systemNamespace,
	)
	cmd.Env = append(withoutEnv(os.Environ(), "KUBECONFIG"), "KUBECONFIG="+s.kubeconfig)
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = child.Attributes(syscall.SIGTERM)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = managerGrace
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the manager: %w", err)
	}
	s.mu.Lock()
	s.endpoints = e
	s.mu.Unlock()
	if err := writePrivate(s.dir.file(managerPIDName), []byte(strconv.Itoa(cmd.Process.Pid)+"\n")); err != nil {
		s.say("%v", err)
	}
	return cmd, nil
}

// withoutEnv drops a variable from an environment.
func withoutEnv(env []string, name string) []string {
	var kept []string
	for _, kv := range env {
		if !strings.HasPrefix(kv, name+"=") {
			kept = append(kept, kv)
		}
	}
	return kept
}
