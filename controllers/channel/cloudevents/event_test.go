package cloudevents_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	clocktesting "k8s.io/utils/clock/testing"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/cloudevents"
	"tallyman.dev/tallyman/controllers/channel/cloudevents/cloudeventstest"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// record keeps what is posted.
func record(t *testing.T) (url string, calls chan string) {
	t.Helper()
	calls = make(chan string, 10)
	url = fakeserver.Start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		calls <- fmt.Sprintf("%s %s %s\n%s", r.Method, r.URL, r.Header.Get("Content-Type"), body)
	}))
	return url, calls
}

// TestWire compares what is sent to the letter.
func TestWire(t *testing.T) {
	t.Parallel()
	items := []channel.Item{
		{SKU: "TEE-RED-M", Quantity: 41, LocationCode: "WH 1", LocationQuantity: 17, Sequence: sequence(1842, 7)},
		{SKU: "a/b", LocationCode: "WH 1", Sequence: sequence(1842, 7)},
	}
	const head = "POST /in?x=1 application/cloudevents-batch+json\n"
	event := func(id, subject, data string) string {
		return `{"specversion":"1.0","id":"` + id + `","source":"/apis/inventory.tallyman.dev/v1alpha1/namespaces/shop/channels/events",` +
			`"type":"dev.tallyman.inventory.quantity.set.v1","subject":"` + subject + `","datacontenttype":"application/json",` +
			`"time":"2026-11-24T12:00:00Z","data":` + data + `,"partitionkey":"` + subject + `","sequence":"00000000000000001842.000000000007"}`
	}
	cases := map[inventoryv1alpha1.ChannelMode][]string{
		inventoryv1alpha1.LocationWise: {
			event("8fe6c1a4-0b7e-5a30-9c39-000000000000", "locations/WH%201/skus/TEE-RED-M", `{"sku":"TEE-RED-M","locationCode":"WH 1","quantity":41,"sequence":"00000000000000001842.000000000007"}`),
			event("8fe6c1a4-0b7e-5a30-9c39-000000000000", "locations/WH%201/skus/a%2Fb", `{"sku":"a/b","locationCode":"WH 1","quantity":0,"sequence":"00000000000000001842.000000000007"}`),
		},
		inventoryv1alpha1.Consolidated: {
			event("8fe6c1a4-0b7e-5a30-9c39-000000000000", "skus/TEE-RED-M", `{"sku":"TEE-RED-M","quantity":41,"sequence":"00000000000000001842.000000000007"}`),
			event("8fe6c1a4-0b7e-5a30-9c39-000000000000", "skus/a%2Fb", `{"sku":"a/b","quantity":0,"sequence":"00000000000000001842.000000000007"}`),
		},
	}
	for mode, want := range cases {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			url, calls := record(t)
			cfg := httpConfig(url+"/in?x=1", mode)
			cfg.Clock = clocktesting.NewFakeClock(noon)
			push(t, build(t, cfg), channel.Batch{Mode: mode, Items: items, IdempotencyKey: "key"}, nil)
			got, _ := strings.CutPrefix(<-calls, head)
			if diff := cmp.Diff(canonical(t, "["+strings.Join(want, ",")+"]"), canonical(t, got)); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

// canonical returns events without their ids, which another test is about.
func canonical(t *testing.T, events string) []map[string]any {
	t.Helper()
	var out []map[string]any
	if err := json.Unmarshal([]byte(events), &out); err != nil {
		t.Fatalf("%s: %v", events, err)
	}
	for _, e := range out {
		if id, _ := e["id"].(string); len(id) != len("8fe6c1a4-0b7e-5a30-9c39-000000000000") {
			t.Errorf("id %q, want a UUID", id)
		}
		delete(e, "id")
	}
	return out
}

// TestSchema keeps the page's JSON Schema true.
func TestSchema(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "channels", "cloudevents.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("data.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("data.json")
	if err != nil {
		t.Fatal(err)
	}
	check := func(data []byte) error {
		value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	for _, mode := range bothModes {
		r := cloudeventstest.New()
		url := fakeserver.Start(t, r)
		b := batch(item("A", 0, 7), itemOf("größe", 1<<31-1, math.MaxUint64, lastRun))
		b.Mode = mode
		push(t, build(t, httpConfig(url, mode)), b, nil)
		for _, e := range r.Events() {
			if err := check(e.Data()); err != nil {
				t.Errorf("%s: %v", e.Data(), err)
			}
		}
		if got := len(r.Events()); got != len(b.Items) {
			t.Errorf("%d events, want %d", got, len(b.Items))
		}
	}
	for _, bad := range []string{
		`{}`, `{"sku":"A","quantity":1}`, `{"sku":"","quantity":1,"sequence":"1.1"}`, `{"sku":"A","quantity":1.5,"sequence":"1.1"}`,
		`{"sku":"A","quantity":1,"sequence":1}`, `{"sku":"A","quantity":1,"sequence":""}`, `{"sku":"A","quantity":1,"revision":1}`,
	} {
		if check([]byte(bad)) == nil {
			t.Errorf("the schema takes %s", bad)
		}
	}
}

// TestReceiverDropsOlderEvents is what every consumer has to do.
func TestReceiverDropsOlderEvents(t *testing.T) {
	t.Parallel()
	r := cloudeventstest.New()
	url := fakeserver.Start(t, r)
	c := build(t, httpConfig(url, inventoryv1alpha1.LocationWise))
	push(t, c, batch(item("A", 10, 10), item("B", 1, 10)), nil)
	push(t, c, batch(item("A", 9, 9)), nil)
	if got, _ := r.Quantity("WD-1", "A"); got != 10 {
		t.Errorf("quantity %d, want 10, of the later run", got)
	}
	push(t, c, batch(item("A", 11, 11)), nil)
	if got, _ := r.Quantity("WD-1", "A"); got != 11 {
		t.Errorf("quantity %d, want 11", got)
	}
	push(t, c, batch(itemOf("A", 12, 2, 1)), nil)
	push(t, c, batch(item("A", 13, lastRun)), nil)
	if got, _ := r.Quantity("WD-1", "A"); got != 12 {
		t.Errorf("quantity %d, want 12, of the later term", got)
	}
}

// TestAnswers is about what a receiver may say of a batch.
func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status     int
		wantClass  channel.Class
		wantReason string
		wantProbe  channel.Class // of the same answer to the probe
	}{
		"taken":               {http.StatusOK, "", "", ""},
		"taken for later":     {http.StatusAccepted, "", "", ""},
		"taken, no content":   {http.StatusNoContent, "", "", ""},
		"malformed":           {http.StatusBadRequest, channel.Rejected, "Status400", ""},
		"not processable":     {http.StatusUnprocessableEntity, channel.Rejected, "Status422", ""},
		"too large":           {http.StatusRequestEntityTooLarge, channel.Rejected, "Status413", ""},
		"no batches":          {http.StatusUnsupportedMediaType, channel.Retry, "Status415", ""},
		"retired":             {http.StatusGone, channel.Terminal, "Gone", channel.Terminal},
		"who are you":         {http.StatusUnauthorized, channel.Unauthorized, "Unauthorized", channel.Unauthorized},
		"not for you":         {http.StatusForbidden, channel.Unauthorized, "Unauthorized", channel.Unauthorized},
		"slow down":           {http.StatusTooManyRequests, channel.Throttled, "Throttled", ""},
		"broken":              {http.StatusInternalServerError, channel.Retry, "Status500", ""},
		"only some were good": {http.StatusMultiStatus, "", "", ""}, // nothing defines what else it could mean
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := fakeserver.Start(t, fakeserver.Status(tc.status, "words"))
			c := build(t, httpConfig(url, inventoryv1alpha1.LocationWise))
			_, err := c.Push(t.Context(), batch(item("A", 1, 1)))
			if tc.wantClass != "" {
				contract.WantError(t, err, tc.wantClass, tc.wantReason)
			} else if err != nil {
				t.Errorf("Push: %v", err)
			}
			err = c.Probe(t.Context())
			if (err == nil) != (tc.wantProbe == "") || err != nil && channel.AsError(err).Class != tc.wantProbe {
				t.Errorf("Probe: %v, want class %q", err, tc.wantProbe)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*channel.Config)
		wantReason string
	}{
		"no configuration": {func(c *channel.Config) { c.Channel.Spec.CloudEvents = nil }, "InvalidSpec"},
		"neither":          {func(c *channel.Config) { c.Channel.Spec.CloudEvents.HTTP = nil }, "InvalidSpec"},
		"both":             {func(c *channel.Config) { c.Channel.Spec.CloudEvents.NATS = &inventoryv1alpha1.CloudEventsNATS{} }, "InvalidSpec"},
		"source":           {func(c *channel.Config) { c.Channel.Spec.CloudEvents.Source = "%zz" }, "InvalidEvent"},
		"header":           {func(c *channel.Config) { c.Credentials = map[string][]byte{"Host": []byte("x")} }, "InvalidHeader"},
		"certificate":      {func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate"},
		"certificate of NATS": {func(c *channel.Config) {
			*c = natsConfig("tls://127.0.0.1:1", inventoryv1alpha1.LocationWise)
			c.TLS = map[string][]byte{"ca.crt": []byte("x")}
		}, "InvalidCertificate"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := httpConfig("http://127.0.0.1:1/", inventoryv1alpha1.LocationWise)
			tc.change(&cfg)
			_, err := cloudevents.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.wantReason)
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		cfg  channel.Config
		want channel.Limits
	}{
		"http": {httpConfig("http://127.0.0.1:1/", inventoryv1alpha1.LocationWise), channel.Limits{BatchSize: 100, MaxParallel: 4, Patience: channel.MaxPatience}},
		"nats": {natsConfig("nats://127.0.0.1:1", inventoryv1alpha1.LocationWise), channel.Limits{BatchSize: 256, MaxParallel: 1, Patience: channel.MaxPatience}},
	} {
		if diff := cmp.Diff(tc.want, build(t, tc.cfg).Limits()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		tc.cfg.Channel.Spec.BatchSize = 7
		if got := build(t, tc.cfg).Limits().BatchSize; got != 7 {
			t.Errorf("%s: batches of %d, want 7", name, got)
		}
	}
}
