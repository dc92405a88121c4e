package omni_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/utils/clock"

	inventoryv1alpha1 "tallyman.dev/tallyman/api/v1alpha1"
	"tallyman.dev/tallyman/controllers/channel"
	"tallyman.dev/tallyman/controllers/channel/contract"
	"tallyman.dev/tallyman/controllers/channel/fakeserver"
	"tallyman.dev/tallyman/controllers/channel/omni"
	"tallyman.dev/tallyman/controllers/channel/omni/omnitest"
)

// shop is a receiver and the connector that reaches it.
type shop struct {
	*omnitest.Receiver
	channel.Connector
}

// open makes a shop. With tokens, the receiver wants headers of Get Credential.
func open(t *testing.T, tokens bool, change func(*channel.Config)) *shop {
	t.Helper()
	return openBehind(t, tokens, nil, change)
}

// openBehind makes a shop whose requests pass through a handler, which gets the receiver.
func openBehind(t *testing.T, tokens bool, front func(*omnitest.Receiver, http.ResponseWriter, *http.Request), change func(*channel.Config)) *shop {
	t.Helper()
	s := &shop{Receiver: omnitest.New()}
	url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if front == nil {
			s.ServeHTTP(w, r)
			return
		}
		front(s.Receiver, w, r)
	}))
	cfg := configFor(url)
	if tokens {
		s.IssueTokens("Authorization")
		cfg.Channel.Spec.Omni.CredentialURL = inventoryv1alpha1.HTTPURL(url)
	}
	if change != nil {
		change(&cfg)
	}
	s.Connector = contract.Build(t, omni.New, cfg)
	return s
}

func configFor(url string) channel.Config {
	return channel.Config{Clock: clock.RealClock{}, Channel: &inventoryv1alpha1.Channel{Spec: inventoryv1alpha1.ChannelSpec{
		Type: inventoryv1alpha1.ChannelOmni, Omni: &inventoryv1alpha1.OmniChannel{URL: inventoryv1alpha1.HTTPURL(url)},
	}}}
}

func item(sku string, quantity int64) channel.Item {
	return channel.Item{SKU: sku, Quantity: quantity, LocationCode: "WD-1", LocationQuantity: quantity}
}

func locationWise(items ...channel.Item) channel.Batch {
	return channel.Batch{Mode: inventoryv1alpha1.LocationWise, Items: items, IdempotencyKey: "job-0"}
}

// TestWire compares what is sent with the standard's examples, to the letter.
func TestWire(t *testing.T) {
	t.Parallel()
	items := []channel.Item{
		{SKU: "TEE-RED-M", Quantity: 41, LocationCode: "WH-BLR", LocationQuantity: 17},
		{SKU: `<"&>`, Quantity: 0, LocationCode: "WH-BLR"},
	}
	cases := map[string]struct {
		mode              inventoryv1alpha1.ChannelMode
		consolidationType string
		items             []channel.Item
		want              string
	}{
		"location-wise": {
			mode: inventoryv1alpha1.LocationWise, items: []channel.Item{item("TEE-RED-M", 17), item("TEE-RED-L", 0)},
			want: `{"locationCode":"WD-1","inventories":[` +
				`{"channelSkuCode":"TEE-RED-M","quantity":17},{"channelSkuCode":"TEE-RED-L","quantity":0}]}`,
		},
		"consolidated": {
			mode: inventoryv1alpha1.Consolidated, items: items,
			want: `{"consolidationType":"ALL","inventories":[` +
				`{"channelSkuCode":"TEE-RED-M","consolidatedQuantity":41,"quantity":17,"locationCode":"WH-BLR","consolidationType":"ALL"},` +
				`{"channelSkuCode":"\u003c\"\u0026\u003e","consolidatedQuantity":0,"quantity":0,"locationCode":"WH-BLR","consolidationType":"ALL"}]}`,
		},
		"consolidated, stores only": {
			mode: inventoryv1alpha1.Consolidated, consolidationType: "STORE", items: items[:1],
			want: `{"consolidationType":"STORE","inventories":[` +
				`{"channelSkuCode":"TEE-RED-M","consolidatedQuantity":41,"quantity":17,"locationCode":"WH-BLR","consolidationType":"STORE"}]}`,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := make(chan string, 1)
			url := fakeserver.Start(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				got <- fmt.Sprintf("%s %s %s %s", r.Method, r.URL, r.Header.Get("Content-Type"), body)
			}))
			cfg := configFor(url + "/v1/stock?shop=7")
			cfg.Channel.Spec.Omni.ConsolidationType = tc.consolidationType
			connector := contract.Build(t, omni.New, cfg)
			if _, err := connector.Push(t.Context(), channel.Batch{Mode: tc.mode, Items: tc.items}); err != nil {
				t.Fatalf("Push: %v", err)
			}
			if diff := cmp.Diff("PUT /v1/stock?shop=7 application/json "+tc.want, <-got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

// TestLocationsNeverShareACall keeps one location's stock from being written to another.
func TestLocationsNeverShareACall(t *testing.T) {
	t.Parallel()
	s := open(t, false, nil)
	other := item("B", 2)
	other.LocationCode = "WD-2"
	_, err := s.Push(t.Context(), locationWise(item("A", 1), other))
	contract.WantError(t, err, channel.Terminal, "InvalidBatch")
	if got := s.Calls(); len(got) != 0 {
		t.Errorf("the channel was called: %+v", got)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ specified, want int }{
		"by the standard": {0, 200},
		"smaller":         {50, 50},
		"larger":          {1000, 1000},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, false, func(c *channel.Config) { c.Channel.Spec.BatchSize = int32(tc.specified) })
			want := channel.Limits{BatchSize: tc.want, OneLocationPerCall: true, MaxParallel: 4, Patience: channel.MaxPatience}
			if diff := cmp.Diff(want, s.Limits()); diff != "" {
				t.Errorf("limits (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		change     func(*channel.Config)
		wantReason string
		wantWords  string
	}{
		"no configuration": {
			func(c *channel.Config) { c.Channel.Spec.Omni = nil }, "InvalidSpec", "spec.omni",
		},
		"transport that cannot be made": {
			func(c *channel.Config) { c.TLS = map[string][]byte{"ca.crt": []byte("x")} }, "InvalidCertificate", "ca.crt",
		},
		"one header twice": {func(c *channel.Config) {
			c.Credentials = map[string][]byte{"X-Key": []byte("1"), "x-key": []byte("2")}
		}, "InvalidHeader", `"X-Key"`},
	}
	for name, headers := range map[string]map[string]string{
		"line break":        {"X-Key": "s3cret\r\nX-B: 2"},
		"control character": {"X-Key": "s3cret\x00"},
		"no token":          {"X Key": "s3cret"},
		"empty name":        {"": "s3cret"},
		"host":              {"Host": "s3cret"},
		"hop-by-hop":        {"transfer-encoding": "s3cret"},
		"connection":        {"Connection": "s3cret"},
		"proxy":             {"Proxy-Authorization": "s3cret"},
		"of the body":       {"content-type": "s3cret"},
		"content length":    {"Content-Length": "s3cret"},
		"encoding":          {"Accept-Encoding": "s3cret"},
	} {
		data := map[string][]byte{}
		for k, v := range headers {
			data[k] = []byte(v)
		}
		for header := range headers {
			cases[name] = struct {
				change     func(*channel.Config)
				wantReason string
				wantWords  string
			}{func(c *channel.Config) { c.Credentials = data }, "InvalidHeader", fmt.Sprintf("%q", header)}
		}
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configFor("http://127.0.0.1:1/")
			tc.change(&cfg)
			_, err := omni.New(cfg)
			contract.WantError(t, err, channel.Terminal, tc.wantReason)
			if !strings.Contains(err.Error(), tc.wantWords) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("error %v, want it to name %s and no secret", err, tc.wantWords)
			}
		})
	}
}

// TestProbe without Get Credential changes nothing, and lets everything pass but what will not
// work for calls either.
func TestProbe(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		status    int
		wantClass channel.Class
	}{
		"offers OPTIONS":           {http.StatusNoContent, ""},
		"does not know OPTIONS":    {http.StatusMethodNotAllowed, ""},
		"finds nothing":            {http.StatusNotFound, ""},
		"chokes":                   {http.StatusInternalServerError, ""},
		"wants other credentials":  {http.StatusUnauthorized, channel.Unauthorized},
		"forbids with credentials": {http.StatusForbidden, channel.Unauthorized},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := fakeserver.Start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method != http.MethodOptions || r.Header.Get("X-Key") != "s3cret" {
					t.Errorf("the probe is %s with %v", r.Method, r.Header)
				}
				w.WriteHeader(tc.status)
			}))
			cfg := configFor(url)
			cfg.Credentials = map[string][]byte{"X-Key": []byte("s3cret")}
			connector := contract.Build(t, omni.New, cfg)
			err := connector.Probe(t.Context())
			if tc.wantClass == "" && err != nil {
				t.Errorf("Probe: %v", err)
			}
			if tc.wantClass != "" {
				contract.WantError(t, err, tc.wantClass, "Unauthorized")
			}
		})
	}
}

func TestProbeOfNobody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	connector := contract.Build(t, omni.New, configFor(server.URL))
	contract.WantError(t, connector.Probe(t.Context()), channel.Retry, "ConnectionFailed")
}

// TestBothStylesOfLists pushes through whole answers of a receiver, with a SKU that fails.
func TestBothStylesOfLists(t *testing.T) {
	t.Parallel()
	for _, mode := range []inventoryv1alpha1.ChannelMode{inventoryv1alpha1.LocationWise, inventoryv1alpha1.Consolidated} {
		for _, style := range []omnitest.ListStyle{omnitest.StandardLists, omnitest.StringLists, omnitest.ObjectLists} {
			t.Run(fmt.Sprint(mode, style), func(t *testing.T) {
				t.Parallel()
				s := open(t, false, nil)
				s.List(style)
				s.Fail("B", "not of this call")
				result, err := s.Push(t.Context(), channel.Batch{Mode: mode, Items: []channel.Item{item("A", 1), item("B", 2), item("C", 3)}})
				if err != nil {
					t.Fatalf("Push: %v", err)
				}
				want := map[int]string{1: "RefusedByChannel"}
				if diff := cmp.Diff(want, reasons(result)); diff != "" {
					t.Errorf("failures (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func reasons(r channel.Result) map[int]string {
	out := map[int]string{}
	for i, failure := range r.Failures {
		out[i] = string(failure.Reason)
	}
	return out
}

// TestEmptyAnswer is what the simplest receivers send, and a success by the standard.
func TestEmptyAnswer(t *testing.T) {
	t.Parallel()
	s := open(t, false, nil)
	s.List(omnitest.NoLists)
	result, err := s.Push(t.Context(), locationWise(item("A", 1)))
	if err != nil || len(result.Failures) != 0 {
		t.Errorf("Push = %+v, %v", result, err)
	}
}

// headersOf returns a JSON object of n headers.
func headersOf(n int) string {
	all := map[string]string{}
	for i := range n {
		all[fmt.Sprintf("X-%d", i)] = "value"
	}
	raw, _ := json.Marshal(all)
	return string(raw)
}

func headerNames(h http.Header) []string {
	var out []string
	for name := range maps.Keys(h) {
		if strings.HasPrefix(name, "X-") {
			out = append(out, name)
		}
	}
	return out
}
