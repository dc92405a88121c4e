package linearizability

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"tallyman.dev/tallyman/hack/child"
)

// restartDelay is how long a process stays down that has ended by itself, as a manager does that lost its
// lease.
const restartDelay = 200 * time.Millisecond

// process is a program that is started again whenever it has ended, as a kubelet does.
type process struct {
	name, path string
	args, env  []string
	log        *os.File

	mu      sync.Mutex
	running *os.Process // nil while it is down
	down    time.Duration
}

// start runs a program until the test ends. Its environment is that of the test, and more.
func start(t *testing.T, name, path string, args []string, env ...string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: name, path: path, args: args, env: append(os.Environ(), env...), log: log}
	ctx, cancel := context.WithCancel(context.Background())
	failed := make(chan error, 1)
	go func() { failed <- p.supervise(ctx) }()
	t.Cleanup(func() {
		cancel() // which kills it
		if err := <-failed; err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if t.Failed() {
			t.Logf("the end of the log of %s:\n%s", name, p.tail())
		}
		_ = log.Close()
	})
	return p
}

// supervise keeps the program running until the context ends.
func (p *process) supervise(ctx context.Context) error {
	for ctx.Err() == nil {
		cmd := exec.CommandContext(ctx, p.path, p.args...)
		cmd.Env, cmd.Stdout, cmd.Stderr = p.env, p.log, p.log
		cmd.SysProcAttr = child.Attributes(syscall.SIGTERM)
		if err := cmd.Start(); err != nil {
			if ctx.Err() != nil {
				break
			}
			return err
		}
		p.became(cmd.Process)
		_ = cmd.Wait() // every end is expected
		pause(ctx, p.became(nil))
	}
	return nil
}

// became notes what runs, and returns how long the program shall be down.
func (p *process) became(running *os.Process) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	down := max(p.down, restartDelay)
	p.running, p.down = running, 0
	return down
}

// end sends a signal that ends the program, which stays down for a while.
func (p *process) end(signal syscall.Signal, down time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.running != nil {
		p.down = down
		_ = p.running.Signal(signal) // it may have ended just now
	}
}

// freeze stops the program from running for a while. Its connections stay.
func (p *process) freeze(ctx context.Context, d time.Duration) {
	p.mu.Lock()
	frozen := p.running
	p.mu.Unlock()
	if frozen == nil {
		return
	}
	_ = frozen.Signal(syscall.SIGSTOP)
	pause(ctx, d)
	_ = frozen.Signal(syscall.SIGCONT) // no other process: this one was not waited for before
}

// tail returns the last lines of the log.
func (p *process) tail() []byte {
	const most = 6_000 // bytes
	raw, err := os.ReadFile(p.log.Name())
	if err != nil {
		return []byte(err.Error())
	}
	if len(raw) > most {
		raw = raw[len(raw)-most:]
		raw = raw[bytes.IndexByte(raw, '\n')+1:]
	}
	return raw
}

// pause waits, and reports whether the context is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
