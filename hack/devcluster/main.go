// Command devcluster is `make run`: etcd and kube-apiserver on loopback, the CRDs, the samples,
// the manager, and a demo channel that shows what is pushed to it. Its data lives in one folder
// and outlives it.
//
//	go run ./hack/devcluster [-dir bin/dev] [-manager bin/manager] [-clean]
//
// INGRESS_ADDR and DEMO_ADDR set where the inventory ingress and the demo channel listen.
// It is run from the top of the repository.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	logf "sigs.k8s.io/controller-runtime/pkg/log"
)

func main() { os.Exit(execute()) }

// execute runs the command and returns its exit code.
func execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	logf.SetLogger(logr.Discard()) // what a person needs is printed; the processes have log files

	opts, err := parseOptions(os.Args[1:], os.Getenv)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		err = run(ctx, opts, os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "devcluster:", err)
		return 1
	}
	return 0
}

// run runs the cluster until ctx ends or a part of it fails for good. Whatever it started has
// ended when it returns, etcd last.
func run(ctx context.Context, opts options, out io.Writer) (err error) {
	dir, err := openWorkDir(opts.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.close()) }()
	if opts.clean {
		return dir.wipe(ctx)
	}
	if err := opts.checkBinaries(); err != nil {
		return err
	}
	ports, err := reservePorts(opts)
	if err != nil {
		return err
	}
	defer ports.release()
	config, err := readConfiguration(opts, ports)
	if err != nil {
		return err
	}

	c := &cluster{opts: opts, dir: dir, ports: ports, config: config, out: out}
	return c.run(ctx)
}
