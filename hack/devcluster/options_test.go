package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseOptions(t *testing.T) {
	t.Parallel()
	env := map[string]string{ingressAddrEnv: "127.0.0.1:1", demoAddrEnv: "127.0.0.1:2", assetsEnv: "/assets"}
	got, err := parseOptions([]string{"-dir", "d", "-manager", "m", "-config", "c", "-clean"}, func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	want := options{dir: "d", assets: "/assets", manager: "m", config: "c", ingressAddr: "127.0.0.1:1", demoAddr: "127.0.0.1:2", clean: true}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(options{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := parseOptions([]string{"run"}, os.Getenv); err == nil {
		t.Error("a stray argument was taken")
	}
}

func TestCheckBinaries(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	opts := options{assets: dir, manager: filepath.Join(dir, "manager")}
	names := []string{"etcd", "kube-apiserver", "manager"}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := opts.checkBinaries(); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.Chmod(filepath.Join(dir, name), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := opts.checkBinaries(); err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "make ") {
			t.Errorf("%s is no program: got error %v, want one that names it and what to do", name, err)
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if err := opts.checkBinaries(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is missing: got error %v", name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

func TestReservePorts(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	busy, free := taken.Addr().String(), "127.0.0.1:0"
	for name, tc := range map[string]struct {
		opts options
		want []string
	}{
		"ingress in use":   {options{ingressAddr: busy, demoAddr: free}, []string{busy, "INGRESS_ADDR", "in use"}},
		"demo in use":      {options{ingressAddr: free, demoAddr: busy}, []string{busy, "DEMO_ADDR", "in use"}},
		"not an address":   {options{ingressAddr: "8080", demoAddr: free}, []string{"8080", "INGRESS_ADDR", "host:port"}},
		"not this machine": {options{ingressAddr: free, demoAddr: "192.0.2.1:80"}, []string{"192.0.2.1:80", "DEMO_ADDR"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := reservePorts(tc.opts)
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got error %v, want one with %q", err, want)
				}
			}
		})
	}
	p, err := reservePorts(options{ingressAddr: free, demoAddr: ":0"})
	if err != nil {
		t.Fatal(err)
	}
	if host, _, _ := net.SplitHostPort(dialable(p.demo)); host != "127.0.0.1" {
		t.Errorf("all addresses are reached at %q, want 127.0.0.1", host)
	}
	ingress := p.ingress.Addr().String()
	p.release()
	if l, err := net.Listen("tcp", ingress); err != nil {
		t.Errorf("the address was not released: %v", err)
	} else {
		l.Close()
	}
}

func TestWorkDirHasOneOwner(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	if info, err := os.Stat(dir.path); err != nil {
		t.Fatal(err)
	} else if info.Mode().Perm() != 0o700 {
		t.Errorf("the folder is open to others: %v", info.Mode())
	}
	if _, err := openWorkDir(dir.path); err == nil || !strings.Contains(err.Error(), "another devcluster") {
		t.Errorf("got error %v, want another devcluster", err)
	}
	if err := dir.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openWorkDir(dir.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir.path); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	for _, text := range []string{"first", "second", "third"} {
		log, err := dir.openLog("x.log")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := log.WriteString(text); err != nil {
			t.Fatal(err)
		}
		log.Close()
	}
	for name, want := range map[string]string{"x.log": "third", "x.log.1": "second"} {
		if got, err := os.ReadFile(dir.file(name)); err != nil || string(got) != want {
			t.Errorf("%s: got %q (%v), want %q", name, got, err, want)
		}
	}
}
