package webhook

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallyman_ingress_requests_total",
		Help: "Requests to the ingress, by operation and status code.",
	}, []string{"operation", "code"})
	requestSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tallyman_ingress_request_duration_seconds",
		Help:    "Duration of requests to the ingress.",
		Buckets: prometheus.ExponentialBuckets(0.001, 2, 16),
	}, []string{"operation"})
	skusAccepted = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_ingress_skus_accepted_total",
		Help: "SKUs that were stored.",
	})
	skusFailed = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "tallyman_ingress_skus_failed_total",
		Help: "SKUs that were refused in batches whose other SKUs were stored.",
	})
)

func init() { metrics.Registry.MustRegister(requests, requestSeconds, skusAccepted, skusFailed) }
