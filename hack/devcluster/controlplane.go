package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const (
	etcdDataName = "etcd"
	certsName    = "certs"

	// startTimeout bounds the start of etcd and of the API server, for slow disks.
	startTimeout = time.Minute

	// pulse is how often etcd and the API server are looked after.
	pulse = 2 * time.Second
)

// controlPlane is a running etcd and kube-apiserver, both on loopback only.
type controlPlane struct {
	*envtest.ControlPlane
	logs []*os.File
}

// startControlPlane starts etcd on the data of earlier runs, and an API server with fresh
// certificates: envtest's are valid for a week, and it hands out its CA only when it has just
// made it. Ports are fresh as well; kubeconfigs are written anew by every run.
func startControlPlane(opts options, dir *workDir) (*controlPlane, error) {
	certs := dir.file(certsName)
	if err := os.RemoveAll(certs); err != nil {
		return nil, err
	}
	for _, path := range []string{certs, dir.file(etcdDataName)} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
	}
	etcdLog, err := dir.openLog("etcd.log")
	if err != nil {
		return nil, err
	}
	apiLog, err := dir.openLog("apiserver.log")
	if err != nil {
		return nil, errors.Join(err, etcdLog.Close())
	}
	p := &controlPlane{logs: []*os.File{etcdLog, apiLog}, ControlPlane: &envtest.ControlPlane{
		Etcd: &envtest.Etcd{
			Path: opts.asset("etcd"), DataDir: dir.file(etcdDataName),
			StartTimeout: startTimeout, Out: etcdLog, Err: etcdLog,
		},
		APIServer: &envtest.APIServer{
			Path: opts.asset("kube-apiserver"), CertDir: certs,
			StartTimeout: startTimeout, Out: apiLog, Err: apiLog,
		},
		KubectlPath: opts.asset("kubectl"),
	}}
	// envtest's etcd throws its data away and skips fsync; this one is to survive a power cut.
	p.Etcd.Configure().Disable("unsafe-no-fsync")
	if err := p.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the control plane: %w; see %s and %s", err, etcdLog.Name(), apiLog.Name()), p.closeLogs())
	}
	return p, nil
}

// stop ends the API server, then etcd.
func (p *controlPlane) stop() error {
	return errors.Join(p.Stop(), p.closeLogs())
}

func (p *controlPlane) closeLogs() error {
	var errs []error
	for _, log := range p.logs {
		errs = append(errs, log.Close())
	}
	return errors.Join(errs...)
}

// admin returns the configuration of a cluster administrator.
func (p *controlPlane) admin() (*envtest.AuthenticatedUser, error) {
	return p.AddUser(envtest.User{Name: "admin", Groups: []string{"system:masters"}}, &rest.Config{QPS: -1})
}

// serviceAccount returns a user that has exactly the rights of a ServiceAccount. Its token would
// need a controller that this control plane has not, so it comes with a client certificate.
func (p *controlPlane) serviceAccount(namespace, name string) (*envtest.AuthenticatedUser, error) {
	return p.AddUser(envtest.User{
		Name:   fmt.Sprintf("system:serviceaccount:%s:%s", namespace, name),
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace},
	}, nil)
}

// writeKubeconfig writes a user's kubeconfig, with namespace as the one that kubectl looks at.
func writeKubeconfig(path string, user *envtest.AuthenticatedUser, namespace string) error {
	raw, err := user.KubeConfig()
	if err != nil {
		return err
	}
	config, err := clientcmd.Load(raw)
	if err != nil {
		return err
	}
	for _, context := range config.Contexts {
		context.Namespace = namespace
	}
	if raw, err = clientcmd.Write(*config); err != nil {
		return err
	}
	return writePrivate(path, raw)
}

// watch returns an error when etcd or the API server no longer listens, or nil when ctx ends.
// Being slow is no reason; a refused connection is proof.
func (p *controlPlane) watch(ctx context.Context) error {
	ticker := time.NewTicker(pulse)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		for name, addr := range map[string]string{
			"etcd":           p.Etcd.URL.Host,
			"the API server": p.APIServer.HostPort(),
		} {
			conn, err := (&net.Dialer{Timeout: pulse}).DialContext(ctx, "tcp", addr)
			switch {
			case err == nil:
				_ = conn.Close()
			case errors.Is(err, syscall.ECONNREFUSED):
				return fmt.Errorf("%s on %s has ended by itself; see %s and %s", name, addr, p.logs[0].Name(), p.logs[1].Name())
			}
		}
	}
}
