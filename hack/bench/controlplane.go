package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"tallyman.dev/tallyman/hack/testenv"
)

const (
	// systemNamespace is where config/ puts the manager's ServiceAccount and its Lease.
	systemNamespace = "tallyman-system"

	// account is the manager's ServiceAccount.
	account = "tallyman"

	// rawNamespace takes the creates of the baseline. No manager looks at it.
	rawNamespace = "raw"

	// startPatience bounds the start and the end of etcd and of the API server, for slow disks.
	startPatience = 2 * time.Minute
)

// cluster is a running etcd and kube-apiserver with Tallyman's manifests, but without a manager.
type cluster struct {
	env *envtest.Environment
	// admin prepares and looks on: an administrator by the name of the manager's account, whom the admission policies
	// let write snapshots. Nothing that is measured goes through it: the API server's priority and fairness does not
	// apply to administrators.
	admin client.Client
	// user has the manager's own rights, and its place in priority and fairness. The baseline writes through it.
	user       client.Client
	kubeconfig string       // of user
	config     *rest.Config // of admin
	etcd       *url.URL
	logs       []*os.File
}

// startCluster starts a control plane with logs and a kubeconfig in dir. The caller stops it; where an error is
// returned, nothing is left running.
func startCluster(ctx context.Context, root, dir string, options ControlPlane) (*cluster, error) {
	c := &cluster{env: &envtest.Environment{
		BinaryAssetsDirectory: assets(root),
		CRDDirectoryPaths:     []string{filepath.Join(root, "config", "crd", "bases")},
		ErrorIfCRDPathMissing: true,
		Scheme:                testenv.Scheme(),

		ControlPlaneStartTimeout: startPatience,
		ControlPlaneStopTimeout:  startPatience,
	}}
	if err := c.start(ctx, root, dir, options); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// assets is the folder with etcd and kube-apiserver.
func assets(root string) string {
	return cmp.Or(os.Getenv("KUBEBUILDER_ASSETS"), filepath.Join(root, "bin", "k8s", testenv.KubernetesVersion))
}

func (c *cluster) start(ctx context.Context, root, dir string, options ControlPlane) error {
	etcdLog, err := c.log(dir, "etcd.log")
	if err != nil {
		return err
	}
	apiLog, err := c.log(dir, "apiserver.log")
	if err != nil {
		return err
	}
	plane := &c.env.ControlPlane
	plane.Etcd = &envtest.Etcd{Out: etcdLog, Err: etcdLog}
	api := plane.GetAPIServer()
	api.Out, api.Err = apiLog, apiLog
	// envtest's etcd skips fsync. A stock of quantities that an answer has promised is not kept like that.
	plane.Etcd.Configure().Disable("unsafe-no-fsync")
	for name, value := range options.EtcdFlags {
		plane.Etcd.Configure().Set(name, value)
	}
	for name, value := range options.APIServerFlags {
		api.Configure().Set(name, value)
	}
	cfg, err := c.env.Start()
	if err != nil {
		return fmt.Errorf("start the control plane (`make controlplane` builds it); see %s and %s: %w", etcdLog.Name(), apiLog.Name(), err)
	}
	c.etcd = plane.Etcd.URL
	cfg.QPS = -1
	c.config = cfg
	if c.admin, err = client.New(testenv.As(cfg, testenv.Account), client.Options{Scheme: c.env.Scheme}); err != nil {
		return err
	}
	if err := installManifests(ctx, c.admin, root); err != nil {
		return err
	}
	return c.addUser(dir)
}

// addUser makes a user that is the manager's ServiceAccount, but with a certificate: a token would need a
// controller that this control plane has not.
func (c *cluster) addUser(dir string) error {
	user, err := c.env.AddUser(envtest.User{
		Name:   fmt.Sprintf("system:serviceaccount:%s:%s", systemNamespace, account),
		Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + systemNamespace},
	}, nil)
	if err != nil {
		return fmt.Errorf("add a user: %w", err)
	}
	raw, err := user.KubeConfig()
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "kubeconfig")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		return err
	}
	c.kubeconfig = path
	cfg := rest.CopyConfig(user.Config())
	cfg.QPS = -1
	c.user, err = client.New(cfg, client.Options{Scheme: c.env.Scheme})
	return err
}

// allowLeases lets managers elect leaders in a namespace, whatever the Leases are called: how many there are
// depends on the flags of a scenario.
func (c *cluster) allowLeases(ctx context.Context, namespace string) error {
	if err := ensureNamespace(ctx, c.admin, namespace); err != nil {
		return err
	}
	meta := metav1.ObjectMeta{Namespace: namespace, Name: "bench-leases"}
	verbs := []string{"create", "get", "update", "patch"}
	return errors.Join(
		c.admin.Create(ctx, &rbacv1.Role{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: verbs},
			{APIGroups: []string{"", "events.k8s.io"}, Resources: []string{"events"}, Verbs: verbs},
		}}),
		c.admin.Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: meta,
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: meta.Name},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: systemNamespace, Name: account}},
		}),
	)
}

// log opens a log that is closed with the cluster.
func (c *cluster) log(dir, name string) (*os.File, error) {
	file, err := os.Create(filepath.Join(dir, name))
	if err == nil {
		c.logs = append(c.logs, file)
	}
	return file, err
}

// stop ends the API server and etcd, and removes what opens them.
func (c *cluster) stop() error {
	errs := []error{c.env.Stop()}
	for _, file := range c.logs {
		errs = append(errs, file.Close())
	}
	if c.kubeconfig != "" {
		errs = append(errs, os.Remove(c.kubeconfig))
	}
	return errors.Join(errs...)
}
