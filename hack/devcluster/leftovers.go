package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// leftoverGrace is how long a process may take to end after SIGTERM.
const leftoverGrace = 20 * time.Second

// mark is how a process of a devcluster is recognised: the name of its binary, and one of its
// arguments, which names a folder that belongs to the holder of the lock alone.
type mark struct{ binary, arg string }

// marks are in the order in which processes are ended.
func (d *workDir) marks() []mark {
	return []mark{
		{"kube-apiserver", "--cert-dir=" + d.file(certsName)},
		{"etcd", "--data-dir=" + d.file(etcdDataName)},
	}
}

// stopLeftovers ends the control plane of a devcluster that was killed and could not do it
// itself (the manager ends with its parent). The caller holds the lock, so that nothing found
// here can be in use. Without a /proc, as on macOS, nothing is found, and the new etcd reports
// that its data is locked.
func (d *workDir) stopLeftovers(ctx context.Context, say func(string, ...any)) error {
	for _, m := range d.marks() {
		for _, pid := range m.find() {
			say("ending %s (process %d), left over from a devcluster that was killed", m.binary, pid)
			if err := m.end(ctx, pid); err != nil {
				return fmt.Errorf("end %s, process %d: %w", m.binary, pid, err)
			}
		}
	}
	return nil
}

// find returns the processes with the mark.
func (m mark) find() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && m.has(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// has reports whether a process has the mark. One that has ended, or is another user's, has not.
func (m mark) has(pid int) bool {
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	exe, err := os.Readlink(filepath.Join(proc, "exe"))
	if err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != m.binary {
		return false
	}
	cmdline, err := os.ReadFile(filepath.Join(proc, "cmdline"))
	return err == nil && slices.ContainsFunc(bytes.Split(cmdline, []byte{0}), func(arg []byte) bool {
		return string(arg) == m.arg
	})
}

// end asks a process to end, and kills it if it does not in time.
func (m mark) end(ctx context.Context, pid int) error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		if !m.has(pid) {
			return nil
		}
		if err := syscall.Kill(pid, signal); err != nil {
			return err
		}
		err := wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, leftoverGrace, true,
			func(context.Context) (bool, error) { return !m.has(pid), nil })
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("it outlived SIGKILL for %s", leftoverGrace)
}
