package commit

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	creates = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallyman_commit_creates_total",
		Help: "Creates of InventoryBatches, by result: stored, refused, not_executed or unknown.",
	}, []string{"result"})
	createSeconds = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "tallyman_commit_create_duration_seconds",
		Help:    "Duration of creates of InventoryBatches.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
	})
	batches = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name:    "tallyman_commit_batches",
		Help:    "Requests that were committed together in one InventoryBatch.",
		Buckets: prometheus.ExponentialBuckets(1, 2, 10),
	})
	pendingSKUs = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tallyman_commit_pending_skus",
		Help: "SKUs that wait to be stored.",
	})
	pendingBytes = prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "tallyman_commit_pending_bytes",
		Help: "What the SKUs that wait to be stored take as JSON.",
	})
	saturated = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_commit_saturated_total",
		Help: "Commits turned away because too much waits to be stored.",
	})
	logFull = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_commit_log_full_total",
		Help: "Commits turned away because the log is full: it is not folded as fast as it grows.",
	})
	settled = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallyman_commit_settled_total",
		Help: "Creates whose outcome was unknown, by what became of them: landed, prevented, gone or abandoned.",
	}, []string{"result"})
)

func init() {
	metrics.Registry.MustRegister(creates, createSeconds, batches, pendingSKUs, pendingBytes, saturated, logFull, settled)
}
