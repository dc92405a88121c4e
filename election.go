package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/lease"
)

// podNamespace is where a pod finds the name of its namespace.
const podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// election is how a replica comes to lead.
type election struct {
	lock     resourcelock.Interface // nil where there is none, and every replica leads
	lease    types.NamespacedName
	identity string
}

// newElection prepares the election, whose Lease is monitored.
func newElection(cfg *rest.Config, opts options, monitor *lease.Monitor) (*election, error) {
	namespace, err := leaseNamespace(opts)
	if err != nil {
		return nil, err
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name this replica: %w", err)
	}
	e := &election{
		lease:    types.NamespacedName{Namespace: namespace, Name: opts.shard.LeaseName()},
		identity: host + "_" + uuid.NewString(),
	}
	if !opts.leaderElect {
		return e, nil
	}
	identity := resourcelock.ResourceLockConfig{Identity: e.identity}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, namespace, e.lease.Name, identity, cfg, lease.RenewDeadline)
	if err != nil {
		return nil, fmt.Errorf("make the Lease: %w", err)
	}
	e.lock = monitor.Lock(lock)
	return e, nil
}

// leaseNamespace returns where the Lease is: that of the flag, or of the pod. Without an election, there is a
// default.
func leaseNamespace(opts options) (string, error) {
	if opts.leaderElectionNamespace != "" {
		return opts.leaderElectionNamespace, nil
	}
	content, err := os.ReadFile(podNamespace)
	switch {
	case err == nil:
		return strings.TrimSpace(string(content)), nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("find the pod's namespace: %w", err)
	case opts.leaderElect:
		return "", errors.New("--leader-election-namespace: must be set outside of a pod, or --leader-elect=false")
	default:
		return metav1.NamespaceDefault, nil
	}
}

// term returns the one that this replica leads for, once it does.
func (e *election) term(c client.Client, uncached client.Reader, monitor *lease.Monitor) func(context.Context) (*channelsync.Term, error) {
	if e.lock == nil {
		return func(ctx context.Context) (*channelsync.Term, error) {
			revision, err := lease.Take(ctx, c, e.lease, e.identity)
			return &channelsync.Term{Revision: revision, Succeeds: true}, err
		}
	}
	return func(ctx context.Context) (*channelsync.Term, error) {
		revision, err := lease.Term(ctx, uncached, e.lease, e.identity)
		return &channelsync.Term{Revision: revision, Succeeds: monitor.Succeeds(), Held: monitor.Held, Soil: monitor.Soil}, err
	}
}
