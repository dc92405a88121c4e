package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// builder builds targets into dir.
type builder struct {
	tool   goTool
	dir    string
	report *reporter
}

// buildAll builds the targets that are missing or of another version.
func (b builder) buildAll(ctx context.Context, all []target) error {
	platform, err := b.tool.platform(ctx)
	if err != nil {
		return err
	}
	stamps, err := readStamps(b.dir)
	if err != nil {
		return err
	}
	inputs, err := digestFiles(filepath.Join(b.tool.dir, "go.mod"), filepath.Join(b.tool.dir, "go.sum"))
	if err != nil {
		return err
	}
	var todo []target
	for _, t := range all {
		if !isFile(filepath.Join(b.dir, t.name)) || stamps[t.name] != stampOf(t, platform, inputs) {
			todo = append(todo, t)
		}
	}
	if len(todo) == 0 {
		return nil
	}
	if err := os.MkdirAll(b.dir, 0o755); err != nil {
		return err
	}
	b.report.say("building the control plane into %s: some minutes the first time, seconds later", b.dir)
	for _, t := range todo {
		if err := b.build(ctx, t); err != nil {
			return fmt.Errorf("build %s %s: %w", t.name, t.version.Version, err)
		}
		stamps[t.name] = stampOf(t, platform, inputs)
		if err := writeStamps(b.dir, stamps); err != nil {
			return err
		}
	}
	return nil
}

// build builds one target under a temporary name and moves it to its place, so that there is
// never half a binary, and a control plane that runs from the old one is not disturbed.
func (b builder) build(ctx context.Context, t target) error {
	start := time.Now()
	stale, err := b.tool.stale(ctx, t.pkg)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(b.dir, ".building-"+t.name+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)

	bin := filepath.Join(tmp, t.name)
	abs, err := filepath.Abs(bin) // the go command may run in another folder
	if err != nil {
		return err
	}
	progress := b.report.start(t.name+" "+t.version.Version, stale)
	err = b.tool.run(ctx, io.Discard, progress.compiled,
		"build", "-v", "-trimpath", "-ldflags", t.ldflags, "-o", abs, t.pkg)
	progress.stop()
	if err != nil {
		return err
	}
	if err := os.Rename(bin, filepath.Join(b.dir, t.name)); err != nil {
		return err
	}
	b.report.say("built %s %s in %s", t.name, t.version.Version, time.Since(start).Round(time.Second))
	return nil
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
