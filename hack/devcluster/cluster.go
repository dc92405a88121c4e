package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"golang.org/x/sync/errgroup"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"tallyman.dev/tallyman/hack/testenv"
)

const (
	kubeconfigName = "kubeconfig"
	managerLogName = "manager.log"
)

// cluster is one run of everything.
type cluster struct {
	opts   options
	dir    *workDir
	ports  *ports
	config configuration
	out    io.Writer
}

func (c *cluster) say(format string, args ...any) { fmt.Fprintf(c.out, format+"\n", args...) }

// run starts the parts one after another, each on those before it, and stops them in the opposite
// order, so that the manager can finish what it has accepted.
func (c *cluster) run(ctx context.Context) (err error) {
	if err := c.dir.stopLeftovers(ctx, c.say); err != nil {
		return err
	}
	c.say("starting etcd and kube-apiserver %s on the data in %s", testenv.KubernetesVersion, shown(c.dir.path))
	plane, err := startControlPlane(c.opts, c.dir)
	if err != nil {
		return err
	}
	defer func() {
		c.say("stopping the API server and etcd")
		err = errors.Join(err, plane.stop())
	}()
	kube, err := c.install(ctx, plane)
	if err != nil {
		return interrupted(ctx, err)
	}

	demoServer, err := c.demo()
	if err != nil {
		return err
	}
	// Only the manager and what watches end with ctx: the demo server outlives the manager.
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return plane.watch(ctx) })
	serving := make(chan error, 1)
	go func() { serving <- demoServer.Serve(c.ports.demo) }()
	group.Go(func() error {
		select {
		case err := <-serving:
			return fmt.Errorf("serve the demo channel: %w", err)
		case <-ctx.Done():
			return nil
		}
	})
	log, err := c.dir.openLog(managerLogName)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	manager := c.supervisor(log)
	group.Go(func() error { return manager.run(ctx) })
	group.Go(func() error { return interrupted(ctx, c.announce(ctx, kube, plane, manager)) })

	<-ctx.Done()
	c.say("stopping the manager")
	err = group.Wait()
	return errors.Join(err, shutdown(demoServer))
}

// interrupted turns an error that only says that ctx has ended into none: that was asked for.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

// install brings the API server's content up to date and writes the kubeconfigs.
func (c *cluster) install(ctx context.Context, plane *controlPlane) (client.Client, error) {
	admin, err := plane.admin()
	if err != nil {
		return nil, err
	}
	manager, err := plane.serviceAccount(systemNamespace, c.config.account)
	if err != nil {
		return nil, err
	}
	crds := envtest.CRDInstallOptions{Paths: []string{c.config.crds}, ErrorIfPathMissing: true, Scheme: testenv.Scheme()}
	if _, err := envtest.InstallCRDs(admin.Config(), crds); err != nil {
		return nil, fmt.Errorf("install the CRDs of %s: %w", c.config.crds, err)
	}
	kube, err := client.New(admin.Config(), client.Options{Scheme: testenv.Scheme()})
	if err != nil {
		return nil, err
	}
	if err := install(ctx, kube, c.config.system); err != nil {
		return nil, err
	}
	if err := offer(ctx, kube, c.config.samples.objects, c.say); err != nil {
		return nil, err
	}
	if err := writeKubeconfig(c.dir.file(kubeconfigName), admin, c.config.samples.client.Namespace); err != nil {
		return nil, err
	}
	return kube, writeKubeconfig(c.dir.file(managerKubeconfigName), manager, systemNamespace)
}

func (c *cluster) supervisor(log io.Writer) *supervisor {
	show := func(line string) {
		c.say("the manager reports a problem, more in %s:\n  %s", shown(c.dir.file(managerLogName)), line)
	}
	return &supervisor{
		binary:     c.opts.manager,
		dir:        c.dir,
		ingress:    c.ports.ingress.Addr().String(),
		log:        newLogWatch(log, show),
		say:        c.say,
		clock:      clock.RealClock{},
		handOver:   c.ports.ingress.Close,
		kubeconfig: c.dir.file(managerKubeconfigName),
	}
}

// announce waits until everything serves and tells a person what to do with it.
func (c *cluster) announce(ctx context.Context, kube client.Client, plane *controlPlane, manager *supervisor) error {
	login, err := readCredentials(ctx, kube, c.config.samples.client)
	if err != nil {
		return fmt.Errorf("the credentials of %s: %w", c.config.samples.client.Name, err)
	}
	ingress := "http://" + dialable(c.ports.ingress)
	r := &readiness{
		http:        &http.Client{Timeout: probeTimeout, Transport: &http.Transport{Proxy: nil}},
		kube:        kube,
		ingress:     ingress,
		manager:     manager.current,
		credentials: login,
		samples:     c.config.samples.objects,
	}
	if err := r.wait(ctx, c.say); err != nil {
		return err
	}
	return guide.Execute(c.out, guideData{
		Ingress:    ingress,
		Demo:       "http://" + dialable(c.ports.demo) + "/",
		APIServer:  plane.APIServer.SecureServing.URL("https", "").String(),
		Metrics:    "http://" + manager.current().metrics + "/metrics",
		Username:   login.username,
		Password:   login.password,
		Domain:     login.domain,
		Headers:    login.headers(),
		Body:       exampleBody,
		Kubeconfig: shown(c.dir.file(kubeconfigName)),
		Kubectl:    c.opts.asset("kubectl"),
		Dir:        shown(c.dir.path),
		ManagerLog: shown(c.dir.file(managerLogName)),
		ManagerPID: shown(c.dir.file(managerPIDName)),
	})
}
