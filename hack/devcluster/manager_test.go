package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
	testingclock "k8s.io/utils/clock/testing"
)

// stubEnv makes this test binary a manager that does nothing but notes its arguments, so that the
// supervisor has a real process to watch.
const stubEnv = "DEVCLUSTER_TEST_MANAGER"

func TestMain(m *testing.M) {
	if os.Getenv(stubEnv) != "" {
		os.Exit(stubManager())
	}
	os.Setenv(stubEnv, "1") // for the children
	os.Exit(m.Run())
}

// stubManager runs until SIGTERM. Where the folder of its kubeconfig has a file "exit-code", it
// ends with that, else with 0.
func stubManager() int {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	fmt.Println(strings.Join(os.Args[1:], " "))
	<-terminated
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(os.Getenv("KUBECONFIG")), "exit-code"))
	if err != nil {
		return 0
	}
	code, _ := strconv.Atoi(string(raw))
	return code
}

// supervised is a running supervisor with the stub as its manager.
type supervised struct {
	t     *testing.T
	dir   *workDir
	clock *testingclock.FakeClock
	said  chan string
	log   *syncBuffer
	stop  context.CancelFunc
	done  chan error
	pid   int
}

func supervise(t *testing.T) *supervised {
	t.Helper()
	s := &supervised{
		t: t, dir: openDir(t), clock: testingclock.NewFakeClock(time.Unix(0, 0)),
		said: make(chan string, 10), log: &syncBuffer{}, done: make(chan error, 1),
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ingress, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sup := &supervisor{
		binary: binary, dir: s.dir, kubeconfig: s.dir.file(managerKubeconfigName),
		ingress: ingress.Addr().String(), handOver: ingress.Close, log: s.log, clock: s.clock,
		say: func(format string, args ...any) { s.said <- fmt.Sprintf(format, args...) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.stop = cancel
	go func() { s.done <- sup.run(ctx) }()
	return s
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 5*time.Millisecond, 20*time.Second, true,
		func(context.Context) (bool, error) { return condition(), nil })
	if err != nil {
		t.Fatalf("waited in vain for %s", what)
	}
}

// awaitStart waits until another manager has started up.
func (s *supervised) awaitStart(n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("start %d of the manager", n), func() bool {
		raw, err := os.ReadFile(s.dir.file(managerPIDName))
		if err != nil || strings.Count(s.log.String(), "\n") != n {
			return false
		}
		s.pid, err = strconv.Atoi(strings.TrimSpace(string(raw)))
		return err == nil
	})
}

// kill kills the manager and returns what the supervisor says to that.
func (s *supervised) kill() string {
	s.t.Helper()
	if err := syscall.Kill(s.pid, syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
	return <-s.said
}

func TestSupervisorRestarts(t *testing.T) {
	t.Parallel()
	s := supervise(t)
	s.awaitStart(1)
	if said := s.kill(); !strings.Contains(said, "killed") || !strings.HasSuffix(said, "at once") {
		t.Errorf("after the first end: %q", said)
	}
	s.awaitStart(2)
	if said := s.kill(); !strings.HasSuffix(said, "in 250ms") {
		t.Errorf("after an early second end: %q", said)
	}
	eventually(t, "the delay", s.clock.HasWaiters)
	s.clock.Step(250 * time.Millisecond)
	s.awaitStart(3)
	s.clock.Step(stableAfter)
	if said := s.kill(); !strings.HasSuffix(said, "at once") {
		t.Errorf("after a long life: %q", said)
	}
	s.awaitStart(4)
	s.stop()
	if err := <-s.done; err != nil {
		t.Errorf("an orderly stop gave %v", err)
	}
	if err := syscall.Kill(s.pid, 0); err == nil {
		t.Error("the manager outlived its supervisor")
	}

	for _, want := range []string{
		"--ingress-bind-address=127.0.0.1:", "--health-probe-bind-address=127.0.0.1:", "--metrics-bind-address=127.0.0.1:",
		"--leader-elect=true", "--leader-election-namespace=" + systemNamespace,
	} {
		if got := strings.Count(s.log.String(), want); got != 4 {
			t.Errorf("%d of 4 starts had %s", got, want)
		}
	}
}

func TestSupervisorReportsABadStop(t *testing.T) {
	t.Parallel()
	s := supervise(t)
	if err := os.WriteFile(s.dir.file("exit-code"), []byte("7"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.awaitStart(1)
	s.stop()
	if err := <-s.done; err == nil || !strings.Contains(err.Error(), "exit status 7") || !strings.Contains(err.Error(), managerLogName) {
		t.Errorf("got error %v, want exit status 7 and the log", err)
	}
}

func TestSupervisorWithoutManager(t *testing.T) {
	t.Parallel()
	sup := &supervisor{binary: filepath.Join(t.TempDir(), "manager"), dir: openDir(t), clock: testingclock.NewFakeClock(time.Unix(0, 0)), handOver: func() error { return nil }}
	if err := sup.run(t.Context()); err == nil || !strings.Contains(err.Error(), "start the manager") {
		t.Errorf("got error %v, want start the manager", err)
	}
}

// syncBuffer is a buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
