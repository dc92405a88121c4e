package main

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/cache"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/shard"
	"tallyman.dev/tallyman/webhook"
)

// options are the flags.
type options struct {
	printVersion            bool
	ingressAddress          string
	ingressTLSDir           string
	metricsAddress          string
	probeAddress            string
	pprofAddress            string
	leaderElect             bool
	leaderElectionNamespace string
	namespaces              string
	shard                   shard.Shard
	maxBatchSKUs            int
	maxBodyBytes            int64
	backgroundWrites        float64
	batchRetention          time.Duration
	batchHistory            int
	log                     ledger.LogLimits
	shutdownGrace           time.Duration
	sync                    channelsync.Limits
}

func defaultOptions() options {
	return options{
		ingressAddress:   ":8080",
		metricsAddress:   ":8081",
		probeAddress:     ":8082",
		leaderElect:      true,
		maxBatchSKUs:     webhook.DefaultMaxBatchSKUs,
		maxBodyBytes:     webhook.DefaultMaxBodyBytes,
		backgroundWrites: 20, // SIG Scalability's guideline for churn
		batchRetention:   10 * time.Minute,
		batchHistory:     100,
		log:              ledger.LogLimits{Batches: ledger.DefaultLogBatches, Bytes: ledger.DefaultLogBytes},
		shutdownGrace:    30 * time.Second,
		sync:             channelsync.DefaultLimits,
	}
}

// bind registers the flags, with the present values as defaults.
func (o *options) bind(fs *flag.FlagSet) {
	fs.BoolVar(&o.printVersion, "version", o.printVersion, "Print the version and exit.")
	fs.StringVar(&o.ingressAddress, "ingress-bind-address", o.ingressAddress, "Address that serves the inventory ingress.")
	fs.StringVar(&o.ingressTLSDir, "ingress-tls-dir", o.ingressTLSDir, "Directory with tls.crt and tls.key for the ingress; both are read again when they change. If not set, the ingress serves plain HTTP.")
	fs.StringVar(&o.metricsAddress, "metrics-bind-address", o.metricsAddress, "Address that serves Prometheus metrics; 0 turns them off.")
	fs.StringVar(&o.probeAddress, "health-probe-bind-address", o.probeAddress, "Address that serves /healthz and /readyz.")
	fs.StringVar(&o.pprofAddress, "pprof-bind-address", o.pprofAddress, "Address that serves Go's profiles at /debug/pprof, such as 127.0.0.1:6060. Whoever reaches it can read them. If not set, there is none.")
	fs.BoolVar(&o.leaderElect, "leader-elect", o.leaderElect, "Elect one replica as the leader, which folds and syncs. Needed with more than one replica.")
	fs.StringVar(&o.leaderElectionNamespace, "leader-election-namespace", o.leaderElectionNamespace, "Namespace of the leader's Lease. If not set, the pod's own.")
	fs.StringVar(&o.namespaces, "namespaces", o.namespaces, "Namespaces of tenants, separated by commas. If not set, all namespaces.")
	fs.Var(&o.shard, "shard", "The part of the namespaces that this replica may lead, as INDEX/COUNT; each part needs replicas of its own. If not set, all namespaces. Every replica accepts batches for all namespaces.")
	fs.IntVar(&o.maxBatchSKUs, "max-batch-skus", o.maxBatchSKUs, "The most SKUs in one request.")
	fs.Int64Var(&o.maxBodyBytes, "max-body-bytes", o.maxBodyBytes, "The largest request body in bytes, before and after decompression.")
	fs.Float64Var(&o.backgroundWrites, "background-writes-per-second", o.backgroundWrites, "The most writes per second that nobody waits for: snapshots, which get at least half of them, and all while the log grows, and records of what channels were told.")
	fs.DurationVar(&o.batchRetention, "batch-retention", o.batchRetention, "How long InventoryBatches are kept, and with them the memory of idempotency keys. What is not folded yet is kept longer.")
	fs.IntVar(&o.batchHistory, "batch-history-limit", o.batchHistory, "The most folded InventoryBatches that are kept for a Location, however young they are.")
	fs.IntVar(&o.log.Batches, "log-max-batches", o.log.Batches, "The most InventoryBatches in the log, half of which one namespace may have. At the limit, folded ones are deleted early; if too many are not folded, new batches are refused.")
	fs.Int64Var(&o.log.Bytes, "log-max-bytes", o.log.Bytes, "The largest size of the log in bytes, by estimate, half of which one namespace may have. What happens at the limit is as for --log-max-batches.")
	fs.DurationVar(&o.shutdownGrace, "shutdown-grace-period", o.shutdownGrace, "How long requests and pushes under way may take to finish at shutdown.")
	fs.IntVar(&o.sync.RunItems, "sync-run-items", o.sync.RunItems, "The most quantities that a channel is told in one run.")
	fs.DurationVar(&o.sync.IdleWindow, "sync-idle-window", o.sync.IdleWindow, "How long a busy channel waits after the last change for more of them, before a run starts.")
	fs.DurationVar(&o.sync.MaxWindow, "sync-max-window", o.sync.MaxWindow, "How long a busy channel collects changes at most, before a run starts. A channel that has been idle for as long starts a run at the first change.")
}

// validate names every flag that cannot work.
func (o *options) validate() error {
	var errs []error
	check := func(ok bool, name string, value any, rule string) {
		if !ok {
			errs = append(errs, fmt.Errorf("--%s=%v: %s", name, value, rule))
		}
	}
	check(o.maxBatchSKUs > 0 && o.maxBatchSKUs <= inventoryv1alpha1.MaxBatchSKUs, "max-batch-skus", o.maxBatchSKUs,
		fmt.Sprintf("must be between 1 and %d", inventoryv1alpha1.MaxBatchSKUs))
	check(o.maxBodyBytes > 0, "max-body-bytes", o.maxBodyBytes, "must be positive")
	check(o.backgroundWrites > 0, "background-writes-per-second", o.backgroundWrites, "must be positive")
	check(o.batchRetention >= 0, "batch-retention", o.batchRetention, "must not be negative")
	check(o.batchHistory >= 0, "batch-history-limit", o.batchHistory, "must not be negative")
	check(o.log.Batches > 1, "log-max-batches", o.log.Batches, "must be at least 2")
	check(o.log.Bytes > 1, "log-max-bytes", o.log.Bytes, "must be at least 2")
	check(o.shutdownGrace >= 0, "shutdown-grace-period", o.shutdownGrace, "must not be negative")
	check(o.sync.RunItems > 0 && o.sync.RunItems <= inventoryv1alpha1.MaxJobItems, "sync-run-items", o.sync.RunItems,
		fmt.Sprintf("must be between 1 and %d", inventoryv1alpha1.MaxJobItems))
	check(o.sync.IdleWindow >= 0, "sync-idle-window", o.sync.IdleWindow, "must not be negative")
	check(o.sync.MaxWindow >= o.sync.IdleWindow, "sync-max-window", o.sync.MaxWindow, "must not be shorter than --sync-idle-window")
	return errors.Join(errs...)
}

// namespaceList returns the namespaces of tenants; none for all.
func (o *options) namespaceList() []string {
	var out []string
	for ns := range strings.SplitSeq(o.namespaces, ",") {
		if ns = strings.TrimSpace(ns); ns != "" {
			out = append(out, ns)
		}
	}
	return out
}

func (o *options) cacheNamespaces() map[string]cache.Config {
	list := o.namespaceList()
	if len(list) == 0 {
		return nil
	}
	out := make(map[string]cache.Config, len(list))
	for _, ns := range list {
		out[ns] = cache.Config{}
	}
	return out
}
