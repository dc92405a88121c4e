package channel

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
)

// scripted answers calls as a test wants.
type scripted struct {
	result Result
	err    error
}

func (s *scripted) Limits() Limits                              { return Limits{BatchSize: 7, MaxParallel: 1} }
func (s *scripted) Probe(context.Context) error                 { return s.err }
func (s *scripted) Push(context.Context, Batch) (Result, error) { return s.result, s.err }

func configOf(kind inventoryv1alpha1.ChannelType) Config {
	ch := &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{Type: kind}}
	ch.Name = "name-of-the-channel"
	return Config{Channel: ch, Clock: clock.RealClock{}}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	broken := NewError(Terminal, "InvalidSpec", "cannot be built")
	registry, err := NewRegistry(
		Registration{"Good", func(Config) (Connector, error) { return &scripted{}, nil }},
		Registration{"Bad", func(Config) (Connector, error) { return nil, broken }},
	)
	if err != nil {
		t.Fatalf("NewRegistry: %v", err)
	}
	cases := map[inventoryv1alpha1.ChannelType]string{"Good": "", "Bad": "InvalidSpec", "Other": "UnknownType"}
	for kind, wantReason := range cases {
		connector, err := registry.New(configOf(kind))
		if (err == nil) != (wantReason == "") || (connector == nil) == (err == nil) {
			t.Errorf("New(%s) = %v, %v", kind, connector, err)
		}
		if e := AsError(err); e != nil && (e.Class != Terminal || string(e.Reason) != wantReason) {
			t.Errorf("New(%s): %s, %s, want %s, %s", kind, e.Class, e.Reason, Terminal, wantReason)
		}
	}
	twice := Registration{"Good", nil}
	if _, err := NewRegistry(twice, twice); err == nil || !strings.Contains(err.Error(), `"Good"`) {
		t.Errorf("NewRegistry with a type twice: %v, want an error that names it", err)
	}
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	t.Cleanup(func() { // for a test that runs more than once
		mine := prometheus.Labels{"type": "Measured"}
		calls.DeletePartialMatch(mine)
		callSeconds.DeletePartialMatch(mine)
		itemsPushed.DeletePartialMatch(mine)
	})
	subject := &scripted{}
	registry, err := NewRegistry(Registration{"Measured", func(Config) (Connector, error) { return subject, nil }})
	if err != nil {
		t.Fatal(err)
	}
	connector, err := registry.New(configOf("Measured"))
	if err != nil {
		t.Fatal(err)
	}
	if got := connector.Limits().BatchSize; got != 7 {
		t.Errorf("batch size %d, want the connector's own 7", got)
	}
	batch := Batch{Items: make([]Item, 4)}
	push := func(result Result, fail error) {
		subject.result, subject.err = result, fail
		got, err := connector.Push(t.Context(), batch)
		if !errors.Is(err, fail) || len(got.Failures) != len(result.Failures) {
			t.Errorf("Push = %v, %v, want %v, %v", got, err, result, fail)
		}
	}
	push(Result{}, nil)
	push(Result{Failures: map[int]*Error{1: NewError(Unconfirmed, "No", ""), 2: NewError(Rejected, "No", "")}}, nil)
	push(Result{}, NewError(Throttled, "Throttled", ""))
	push(Result{}, errors.New("any"))
	if err := connector.Probe(t.Context()); err == nil {
		t.Error("Probe loses the error")
	}

	want := []string{
		`tallyman_channel_call_duration_seconds_count{operation="probe",type="Measured"} 1`,
		`tallyman_channel_call_duration_seconds_count{operation="push",type="Measured"} 4`,
		`tallyman_channel_calls_total{operation="probe",outcome="Retry",type="Measured"} 1`,
		`tallyman_channel_calls_total{operation="push",outcome="Retry",type="Measured"} 1`,
		`tallyman_channel_calls_total{operation="push",outcome="Throttled",type="Measured"} 1`,
		`tallyman_channel_calls_total{operation="push",outcome="ok",type="Measured"} 2`,
		`tallyman_channel_items_total{outcome="Rejected",type="Measured"} 1`,
		`tallyman_channel_items_total{outcome="Retry",type="Measured"} 4`,
		`tallyman_channel_items_total{outcome="Throttled",type="Measured"} 4`,
		`tallyman_channel_items_total{outcome="Unconfirmed",type="Measured"} 1`,
		`tallyman_channel_items_total{outcome="confirmed",type="Measured"} 6`,
	}
	if diff := cmp.Diff(want, scrape(t)); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// scrape returns the samples of the type Measured, but for those that depend on time.
func scrape(t *testing.T) []string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(metrics.Registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	raw, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	if strings.Contains(text, "name-of-the-channel") {
		t.Error("a metric carries the name of a channel")
	}
	var out []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, `type="Measured"`) && !strings.Contains(line, "_bucket") && !strings.Contains(line, "_sum") {
			out = append(out, strings.TrimSpace(line))
		}
	}
	return out
}

// closing is a connector that is an io.Closer, and counts how often it is closed.
type closing struct {
	scripted
	err    error
	closed int
}

func (c *closing) Close() error {
	c.closed++
	return c.err
}

// TestClose reaches the connector through all that the registry puts around it.
func TestClose(t *testing.T) {
	t.Parallel()
	mapped := configOf("Closing")
	mapped.Channel.Spec.SKUMapping = &inventoryv1alpha1.SKUMapping{Prefix: "shop-"}
	for name, cfg := range map[string]Config{"plain": configOf("Closing"), "mapped": mapped} {
		subject := &closing{err: errors.New("still in use")}
		registry, err := NewRegistry(Registration{"Closing", func(Config) (Connector, error) { return subject, nil }})
		if err != nil {
			t.Fatal(err)
		}
		connector, err := registry.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := Close(connector); !errors.Is(err, subject.err) || subject.closed != 1 {
			t.Errorf("%s: Close = %v, closed %d times, want the connector's error, once", name, err, subject.closed)
		}
	}
	if err := Close(&scripted{}); err != nil {
		t.Errorf("Close of a connector that holds nothing: %v", err)
	}
}
