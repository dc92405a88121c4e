package fold

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	snapshotWrites = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_fold_snapshot_writes_total",
		Help: "InventorySnapshots created or updated by the fold.",
	})
	foldErrors = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_fold_errors_total",
		Help: "Folds of a location that failed and are repeated.",
	})
	batchesDeleted = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_log_batches_deleted_total",
		Help: "InventoryBatches deleted because the snapshots contain them.",
	})
)

func init() { metrics.Registry.MustRegister(snapshotWrites, foldErrors, batchesDeleted) }
