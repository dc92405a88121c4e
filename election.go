package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/google/uuid"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection/resourcelock"

	"tallyman.dev/tallyman/controllers/lease"
)

// podNamespace is where a pod finds the name of its namespace.
const podNamespace = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"

// electionLock makes the Lease of leader election, whose renewals are monitored; nil without an election.
func electionLock(cfg *rest.Config, opts options, monitor *lease.Monitor) (resourcelock.Interface, error) {
	if !opts.leaderElect {
		return nil, nil //nolint:nilnil // no election is no error
	}
	namespace := opts.leaderElectionNamespace
	if namespace == "" {
		content, err := os.ReadFile(podNamespace)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errors.New("--leader-election-namespace: must be set outside of a pod, or --leader-elect=false")
		}
		if err != nil {
			return nil, fmt.Errorf("find the pod's namespace: %w", err)
		}
		namespace = strings.TrimSpace(string(content))
	}
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("name this replica: %w", err)
	}
	identity := resourcelock.ResourceLockConfig{Identity: host + "_" + uuid.NewString()}
	lock, err := resourcelock.NewFromKubeconfig(resourcelock.LeasesResourceLock, namespace, opts.shard.LeaseName(), identity, cfg, lease.RenewDeadline)
	if err != nil {
		return nil, fmt.Errorf("make the Lease: %w", err)
	}
	return monitor.Lock(lock), nil
}
