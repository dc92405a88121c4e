package main

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"tallyman.dev/tallyman/hack/testenv"
)

// Environment variables and their defaults.
const (
	ingressAddrEnv = "INGRESS_ADDR"
	demoAddrEnv    = "DEMO_ADDR"
	assetsEnv      = "KUBEBUILDER_ASSETS"

	defaultIngressAddr = "127.0.0.1:8080"
	// defaultDemoAddr is the address in config/samples; another one is written over it.
	defaultDemoAddr = "127.0.0.1:8090"
)

// options say where things are. Paths are absolute or relative to the top of the repository.
type options struct {
	dir         string // data, logs and kubeconfigs
	assets      string // kube-apiserver, etcd and kubectl
	manager     string // the manager's binary
	config      string // the manifests
	ingressAddr string
	demoAddr    string
	clean       bool // wipe dir instead of running
}

func parseOptions(args []string, getenv func(string) string) (options, error) {
	opts := options{
		assets:      cmp.Or(getenv(assetsEnv), filepath.Join("bin", "k8s", testenv.KubernetesVersion)),
		ingressAddr: cmp.Or(getenv(ingressAddrEnv), defaultIngressAddr),
		demoAddr:    cmp.Or(getenv(demoAddrEnv), defaultDemoAddr),
	}
	flags := flag.NewFlagSet("devcluster", flag.ContinueOnError)
	flags.StringVar(&opts.dir, "dir", filepath.Join("bin", "dev"), "folder for data, logs and kubeconfigs, kept between runs")
	flags.StringVar(&opts.manager, "manager", filepath.Join("bin", "manager"), "the manager's binary")
	flags.StringVar(&opts.config, "config", "config", "folder with crd/, admission/, rbac/ and samples/")
	flags.BoolVar(&opts.clean, "clean", false, "wipe the folder of -dir, then exit")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	if flags.NArg() > 0 {
		return options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return opts, nil
}

// asset is the path of a control plane binary.
func (o options) asset(name string) string { return filepath.Join(o.assets, name) }

// checkBinaries tells what has to be built first.
func (o options) checkBinaries() error {
	for path, remedy := range map[string]string{
		o.asset("etcd"):           "`make controlplane` builds it",
		o.asset("kube-apiserver"): "`make controlplane` builds it",
		o.manager:                 "`make build` builds it",
	} {
		switch info, err := os.Stat(path); {
		case err != nil:
			return fmt.Errorf("%w: %s; run from the top of the repository", err, remedy)
		case !info.Mode().IsRegular() || info.Mode()&0o111 == 0:
			return fmt.Errorf("%s is not a program: %s", path, remedy)
		}
	}
	return nil
}
