package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"k8s.io/apimachinery/pkg/util/sets"
)

// metricLabels are all that Tallyman's own metrics may have. The values of each are few, and known when
// the code is written; no other label is ever to be added that grows with what is sold, or by whom.
var metricLabels = sets.New("operation", "code", "result", "type", "outcome", "le")

// TestMetricsNameNothingThatGrows looks at every metric of a manager that has been busy.
func TestMetricsNameNothingThatGrows(t *testing.T) {
	t.Parallel()
	s := newHarness(t)
	address := freeAddress(t)
	p := s.start("--metrics-bind-address=" + address)
	p.put(fmt.Sprintf(example, 40))
	p.put(`{"locationCode": "st12", "products": [{"quantity": -1, "channelSkuCode": "ITEM302"}]}`)
	s.has(s.market, "wd003", quantities{"ITEM302": 40})
	s.settles("wd003", 0, quantities{"ITEM302": 40}, eventual)

	own := 0
	for name, family := range s.scrape("http://" + address + "/metrics") {
		if strings.HasPrefix(name, "tallyman_") {
			own++
		}
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if strings.HasPrefix(name, "tallyman_") && !metricLabels.Has(label.GetName()) {
					t.Errorf("%s has the label %s, which is not in the list of those that are bounded", name, label.GetName())
				}
				for _, of := range []string{"ITEM302", "wd003", "st12", "wms", "10000900"} {
					if strings.Contains(label.GetValue(), of) {
						t.Errorf("%s has the label %s=%q, which names a SKU, a location or a client", name, label.GetName(), label.GetValue())
					}
				}
			}
		}
	}
	if own < 10 {
		t.Errorf("%d metrics of Tallyman's own, want those of every part", own)
	}
}

// scrape reads a manager's metrics.
func (s *harness) scrape(url string) map[string]*dto.MetricFamily {
	s.Helper()
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, url, nil)
	s.Expect(err).NotTo(HaveOccurred())
	answer, err := http.DefaultClient.Do(req)
	s.Expect(err).NotTo(HaveOccurred())
	defer answer.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(answer.Body)
	s.Expect(err).NotTo(HaveOccurred())
	return families
}
