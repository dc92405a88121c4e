package main

import (
	"fmt"
	"maps"
	"os"

	"github.com/prometheus/procfs"
)

// role is what a process is there for.
type role string

// Roles of processes.
const (
	roleManager   role = "manager"
	roleAPIServer role = "apiserver"
	roleEtcd      role = "etcd"
	roleBench     role = "bench" // this process: senders, receiver and baseline writers
)

// cpu is processor time in seconds, user and system, by role.
type cpu map[role]float64

// since returns what was spent since an earlier reading.
func (c cpu) since(earlier cpu) cpu {
	out := maps.Clone(c)
	for r, seconds := range earlier {
		out[r] -= seconds
	}
	return out
}

// product is what storing costs: everything but the generator of the load.
func (c cpu) product() float64 { return c[roleManager] + c[roleAPIServer] + c[roleEtcd] }

// procs are the processes that are measured.
type procs struct {
	control  map[role]procfs.Proc
	managers []procfs.Proc
}

// findControlPlane finds etcd and the API server among the children of this process: envtest does not tell their
// numbers.
func findControlPlane() (map[role]procfs.Proc, error) {
	all, err := procfs.AllProcs()
	if err != nil {
		return nil, fmt.Errorf("read /proc: %w", err)
	}
	self, err := procfs.Self()
	if err != nil {
		return nil, err
	}
	out := map[role]procfs.Proc{roleBench: self}
	for _, p := range all {
		stat, err := p.Stat()
		if err != nil || stat.PPID != os.Getpid() {
			continue // it has ended meanwhile, or is somebody else's
		}
		switch stat.Comm {
		case "etcd":
			out[roleEtcd] = p
		case "kube-apiserver":
			out[roleAPIServer] = p
		}
	}
	for _, r := range []role{roleEtcd, roleAPIServer} {
		if _, ok := out[r]; !ok {
			return nil, fmt.Errorf("%s is not among the children of this process", r)
		}
	}
	return out, nil
}

// cpu reads the processor time of all processes so far.
func (p *procs) cpu() (cpu, error) {
	out := cpu{}
	for r, one := range p.control {
		stat, err := one.Stat()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r, err)
		}
		out[r] = stat.CPUTime()
	}
	for _, one := range p.managers {
		stat, err := one.Stat()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", roleManager, err)
		}
		out[roleManager] += stat.CPUTime()
	}
	return out, nil
}

// rss returns resident memory in bytes by role; of managers, that of the largest.
func (p *procs) rss() (map[role]int64, error) {
	out := map[role]int64{}
	for r, one := range p.control {
		stat, err := one.Stat()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r, err)
		}
		out[r] = int64(stat.ResidentMemory())
	}
	for _, one := range p.managers {
		stat, err := one.Stat()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", roleManager, err)
		}
		out[roleManager] = max(out[roleManager], int64(stat.ResidentMemory()))
	}
	return out, nil
}

// peak returns the most memory in bytes that a manager has ever had resident.
func (p *procs) peak() (int64, error) {
	most := int64(0)
	for _, one := range p.managers {
		status, err := one.NewStatus()
		if err != nil {
			return 0, fmt.Errorf("%s: %w", roleManager, err)
		}
		most = max(most, int64(status.VmHWM))
	}
	return most, nil
}
