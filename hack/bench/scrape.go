package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Names of metrics that are read.
const (
	metricEtcdSize       = "etcd_mvcc_db_total_size_in_bytes"
	metricEtcdInUse      = "etcd_mvcc_db_total_size_in_use_in_bytes"
	metricEtcdFsync      = "etcd_disk_wal_fsync_duration_seconds"
	metricLedgerSKUs     = "tallyman_ledger_skus"
	metricUnfolded       = "tallyman_ledger_unfolded_skus"
	metricLog            = "tallyman_log_batches"
	metricSnapshotWrites = "tallyman_fold_snapshot_writes_total"
	metricGroupCommits   = "tallyman_commit_batches"
	metricLeads          = "leader_election_master_status"
)

// maxMetrics bounds a page of metrics, in bytes.
const maxMetrics = 16 << 20

// metrics are those of one process, summed over labels. Histograms are there as name_sum and name_count.
type metrics map[string]float64

// scrape reads a page of Prometheus metrics.
func scrape(ctx context.Context, url string) (metrics, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", url, answer.Status)
	}
	return parseMetrics(io.LimitReader(answer.Body, maxMetrics))
}

func parseMetrics(page io.Reader) (metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return nil, err
	}
	out := metrics{}
	for name, family := range families {
		for _, m := range family.GetMetric() {
			switch family.GetType() {
			case dto.MetricType_COUNTER:
				out[name] += m.GetCounter().GetValue()
			case dto.MetricType_GAUGE:
				out[name] += m.GetGauge().GetValue()
			case dto.MetricType_HISTOGRAM:
				out[name+"_sum"] += m.GetHistogram().GetSampleSum()
				out[name+"_count"] += float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return out, nil
}

// since returns how much counters grew.
func (m metrics) since(earlier metrics, name string) float64 { return m[name] - earlier[name] }
