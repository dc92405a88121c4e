package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// killGrace is how long the go command may take to stop its compilers after an interrupt.
const killGrace = 10 * time.Second

// moduleVersion is what `go list -m -json` says of a module.
type moduleVersion struct {
	Path    string
	Version string
	Time    *time.Time
}

// goTool runs the go command in the current folder's module, or in dir.
type goTool struct {
	dir    string
	report *reporter
}

// moduleVersions returns the selected versions of modules.
func (g goTool) moduleVersions(ctx context.Context, modules ...string) (map[string]moduleVersion, error) {
	out, err := g.output(ctx, append([]string{"list", "-m", "-json"}, modules...)...)
	if err != nil {
		return nil, err
	}
	versions := make(map[string]moduleVersion, len(modules))
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var m moduleVersion
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return versions, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list -m -json: %w", err)
		}
		versions[m.Path] = m
	}
}

// stale lists the packages that a build of pkg would compile; all others are in the build cache.
func (g goTool) stale(ctx context.Context, pkg string) ([]string, error) {
	out, err := g.output(ctx, "list", "-deps", "-trimpath", "-f", "{{if .Stale}}{{.ImportPath}}{{end}}", pkg)
	return strings.Fields(string(out)), err
}

// platform is the toolchain's version and what it builds for, as "go1.26.8 linux/amd64".
func (g goTool) platform(ctx context.Context) (string, error) {
	out, err := g.output(ctx, "env", "GOVERSION", "GOOS", "GOARCH")
	if err != nil {
		return "", err
	}
	fields := strings.Fields(string(out))
	if len(fields) != 3 {
		return "", fmt.Errorf("go env GOVERSION GOOS GOARCH: want three values, got %q", out)
	}
	return fmt.Sprintf("%s %s/%s", fields[0], fields[1], fields[2]), nil
}

// output runs the go command and returns its standard output.
func (g goTool) output(ctx context.Context, args ...string) ([]byte, error) {
	var out bytes.Buffer
	err := g.run(ctx, &out, func(string) bool { return false }, args...)
	return out.Bytes(), err
}

// run runs the go command. Lines on its standard error that known does not take are shown:
// downloads as progress, everything else as it is, since that is what a person has to read.
func (g goTool) run(ctx context.Context, stdout io.Writer, known func(line string) bool, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stdout = stdout
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = killGrace
	lines, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the go command: %w", err)
	}
	for r := bufio.NewReader(lines); ; {
		line, err := r.ReadString('\n')
		line = strings.TrimRight(line, "\r\n")
		switch download, ok := strings.CutPrefix(line, "go: downloading "); {
		case line == "" || known(line):
		case ok:
			g.report.working("downloading " + download)
		default:
			g.report.forward(line)
		}
		if err != nil {
			break // the pipe's end; Wait has the reason
		}
	}
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		return fmt.Errorf("go %s: %w", args[0], err)
	}
	return nil
}
