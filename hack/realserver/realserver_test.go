package realserver_test

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"tallyman.dev/tallyman/hack/realserver"
)

// TestStart starts a shell that has a child, and wants both gone afterwards.
func TestStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pids := filepath.Join(dir, "pids")
	t.Run("server", func(t *testing.T) {
		realserver.Start(t, realserver.Process{
			Path: "/bin/sh", Args: []string{"-c", `(trap "" TERM; exec sleep 600) & echo $$ $! > "$OUT.new"; mv "$OUT.new" "$OUT"; wait`},
			Dir: dir, Env: []string{"OUT=pids"},
			Ready: func(context.Context) error {
				_, err := os.Stat(pids)
				return err
			},
		})
		for _, pid := range readPIDs(t, pids) {
			if err := syscall.Kill(pid, 0); err != nil {
				t.Errorf("process %d: %v", pid, err)
			}
		}
	})
	for _, pid := range readPIDs(t, pids) {
		// Whoever adopts an orphan takes a moment to bury it.
		err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, 10*time.Second, true, func(context.Context) (bool, error) {
			return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || isZombie(pid), nil
		})
		if err != nil {
			t.Errorf("process %d lives on: %v", pid, err)
		}
	}
}

func readPIDs(t *testing.T, file string) []int {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []int
	for field := range strings.FieldsSeq(string(raw)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, pid)
	}
	return out
}

// isZombie reports whether a process has ended, in a container where nobody buries orphans.
func isZombie(pid int) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(raw), ") Z ")
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	address := realserver.FreeAddress(t)
	ready := realserver.Answers("http://" + address)
	if err := ready(t.Context()); err == nil {
		t.Error("nobody listens, and yet an answer is found")
	}
	server := &http.Server{Addr: address, Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Minute}
	t.Cleanup(func() { _ = server.Close() })
	go func() { _ = server.ListenAndServe() }()
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
		return ready(ctx) == nil, nil
	})
	if err != nil {
		t.Errorf("a server with nothing but 404 is not found: %v", err)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "made")
	realserver.Run(t, realserver.Process{Path: "/bin/sh", Args: []string{"-c", `touch "$0"`, file}})
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}
