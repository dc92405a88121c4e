package channelsync

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	skusCompared = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallyman_sync_compared_skus_total",
		Help: "SKUs that were read back by comparisons that completed, by connector.",
	}, []string{"type"})
	skusDrifted = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallyman_sync_drifted_skus_total",
		Help: "SKUs that had another quantity on the channel when a comparison that completed read them back, by connector.",
	}, []string{"type"})
	recordsDropped = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_sync_records_dropped_total",
		Help: "Runs that no ChannelSyncJob tells of, because too many wait to be written.",
	})
	recordErrors = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_sync_record_errors_total",
		Help: "Writes of ChannelSyncJobs that failed. Nothing but the record depends on them.",
	})
)

func init() { metrics.Registry.MustRegister(skusCompared, skusDrifted, recordErrors, recordsDropped) }
