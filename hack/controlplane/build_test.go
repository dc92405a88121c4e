package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// program makes a module with one program and returns a builder and a target for it.
func program(t *testing.T, source string) (builder, target, *bytes.Buffer) {
	t.Helper()
	dir, log := t.TempDir(), &bytes.Buffer{}
	for name, text := range map[string]string{
		"go.mod":  "module example.com/hello\n\ngo 1.26\n",
		"go.sum":  "",
		"main.go": source,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	report := newReporter(log, false)
	b := builder{tool: goTool{dir: dir, report: report}, dir: filepath.Join(t.TempDir(), "bin"), report: report}
	v := moduleVersion{Path: "example.com/hello", Version: "v1.2.3"}
	return b, target{name: "hello", pkg: "example.com/hello", version: v, ldflags: "-X main.version=v1.2.3"}, log
}

const hello = "package main\n\nvar version string\n\nfunc main() { print(version) }\n"

func TestBuildAll(t *testing.T) {
	t.Parallel()
	b, tgt, log := program(t, hello)
	bin := filepath.Join(b.dir, tgt.name)
	build := func(tgt target) (built bool) {
		t.Helper()
		log.Reset()
		if err := b.buildAll(t.Context(), []target{tgt}); err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		if out, err := exec.Command(bin).CombinedOutput(); err != nil || string(out) != tgt.version.Version {
			t.Errorf("the binary says %q (%v), want %q", out, err, tgt.version.Version)
		}
		return strings.Contains(log.String(), "built hello")
	}
	if !build(tgt) {
		t.Error("not built though there was nothing")
	}
	if build(tgt) {
		t.Error("built again though nothing changed")
	}
	tgt.version.Version, tgt.ldflags = "v1.2.4", "-X main.version=v1.2.4"
	if !build(tgt) {
		t.Error("not built though the version changed")
	}
	if err := os.WriteFile(filepath.Join(b.tool.dir, "go.sum"), []byte("\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if !build(tgt) {
		t.Error("not built though the dependencies changed")
	}
	if err := os.Remove(bin); err != nil {
		t.Fatal(err)
	}
	if !build(tgt) {
		t.Error("not built though the binary is gone")
	}
}

func TestBuildErrors(t *testing.T) {
	t.Parallel()
	b, tgt, log := program(t, "package main\n\nfunc main() { undefined() }\n")
	err := b.buildAll(t.Context(), []target{tgt})
	if err == nil || !strings.Contains(err.Error(), "build hello v1.2.3") {
		t.Errorf("got error %v, want one that names the target", err)
	}
	if want := "main.go:3:15: undefined: undefined"; !strings.Contains(log.String(), want) {
		t.Errorf("the compiler's message %q is not in the output:\n%s", want, log)
	}
	wantNothingIn(t, b.dir)
}

func TestBuildInterrupted(t *testing.T) {
	t.Parallel()
	// A package that no build cache has: its line of progress comes while the compiler runs.
	b, tgt, log := program(t, hello+"\n// "+t.TempDir()+"\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	b.report.out = writerFunc(func(p []byte) (int, error) {
		if strings.Contains(string(p), "1 of 1 packages") {
			cancel()
		}
		return log.Write(p)
	})
	err := b.buildAll(ctx, []target{tgt})
	if err == nil || !strings.HasSuffix(err.Error(), "interrupted") {
		t.Errorf("got error %v, want interrupted\n%s", err, log)
	}
	wantNothingIn(t, b.dir)
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func wantNothingIn(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("%s was left behind", e.Name())
	}
}

func TestRunWithAssets(t *testing.T) {
	t.Setenv(assetsEnv, "/somewhere/ready")
	var log bytes.Buffer
	if err := run(t.Context(), nil, &log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "/somewhere/ready") {
		t.Errorf("the message does not name the folder in use: %q", log.String())
	}
}
