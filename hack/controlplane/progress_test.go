package main

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPlainProgressIsRare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		packages := []string{"a", "b", "c", "d"}
		p := newReporter(&log, false).start("etcd", packages)
		for _, pkg := range packages {
			if !p.compiled(pkg) {
				t.Errorf("%s not counted", pkg)
			}
			if p.compiled(pkg) {
				t.Errorf("%s counted twice", pkg)
			}
			<-time.After(plainInterval / 2)
		}
		if p.compiled("main.go:3:15: undefined") {
			t.Error("an error was taken for a package")
		}
		p.stop()
		if got, want := log.String(), "etcd: 1 of 4 packages\netcd: 3 of 4 packages\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	})
}

func TestBarCounts(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := newReporter(&log, false)
	r.terminal = true
	p := r.start("kubectl", []string{"a", "b"})
	p.compiled("a")
	p.compiled("b")
	if got := r.bar.State(); got.CurrentNum != 2 || got.Max != 3 || !strings.Contains(got.Description, "linking") {
		t.Errorf("the bar stands at %d of %d (%s), want 2 of 3, linking", got.CurrentNum, got.Max, got.Description)
	}
	p.stop()
}

func TestQuiet(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	r := newReporter(&log, true)
	r.say("building")
	r.working("downloading")
	p := r.start("etcd", []string{"a"})
	p.compiled("a")
	p.stop()
	if log.Len() > 0 {
		t.Errorf("quiet, but printed %q", log.String())
	}
	r.forward("main.go:1:1: broken")
	if log.String() != "main.go:1:1: broken\n" {
		t.Errorf("an error was swallowed: %q", log.String())
	}
}
