package ledger

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
		Help: "Folds of a location that failed and will be tried again.",
	})
	batchesDeleted = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_log_batches_deleted_total",
		Help: "InventoryBatches that were deleted because InventorySnapshots contain what they set.",
	})
	ignoredSKUs = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_ledger_ignored_skus_total",
		Help: "SKUs of InventoryBatches that the fold left out, because they are empty or too long.",
	})
)

func init() { metrics.Registry.MustRegister(snapshotWrites, foldErrors, batchesDeleted, ignoredSKUs) }

// Collector reports the size of a store when it is scraped.
func Collector(s *Store) prometheus.Collector { return &collector{store: s} }

type collector struct{ store *Store }

var (
	locationsDesc    = prometheus.NewDesc("tallyman_ledger_locations", "Locations with stock.", nil, nil)
	skusDesc         = prometheus.NewDesc("tallyman_ledger_skus", "SKUs in stored snapshots, counted once for each location and pool.", nil, nil)
	overlayDesc      = prometheus.NewDesc("tallyman_ledger_unfolded_skus", "SKUs that wait to be folded into a snapshot.", nil, nil)
	backlogDesc      = prometheus.NewDesc("tallyman_log_unfolded_batches", "InventoryBatches that the snapshots do not contain yet.", nil, nil)
	backlogBytesDesc = prometheus.NewDesc("tallyman_log_unfolded_bytes", "Size of those batches as JSON, by estimate.", nil, nil)
	logDesc          = prometheus.NewDesc("tallyman_log_batches", "Stored InventoryBatches.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	var skus, overlay, locations int
	var all, backlog Backlog
	for _, j := range c.store.journals {
		all.add(j.size())
	}
	for namespace, floor := range c.store.floors() {
		backlog.add(c.store.behind(namespace, floor))
	}
	for _, loc := range c.store.locations {
		if len(loc.pools) > 0 {
			locations++
		}
		for _, p := range loc.pools {
			overlay += p.overlay.len()
			for _, stored := range p.stored {
				skus += stored.stock.len()
			}
		}
	}
	for desc, n := range map[*prometheus.Desc]int64{
		locationsDesc: int64(locations), skusDesc: int64(skus), overlayDesc: int64(overlay),
		logDesc: int64(all.Batches), backlogDesc: int64(backlog.Batches), backlogBytesDesc: backlog.Bytes,
	} {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n))
	}
}
