package main

import (
	"context"
	"os/exec"
	"runtime"
	"strings"

	"github.com/prometheus/procfs"

	"tallyman.dev/tallyman/hack/testenv"
)

// Environment is what figures depend on.
type Environment struct {
	Date       string  `json:"date"`
	Commit     string  `json:"commit"`
	CPU        string  `json:"cpu"`
	Cores      int     `json:"cores"`
	MemoryMB   uint64  `json:"memoryMB"`
	OS         string  `json:"os"`
	Go         string  `json:"go"`
	Kubernetes string  `json:"kubernetes"`
	Load1      float64 `json:"load1"` // runnable processes before the run: above 0.5, somebody else is at work
	Scale      float64 `json:"scale"`
	Set        string  `json:"set"`
}

// quietLoad is the load of a machine on which nothing else runs.
const quietLoad = 0.5

// lookAround describes the machine. What cannot be found out is empty: it decides nothing.
func lookAround(ctx context.Context, root string) Environment {
	e := Environment{
		Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(),
		Kubernetes: testenv.KubernetesVersion,
	}
	git := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty")
	git.Dir = root
	if out, err := git.Output(); err == nil {
		e.Commit = strings.TrimSpace(string(out))
	}
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return e
	}
	if cpus, err := fs.CPUInfo(); err == nil && len(cpus) > 0 {
		e.CPU = cpus[0].ModelName
	}
	if memory, err := fs.Meminfo(); err == nil && memory.MemTotal != nil {
		e.MemoryMB = *memory.MemTotal / 1024
	}
	if load, err := fs.LoadAvg(); err == nil {
		e.Load1 = load.Load1
	}
	return e
}

// doubts are reasons not to believe the figures.
func (e Environment) doubts() []string {
	var out []string
	if e.Scale != 1 {
		out = append(out, "the run was scaled: it shows that the runner works, and measures nothing")
	}
	if e.Load1 > quietLoad {
		out = append(out, "other programs were at work when the run began")
	}
	if strings.HasSuffix(e.Commit, "-dirty") {
		out = append(out, "the code had changes that are not committed")
	}
	return out
}
