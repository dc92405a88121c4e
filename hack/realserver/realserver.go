// Package realserver starts the servers of shops and ERPs as processes, so that connectors are tested
// against the real thing. It serves tests alone.
package realserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"tallyman.dev/tallyman/hack/child"
)

// Enabled is the environment variable that asks for real servers; `make test-channels` sets it to 1.
const Enabled = "TALLYMAN_REAL_SERVERS"

const (
	// startPatience bounds the time until a server answers: a machine under load takes its time.
	startPatience = 3 * time.Minute
	startPoll     = 100 * time.Millisecond
	// stopPatience is what a server gets to end by itself.
	stopPatience = 10 * time.Second
	// askPatience bounds one look at whether a server answers.
	askPatience = 5 * time.Second
	// maxTail is how much of a server's output is shown, in bytes.
	maxTail = 64 << 10
)

// Require skips a test where real servers are not asked for, and returns the path of the command that
// the test needs. Where they are asked for, a command that is missing fails the test: what was to be
// proven has not been.
func Require(t testing.TB, command string) (path string) {
	t.Helper()
	if os.Getenv(Enabled) == "" {
		t.Skipf("needs a real server: run `make test-channels`, which installs it, or set %s=1", Enabled)
	}
	path, err := exec.LookPath(command)
	if err != nil {
		t.Fatalf("%s is set, but %s is not installed: %v", Enabled, command, err)
	}
	return path
}

// FreeAddress returns an address of the loopback interface that nobody listened on a moment ago.
func FreeAddress(t testing.TB) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("find a free port: %v", err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Process is a server that a test starts.
type Process struct {
	// Path and Args are its command line, Dir its working folder, that of the test unless set.
	Path string
	Args []string
	Dir  string
	// Env is added to the environment of the test, as "name=value".
	Env []string
	// Ready tells by its error why the server does not serve yet. It is asked until it returns nil.
	Ready func(context.Context) error
}

// Start starts a server, waits until it is ready, and stops it with all its children when the test
// and its subtests have ended. What it wrote is shown if the test fails.
func Start(t testing.TB, p Process) {
	t.Helper()
	cmd, output := p.command(t)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.Path, err)
	}
	ended := make(chan struct{})
	var exit error // is read after ended is closed
	go func() {
		defer close(ended)
		exit = cmd.Wait()
	}()
	t.Cleanup(func() {
		stop(cmd.Process.Pid, ended)
		if t.Failed() {
			t.Logf("%s wrote:\n%s", p.Path, tail(output))
		}
	})
	if err := p.await(t.Context(), ended); err != nil {
		select {
		case <-ended:
			err = fmt.Errorf("it has ended: %w", exit)
		default:
		}
		t.Fatalf("%s does not get ready: %v", p.Path, err)
	}
}

// Run runs a command to its end, and fails the test with what it wrote if it fails.
func Run(t testing.TB, p Process) {
	t.Helper()
	cmd, output := p.command(t)
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", p.Path, strings.Join(p.Args, " "), err, tail(output))
	}
}

// Answers returns a Ready that wants any HTTP answer of a URL, whatever its status.
func Answers(url string) func(context.Context) error {
	client := &http.Client{Timeout: askPatience}
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		answer, err := client.Do(req)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	}
}

// command makes the command, in a process group of its own, and the file that it writes to: unlike a
// pipe, children that live on do not keep it from ending.
func (p Process) command(t testing.TB) (*exec.Cmd, *os.File) {
	t.Helper()
	output, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = output.Close() })
	cmd := exec.Command(p.Path, p.Args...)
	cmd.Dir = p.Dir
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdout, cmd.Stderr = output, output
	cmd.SysProcAttr = child.Attributes(syscall.SIGKILL)
	return cmd, output
}

// tail returns the end of a file.
func tail(file *os.File) string {
	info, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	start := max(0, info.Size()-maxTail)
	text, err := io.ReadAll(io.NewSectionReader(file, start, maxTail))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// await waits until the server is ready or has ended.
func (p Process) await(ctx context.Context, ended <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	var last error
	err := wait.PollUntilContextTimeout(ctx, startPoll, startPatience, true, func(ctx context.Context) (bool, error) {
		last = p.Ready(ctx)
		return last == nil, nil
	})
	if err == nil {
		return nil
	}
	return errors.Join(err, last)
}

// stop ends a process group: by a request first, then by force.
func stop(group int, ended <-chan struct{}) {
	overdue := time.NewTimer(stopPatience)
	defer overdue.Stop()
	_ = syscall.Kill(-group, syscall.SIGTERM) // it may have ended
	select {
	case <-ended:
	case <-overdue.C:
	}
	_ = syscall.Kill(-group, syscall.SIGKILL) // its children, too
	<-ended
}
