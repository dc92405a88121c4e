// Command controlplane builds etcd, kube-apiserver and kubectl from their Go modules, for tests
// and for `make run`. go.mod decides the versions; nothing else is downloaded, and nothing is
// built that is there already.
//
//	go run -C hack/controlplane . [-out dir] [-quiet]
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

// assetsEnv names a folder with ready binaries, as for every envtest user. Where it is set there
// is nothing to build.
const assetsEnv = "KUBEBUILDER_ASSETS"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("controlplane", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "folder for the binaries (default ../../bin/k8s/<Kubernetes version>)")
	quiet := flags.Bool("quiet", false, "print nothing but errors")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}

	report := newReporter(stderr, *quiet)
	if dir := os.Getenv(assetsEnv); dir != "" {
		report.say("%s is set: using the control plane in %s, building nothing", assetsEnv, dir)
		return nil
	}
	tool := goTool{report: report}
	versions, err := tool.moduleVersions(ctx, kubernetesModule, etcdModule)
	if err != nil {
		return err
	}
	dir := cmp.Or(*out, filepath.Join("..", "..", "bin", "k8s", strings.TrimPrefix(versions[kubernetesModule].Version, "v")))
	b := builder{tool: tool, dir: dir, report: report}
	return b.buildAll(ctx, targets(versions))
}
