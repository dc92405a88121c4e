// Command tallyman keeps stock quantities true everywhere they are sold: it takes batches of
// absolute quantities over HTTP, keeps them as custom resources, and pushes them to channels.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers"
	"tallyman.dev/tallyman/controllers/budget"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/adobecommerce"
	"tallyman.dev/tallyman/controllers/channel/amazon"
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
	"tallyman.dev/tallyman/controllers/channel/ebay"
	"tallyman.dev/tallyman/controllers/channel/erpnext"
	"tallyman.dev/tallyman/controllers/channel/medusa"
	"tallyman.dev/tallyman/controllers/channel/odoo"
	"tallyman.dev/tallyman/controllers/channel/omni"
	"tallyman.dev/tallyman/controllers/channel/shopify"
	"tallyman.dev/tallyman/controllers/channel/tryton"
	"tallyman.dev/tallyman/controllers/channel/vendure"
	"tallyman.dev/tallyman/controllers/channel/walmart"
	"tallyman.dev/tallyman/controllers/channel/woocommerce"
	"tallyman.dev/tallyman/controllers/channelsync"
	"tallyman.dev/tallyman/controllers/fold"
	"tallyman.dev/tallyman/controllers/lease"
	"tallyman.dev/tallyman/controllers/ledger"
	"tallyman.dev/tallyman/controllers/syncstate"
	"tallyman.dev/tallyman/webhook"
	"tallyman.dev/tallyman/webhook/commit"
)

// version is set when the binary is linked.
var version = "dev"

func main() {
	opts := defaultOptions()
	logging := zap.Options{}
	opts.bind(flag.CommandLine)
	logging.BindFlags(flag.CommandLine)
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseFlagOptions(&logging)))
	if err := run(ctrl.SetupSignalHandler(), opts); err != nil {
		ctrl.Log.Error(err, "Tallyman stopped")
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, opts options) error {
	if opts.printVersion {
		fmt.Println(version)
		return nil
	}
	if err := opts.validate(); err != nil {
		return err
	}
	cfg, err := ctrl.GetConfig()
	if err != nil {
		return fmt.Errorf("find the API server: %w", err)
	}
	// The API server's priority and fairness is the limit, as it alone knows the load.
	cfg.QPS = -1
	monitor := &lease.Monitor{Clock: clock.RealClock{}}
	election, err := newElection(cfg, opts, monitor)
	if err != nil {
		return err
	}
	mgr, err := newManager(cfg, election, opts)
	if err != nil {
		return err
	}
	ctrl.Log.Info("Starting", "version", version)
	if err := setup(ctx, mgr, election, monitor, opts); err != nil {
		return err
	}
	return mgr.Start(ctx)
}

func newManager(cfg *rest.Config, election *election, opts options) (manager.Manager, error) {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(inventoryv1alpha1.AddToScheme(scheme))
	mgr, err := ctrl.NewManager(cfg, ctrl.Options{
		Scheme: scheme,
		Cache: cache.Options{
			DefaultTransform:  cache.TransformStripManagedFields(),
			DefaultNamespaces: opts.cacheNamespaces(),
			ByObject: map[client.Object]cache.ByObject{
				&corev1.ConfigMap{}: {Label: labels.SelectorFromSet(labels.Set{
					inventoryv1alpha1.SKUTableLabel: inventoryv1alpha1.SKUTableValue,
				})},
			},
		},
		// The ledger is the only copy of InventoryBatches and snapshots in memory.
		Client: client.Options{Cache: &client.CacheOptions{DisableFor: []client.Object{
			&inventoryv1alpha1.InventoryBatch{}, &inventoryv1alpha1.InventorySnapshot{},
		}}},
		Metrics:                       metricsserver.Options{BindAddress: opts.metricsAddress},
		HealthProbeBindAddress:        opts.probeAddress,
		PprofBindAddress:              opts.pprofAddress,
		LeaderElection:                opts.leaderElect,
		LeaderElectionID:              opts.shard.LeaseName(),
		LeaderElectionReleaseOnCancel: true, // nothing runs on after Start returns
		LeaseDuration:                 new(lease.Duration),
		RenewDeadline:                 new(lease.RenewDeadline),

		LeaderElectionResourceLockInterface: election.lock,
		GracefulShutdownTimeout:             &opts.shutdownGrace,
	})
	if err != nil {
		return nil, fmt.Errorf("make the manager: %w", err)
	}
	return mgr, nil
}

// setup adds everything that runs.
func setup(ctx context.Context, mgr manager.Manager, election *election, monitor *lease.Monitor, opts options) error {
	store := ledger.NewStore()
	direct, err := client.NewWithWatch(mgr.GetConfig(), client.Options{Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()})
	if err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	metrics.Registry.MustRegister(ledger.Collector(store))
	if err := mgr.Add(ledger.NewReflector(store, direct, opts.namespaceList())); err != nil {
		return err
	}
	if err := ledger.FollowLocations(ctx, mgr.GetCache(), store); err != nil {
		return err
	}
	backpressure := ledger.NewBackpressure(store.Log(), opts.log, clock.RealClock{})
	if err := setupControllers(ctx, mgr, store, backpressure, election, monitor, opts); err != nil {
		return err
	}
	return setupIngress(ctx, mgr, store, backpressure, opts)
}

func setupControllers(ctx context.Context, mgr manager.Manager, store *ledger.Store, backpressure *ledger.Backpressure, election *election, monitor *lease.Monitor, opts options) error {
	if err := controllers.Index(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	registry, err := channel.NewRegistry(
		channel.Registration{Type: inventoryv1alpha1.ChannelOmni, Factory: omni.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelShopify, Factory: shopify.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelWooCommerce, Factory: woocommerce.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelAdobeCommerce, Factory: adobecommerce.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelCloudEvents, Factory: cloudevents.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelERPNext, Factory: erpnext.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelTryton, Factory: tryton.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelVendure, Factory: vendure.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelAmazon, Factory: amazon.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelMedusa, Factory: medusa.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelOdoo, Factory: odoo.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelEBay, Factory: ebay.New},
		channel.Registration{Type: inventoryv1alpha1.ChannelWalmart, Factory: walmart.New},
	)
	if err != nil {
		return err
	}
	c, realClock := mgr.GetClient(), clock.RealClock{}
	var held func() bool
	if opts.leaderElect {
		held = monitor.Held
	}
	writes := budget.New(opts.backgroundWrites, backpressure.Pressed, realClock)
	tables := syncstate.NewTables(store, c, realClock)
	records := func(ctx context.Context, namespace string) error { return writes.Wait(ctx, budget.Record, namespace) }
	runner := channelsync.New(channelsync.Options{
		Stock: store, Tables: tables, Client: c, Clock: realClock, Limits: opts.sync, Owns: opts.shard.Owns,
		Admit: records,
	})
	folder := fold.New(fold.Options{
		Store: store, Client: c, Reader: mgr.GetAPIReader(), States: tables, Clock: realClock,
		Owns: opts.shard.Owns, Held: held,
		Admit: func(ctx context.Context, namespace string) error { return writes.Wait(ctx, budget.Snapshot, namespace) },
	})
	recorder := mgr.GetEventRecorder("tallyman")
	err = mgr.Add(&controllers.Leader{
		Store: store, Reader: mgr.GetAPIReader(), Namespaces: opts.namespaceList(), Runner: runner, Clock: realClock,
		Folder: folder, Term: election.term(c, mgr.GetAPIReader(), monitor),
		Trimmer: fold.NewTrimmer(fold.TrimmerOptions{
			Log: store.Log(), Client: c, Clock: realClock, Retention: opts.batchRetention, Keep: opts.batchHistory,
			Limits: opts.log,
		}),
	})
	if err != nil {
		return err
	}
	return controllers.Setup(mgr, opts.shard,
		&controllers.ClientReconciler{Client: c, Recorder: recorder},
		&controllers.LocationReconciler{Client: c, Store: store, Runner: runner, Backpressure: backpressure, Recorder: recorder, Clock: realClock},
		&controllers.ChannelReconciler{Client: c, Runner: runner, Registry: registry, Recorder: recorder, Clock: realClock},
		&controllers.ChannelSyncJobReconciler{Client: c, Runner: runner, Clock: realClock, Admit: records},
	)
}

func setupIngress(ctx context.Context, mgr manager.Manager, store *ledger.Store, backpressure *ledger.Backpressure, opts options) error {
	stores, err := commit.NewClient(mgr.GetConfig(), client.Options{Scheme: mgr.GetScheme(), Mapper: mgr.GetRESTMapper()})
	if err != nil {
		return err
	}
	writer := commit.New(commit.Options{Client: stores, LogFull: backpressure.Full})
	server := webhook.New(webhook.Options{
		Address:      opts.ingressAddress,
		TLSDir:       opts.ingressTLSDir,
		MaxBatchSKUs: opts.maxBatchSKUs,
		MaxBodyBytes: opts.maxBodyBytes,
		Reader:       mgr.GetClient(),
		Inventory:    store,
		Writer:       writer,
		Drain:        writer.Close,
		Clock:        clock.RealClock{},
	})
	if err := server.SetupWithManager(ctx, mgr); err != nil {
		return err
	}
	return mgr.AddHealthzCheck("ping", healthz.Ping)
}
