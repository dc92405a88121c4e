package ledger

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var ignoredSKUs = prometheus.NewCounter(prometheus.CounterOpts{
	Name: "tallyman_ledger_ignored_skus_total",
	Help: "SKUs of InventoryBatches that the fold left out, because they are empty or too long.",
})

func init() { metrics.Registry.MustRegister(ignoredSKUs) }

// Collector reports the size of a store when it is scraped.
func Collector(s *Store) prometheus.Collector { return &collector{store: s} }

type collector struct{ store *Store }

var (
	locationsDesc     = prometheus.NewDesc("tallyman_ledger_locations", "Locations with stock.", nil, nil)
	skusDesc          = prometheus.NewDesc("tallyman_ledger_skus", "SKUs in stored snapshots, counted once for each location and pool.", nil, nil)
	overlayDesc       = prometheus.NewDesc("tallyman_ledger_unfolded_skus", "SKUs that wait to be folded into a snapshot.", nil, nil)
	unfoldedDesc      = prometheus.NewDesc("tallyman_log_unfolded_batches", "InventoryBatches that the snapshots do not contain yet.", nil, nil)
	unfoldedBytesDesc = prometheus.NewDesc("tallyman_log_unfolded_bytes", "Size of those batches as JSON, by estimate.", nil, nil)
	logDesc           = prometheus.NewDesc("tallyman_log_batches", "Stored InventoryBatches.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, ch) }

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	all, unfolded, _ := c.store.log.sizes()
	locations, skus, overlay := c.count()
	for desc, n := range map[*prometheus.Desc]int64{
		locationsDesc: locations, skusDesc: skus, overlayDesc: overlay,
		logDesc: int64(all.Batches), unfoldedDesc: int64(unfolded.Batches), unfoldedBytesDesc: unfolded.Bytes,
	} {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n))
	}
}

func (c *collector) count() (locations, skus, overlay int64) {
	c.store.mu.RLock()
	defer c.store.mu.RUnlock()
	for _, loc := range c.store.locations {
		if len(loc) > 0 {
			locations++
		}
		for _, p := range loc {
			overlay += int64(p.overlay.len())
			for _, stored := range p.stored {
				skus += int64(stored.stock.len())
			}
		}
	}
	return locations, skus, overlay
}
