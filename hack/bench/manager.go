package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"tallyman.dev/tallyman/hack/child"
)

const (
	// managerGrace is how long a manager may take to end by itself.
	managerGrace = 30 * time.Second

	// readyPatience bounds the wait until a manager serves.
	readyPatience = 10 * time.Minute

	// readyPoll is how exactly the time until then is known.
	readyPoll = 10 * time.Millisecond
)

// buildManager builds the manager into dir, as `make build` does.
func buildManager(ctx context.Context, root, dir string) (string, error) {
	binary := filepath.Join(dir, "manager")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, ".")
	build.Dir = root
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the manager: %w\n%s", err, out)
	}
	return binary, nil
}

// process is a running manager.
type process struct {
	group            int
	namespaces       string // of its tenants, separated by commas
	args             []string
	cmd              *exec.Cmd
	ingress, metrics string // URLs
	pprof            string // likewise
	log              *os.File
	ended            chan struct{}
	err              error // of its end; valid once ended is closed
}

// startManager starts one manager of a group, with its log in dir.
func startManager(binary, kubeconfig, dir string, group int, g ManagerGroup) (*process, error) {
	addresses, err := freeAddresses(4)
	if err != nil {
		return nil, err
	}
	namespaces := make([]string, len(g.Tenants))
	for i, n := range g.Tenants {
		namespaces[i] = tenantNamespace(n)
	}
	p := &process{
		group: group, namespaces: strings.Join(namespaces, ","), ended: make(chan struct{}),
		ingress: "http://" + addresses[0], metrics: "http://" + addresses[1] + "/metrics",
		pprof: "http://" + addresses[3],
	}
	p.args = slices.Concat([]string{
		"--ingress-bind-address=" + addresses[0],
		"--metrics-bind-address=" + addresses[1],
		"--health-probe-bind-address=" + addresses[2],
		"--pprof-bind-address=" + addresses[3],
		"--namespaces=" + p.namespaces,
		"--leader-election-namespace=" + g.LeaseNamespace,
	}, g.Flags)
	if p.log, err = os.CreateTemp(dir, "manager-*.log"); err != nil {
		return nil, err
	}
	p.cmd = exec.Command(binary, p.args...)
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(kv string) bool { return strings.HasPrefix(kv, "KUBECONFIG=") }),
		"KUBECONFIG="+kubeconfig)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.SysProcAttr = child.Attributes(syscall.SIGKILL)
	if err := p.cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a manager: %w", err), p.log.Close())
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// ready waits until the ingress has loaded all stock and serves.
func (p *process) ready(ctx context.Context) error {
	url := p.ingress + "/readyz"
	var last error
	err := wait.PollUntilContextTimeout(ctx, readyPoll, readyPatience, true, func(ctx context.Context) (bool, error) {
		if p.gone() {
			return false, fmt.Errorf("the manager has ended (%w); see %s", p.err, p.log.Name())
		}
		last = get(ctx, url)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("wait for a manager to serve: %w", errors.Join(err, last))
	}
	return nil
}

func (p *process) gone() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// stop ends the manager, by force where it does not end by itself.
func (p *process) stop() error {
	defer p.log.Close()
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended already
	patience := time.NewTimer(managerGrace)
	defer patience.Stop()
	select {
	case <-p.ended:
		return p.err
	case <-patience.C:
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("a manager did not end within %s; see %s", managerGrace, p.log.Name())
	}
}

// get asks for a page and wants 200.
func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, answer.Status)
	}
	return nil
}

// freeAddresses are loopback addresses that nobody listens on right now.
func freeAddresses(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // held until all are known, so that none comes twice
		out = append(out, l.Addr().String())
	}
	return out, nil
}
