package channel

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	calls = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallyman_channel_calls_total",
		Help: "Calls to channels by connector, operation and outcome: ok, or the class of the error.",
	}, []string{"type", "operation", "outcome"})
	callSeconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "tallyman_channel_call_duration_seconds",
		Help:    "Duration of calls to channels.",
		Buckets: prometheus.ExponentialBuckets(0.005, 2, 14),
	}, []string{"type", "operation"})
	itemsPushed = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "tallyman_channel_items_total",
		Help: "Quantities pushed to channels by connector and outcome: confirmed, or the class of the error.",
	}, []string{"type", "outcome"})
)

func init() { metrics.Registry.MustRegister(calls, callSeconds, itemsPushed) }

// measure puts metrics around a connector, which stays a Reader if it is one.
func measure(c Connector, cfg Config) Connector {
	m := measured{c, string(cfg.Channel.Spec.Type), cfg.Clock}
	if reader, ok := c.(Reader); ok {
		return measuredReader{m, reader}
	}
	return m
}

// measured counts and times what a connector does.
type measured struct {
	Connector
	kind  string
	clock clock.PassiveClock
}

// Close implements io.Closer.
func (m measured) Close() error { return Close(m.Connector) }

// Probe implements Connector.
func (m measured) Probe(ctx context.Context) error {
	return m.measure("probe", func() error { return m.Connector.Probe(ctx) })
}

// Push implements Connector.
func (m measured) Push(ctx context.Context, batch Batch) (result Result, err error) {
	err = m.measure("push", func() error {
		result, err = m.Connector.Push(ctx, batch)
		return err
	})
	if err != nil {
		itemsPushed.WithLabelValues(m.kind, string(AsError(err).Class)).Add(float64(len(batch.Items)))
		return result, err
	}
	for _, failure := range result.Failures {
		itemsPushed.WithLabelValues(m.kind, string(failure.Class)).Inc()
	}
	itemsPushed.WithLabelValues(m.kind, "confirmed").Add(float64(len(batch.Items) - len(result.Failures)))
	return result, nil
}

// measuredReader also counts and times what is read back.
type measuredReader struct {
	measured
	reader Reader
}

// Read implements Reader.
func (m measuredReader) Read(ctx context.Context, batch Batch) (readings Readings, err error) {
	err = m.measure("read", func() error {
		readings, err = m.reader.Read(ctx, batch)
		return err
	})
	return readings, err
}

func (m measured) measure(operation string, call func() error) error {
	began := m.clock.Now()
	err := call()
	callSeconds.WithLabelValues(m.kind, operation).Observe(m.clock.Since(began).Seconds())
	outcome := "ok"
	if err != nil {
		outcome = string(AsError(err).Class)
	}
	calls.WithLabelValues(m.kind, operation, outcome).Inc()
	return err
}
